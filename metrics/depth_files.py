"""Score depth predictions from files: 16-bit target PNGs and predictions as .npz, .npy or 16-bit PNG."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from metrics.base import Row, Scorer, ScoreReport
from metrics.depth import CARD, aggregate, measure
from metrics.depth_protocols import ALIGNMENTS, CROPS, PNG_SCALES, PRESETS, RESIZES, DepthProtocol, preset
from metrics.errors import DataError
from metrics.image_pairs import ImagePairs, pair_folders, read_plane
from metrics.options import choice, choice_float, choice_int

DEPTH_MODES = ("I;16", "I;16B", "I")
ENDINGS = (".npz", ".npy", ".png")


def read_target(path: Path, scale: float) -> np.ndarray:
    """Read a target PNG: float32 [H, W], metres, 0 = no reading.

    Args:
        scale: stored value of one metre (NYU 1000, KITTI 256).

    Raises:
        DataError: the file is missing, damaged, or has 8 bits.
    """
    return read_plane(path, DEPTH_MODES, "depth as a 16-bit grey PNG").astype(np.float32) / np.float32(scale)


def read_prediction(path: Path, key: str, scale: float) -> np.ndarray:
    """Read a prediction: float32 [h, w], metres (or disparity), as stored; NaN and infinity are kept.

    Args:
        key: array of an .npz that holds it; a file with a single array may name it anything.
        scale: stored value of one metre, for PNGs only.

    Raises:
        DataError: the file is damaged or holds no such map.
    """
    if path.suffix == ".png":
        return read_target(path, scale)
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            array = content
        else:
            with content:
                names = content.files
                if key not in names and len(names) != 1:
                    raise DataError(f"{path} has no array '{key}' (it has {', '.join(names) or 'none'}): set pred_key")
                array = content[key if key in names else names[0]]
    except DataError:
        raise
    except (OSError, ValueError, EOFError, BadZipFile) as error:
        raise DataError(f"{path} cannot be read as a NumPy file ({error}): write it again") from None
    if array.ndim == 3 and 1 in (array.shape[0], array.shape[2]):
        array = array.squeeze(0 if array.shape[0] == 1 else 2)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "fiu":
        raise DataError(f"{path} holds {array.dtype} {array.shape}: depth must be a map of numbers [H, W]")
    return array.astype(np.float32)


def read_protocol(options: Mapping[str, str]) -> DepthProtocol:
    """Build the protocol: a preset for a dataset, with the parts that options replace.

    Raises:
        DataError: an option has an unknown value.
    """
    base = preset(options.get("preset", "zoedepth"), options.get("dataset", "nyu"))
    return replace(
        base,
        min_m=choice_float(options, "min_depth", base.min_m),
        max_m=choice_float(options, "max_depth", base.max_m),
        crop=choice(options, "crop", tuple(CROPS), base.crop),
        resize=choice(options, "resize", tuple(RESIZES), base.resize),
        align=choice(options, "align", tuple(ALIGNMENTS), base.align),
        clean=choice(options, "clean", ("none", "clip"), base.clean),
        clamp=choice(options, "clamp", ("yes", "no"), "yes" if base.clamp else "no") == "yes",
        min_valid=choice_int(options, "min_valid", base.min_valid),
    )


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a folder of depth predictions against a folder of 16-bit depth PNGs.

    Raises:
        DataError: naming the file and what to do.
    """
    protocol = read_protocol(options)
    pairs = pair_folders(
        targets,
        predictions,
        pattern=options.get("pattern", "*.png"),
        endings=ENDINGS,
        suffixes=(options.get("target_suffix", "_gt"), options.get("pred_suffix", "_pred")),
    )
    rows = _rows(pairs, protocol, options)
    eligible = [row for row in rows if row["eligible"]]
    missing = sum(
        pred is None for pred, row in zip(pairs.predictions, rows, strict=True) if row["eligible"]
    )
    return ScoreReport(
        metric="depth",
        protocol=str(protocol),
        n=len(eligible),
        missing=missing,
        malformed=sum(not row["answered"] for row in eligible) - missing,
        metrics={key: None if math.isnan(value) else value for key, value in aggregate(rows).items()},
        notes=_notes(rows, pairs),
    )


def _rows(pairs: ImagePairs, protocol: DepthProtocol, options: Mapping[str, str]) -> list[Row]:
    scale = choice_float(options, "scale", PNG_SCALES[protocol.dataset])
    pred_scale = choice_float(options, "pred_scale", scale)
    key = options.get("pred_key", "relative_disparity" if protocol.align == "lstsq_disparity" else "depth")
    rows = []
    for target_path, pred_path in zip(pairs.targets, pairs.predictions, strict=True):
        target = read_target(target_path, scale)
        pred = None if pred_path is None else read_prediction(pred_path, key, pred_scale)
        try:
            rows.append(measure(pred, target, protocol))
        except DataError as error:
            raise DataError(f"{pred_path or target_path}: {error}") from None
    return rows


def _notes(rows: list[Row], pairs: ImagePairs) -> tuple[str, ...]:
    left_out = sum(not row["eligible"] for row in rows)
    unanswered = sum(not row["answered"] for row in rows if row["eligible"])
    replaced = sum(int(row.get("replaced_px", 0)) for row in rows if row.get("answered"))
    facts = (
        (left_out, f"{left_out} images have too few valid target pixels: left out"),
        (unanswered, f"{unanswered} images have no usable prediction: see coverage and the penalised means"),
        (replaced, f"{replaced} predicted pixels are not finite: capped as the protocol says"),
        (len(pairs.extra), f"{len(pairs.extra)} predicted files belong to no target: not scored"),
    )
    return tuple(text for count, text in facts if count)


SCORERS = [
    Scorer(
        name="depth",
        score=score,
        targets="folder of 16-bit depth PNGs (NYU: metres x 1000, KITTI: metres x 256, 0 = no reading)",
        predictions="folder of .npz, .npy (metres) or 16-bit PNG files with the same names",
        card=CARD,
        options={
            "preset": f"{' | '.join(PRESETS)}: rules of that project; default zoedepth",
            "dataset": "nyu | kitti: cap, PNG scale and Eigen crop; default nyu",
            "scale": "stored value of one metre in target PNGs; default 1000 (nyu), 256 (kitti)",
            "pred_scale": "the same for predicted PNGs; default: scale",
            "pred_key": "array of a prediction .npz; default depth (relative_disparity for align=lstsq_disparity)",
            "min_depth": "lower cap in metres; default from the preset",
            "max_depth": "upper cap in metres; default from the preset",
            "crop": f"{' | '.join(CROPS)}; default from the preset",
            "resize": f"{' | '.join(RESIZES)}; default from the preset",
            "align": f"{' | '.join(ALIGNMENTS)}; default from the preset",
            "clean": "none | clip: cap predictions before alignment; default none",
            "clamp": "yes | no: cap predictions after alignment; default from the preset",
            "min_valid": "images with fewer valid pixels are left out; default from the preset",
            "pattern": "which files of the target folder to take; default *.png",
            "target_suffix": "end of target names that is not part of the name; default _gt",
            "pred_suffix": "likewise for predictions; default _pred",
        },
    )
]
