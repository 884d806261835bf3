"""Score saliency maps from folders of 8-bit grey PNGs."""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from metrics.base import Row, Scorer, ScoreReport
from metrics.errors import DataError
from metrics.image_pairs import ImagePairs, check_size, pair_folders, read_plane
from metrics.salient import CARD, SALIENT, aggregate, measure

ENDINGS = (".png", ".jpg", ".jpeg", ".bmp")


def read_map(path: Path) -> np.ndarray:
    """Read an 8-bit grey image, or a black-and-white one: uint8 [H, W].

    Raises:
        DataError: the file is missing, damaged or not of that kind.
    """
    plane = read_plane(path, ("L", "1"), "an 8-bit grey image (0..255)")
    return plane.astype(np.uint8) * np.uint8(255) if plane.dtype == bool else plane


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score a folder of saliency maps against a folder of masks with the same names; memory does not grow with them.

    Raises:
        DataError: naming the file and what to do.
    """
    pairs = pair_folders(targets, predictions, options.get("pattern", "*.png"), ENDINGS)
    scores = aggregate(_rows(pairs))
    facts = (
        (pairs.missing, f"{pairs.missing} targets have no prediction: MAE 1 and 0 elsewhere"),
        (len(pairs.extra), f"{len(pairs.extra)} predicted files belong to no target: not scored"),
    )
    return ScoreReport(
        metric="salient",
        protocol=SALIENT.protocol,
        n=len(pairs.names),
        missing=pairs.missing,
        malformed=0,
        metrics={key: None if math.isnan(value) else value for key, value in scores.items()},
        notes=tuple(text for count, text in facts if count),
    )


def _rows(pairs: ImagePairs) -> Iterator[Row]:
    for target_path, pred_path in zip(pairs.targets, pairs.predictions, strict=True):
        target = read_map(target_path)
        pred = None if pred_path is None else read_map(pred_path)
        if pred is not None and pred_path is not None:
            check_size(pred, target, (pred_path, target_path), "bring the saliency map to the target's size")
        try:
            yield measure(pred, target)
        except DataError as error:
            raise DataError(f"{pred_path or target_path}: {error}") from None


SCORERS = [
    Scorer(
        name="salient",
        score=score,
        targets="folder of 8-bit grey PNG masks (foreground above 128)",
        predictions="folder of 8-bit grey images with the same names and sizes (255 = surely salient)",
        card=CARD,
        options={"pattern": "which files of the target folder to take; default *.png"},
    )
]
