"""Files of PCK: arrays in npz, or COCO person keypoints with one answer per annotation."""

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metrics.coco_columns import column, lookup, numbers
from metrics.coco_files import read_truth
from metrics.errors import DataError
from metrics.json_files import load_json, objects


@dataclass(frozen=True)
class Poses:
    """Annotated persons and their answers.

    Attributes:
        true_xy: float [N, K, 2] pixels.
        found_xy: float [N, K, 2] pixels, NaN where the answer is missing.
        visible: bool [N, K], joints to compare.
        box_px: float [N], longer side of the person's box, or None.
        head_px: float [N], head size, or None.
        names: K names of joints.
    """

    true_xy: np.ndarray
    found_xy: np.ndarray
    visible: np.ndarray
    box_px: np.ndarray | None
    head_px: np.ndarray | None
    names: tuple[str, ...]

    @property
    def missing(self) -> np.ndarray:
        """Tell which persons have no answer: bool [N]."""
        return np.asarray(np.isnan(self.found_xy).all(axis=(1, 2)))


def read_pck(targets: Path, predictions: Path) -> Poses:
    """Read annotated and found poses, both from npz or both from JSON.

    Raises:
        DataError: a file is unreadable, an array is absent or of another shape, or a value is not finite.
    """
    if targets.suffix == ".npz":
        return _from_arrays(targets, predictions)
    return _from_json(targets, predictions)


def _from_arrays(targets: Path, predictions: Path) -> Poses:
    true, found = _load(targets), _load(predictions)
    true_xy = _floats(true, "gt", targets, (None, None, 2))
    persons, joints = true_xy.shape[:2]
    found_xy = _floats(found, "pred", predictions, (persons, joints, 2), gaps=True)
    visible = _need(true, "visible", targets)
    if visible.shape != (persons, joints) or visible.dtype.kind not in "biuf":
        raise DataError(f"{targets}: visible is {visible.shape} but must be [{persons}, {joints}], like gt")
    box_px = head_px = None
    if "bbox_xyxy" in true:
        box = _floats(true, "bbox_xyxy", targets, (persons, 4))
        sides = box[:, 2:] - box[:, :2]
        if (sides < 0).any():
            bad = int(np.argmax((sides < 0).any(axis=1)))
            raise DataError(f"{targets}: bbox_xyxy of person {bad} ends before it begins: correct it")
        box_px = sides.max(axis=1, initial=0)
    if "head_size" in true:
        head_px = _floats(true, "head_size", targets, (persons,))
    names = tuple(f"joint {joint}" for joint in range(joints))
    return Poses(true_xy, found_xy, visible > 0, box_px, head_px, names)


def _load(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except FileNotFoundError:
        raise DataError(f"{path} is missing: check the path") from None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, TypeError) as error:
        raise DataError(f"{path} is no readable npz ({error}): write it with numpy.savez") from None


def _need(arrays: dict[str, np.ndarray], key: str, path: Path) -> np.ndarray:
    if key not in arrays:
        raise DataError(f"{path} has no array {key} (it holds {', '.join(sorted(arrays)) or 'nothing'}): add it")
    return arrays[key]


def _floats(
    arrays: dict[str, np.ndarray], key: str, path: Path, shape: tuple[int | None, ...], gaps: bool = False
) -> np.ndarray:
    """Take a finite float array of a shape; with `gaps`, a person may be all NaN."""
    array = _need(arrays, key, path)
    fits = len(array.shape) == len(shape)
    fits = fits and all(want in (None, have) for want, have in zip(shape, array.shape, strict=True))
    if not fits or array.dtype.kind not in "iuf":
        wanted = ", ".join("any" if side is None else str(side) for side in shape)
        raise DataError(f"{path}: {key} is {array.dtype} {array.shape} but must be numbers [{wanted}]")
    array = array if array.dtype.kind == "f" else array.astype(np.float64)
    flat = array.reshape(len(array), -1)
    bad = ~np.isfinite(flat).all(axis=1)
    if gaps:
        bad &= ~np.isnan(flat).all(axis=1)
    if bad.any():
        raise DataError(f"{path}: {key} of person {int(np.argmax(bad))} is not finite: correct it")
    return array


def _from_json(targets: Path, predictions: Path) -> Poses:
    truth = read_truth(targets, "keypoints")
    own = truth.annotations.take(np.flatnonzero(~truth.annotations.crowd & (truth.annotations.num_keypoints > 0)))
    joints = own.keypoints.shape[1]
    content = load_json(predictions)
    if not isinstance(content, list):
        raise DataError(f"{predictions} must be a JSON array of answers: write [{{annotation_id, keypoints}}, …]")
    rows = objects(content, predictions, "the answers")

    def describe(position: int) -> str:
        return f"{predictions}: answer {position} (annotation_id {rows[position].get('annotation_id')!r})"

    index = {value: place for place, value in enumerate(own.ids)}
    complaint = f"which is no annotation with labelled joints of {targets}: remove it"
    places = lookup(column(rows, "annotation_id", describe), index, describe, complaint)
    repeated = np.flatnonzero(np.bincount(places, minlength=len(own.ids)) > 1)
    if len(repeated):
        raise DataError(f"{predictions}: annotation {own.ids[repeated[0]]!r} has more than one answer: keep one")
    poses = numbers(column(rows, "keypoints", describe), joints * 3, "keypoints", describe).reshape(-1, joints, 3)
    found_xy = np.full((len(own.ids), joints, 2), np.nan)
    found_xy[places] = poses[:, :, :2]
    listed: list[str] = next((row["keypoints"] for row in truth.category_records.values() if "keypoints" in row), [])
    names = tuple(map(str, listed)) if len(set(map(str, listed))) == joints else ()
    return Poses(
        true_xy=own.keypoints[:, :, :2],
        found_xy=found_xy,
        visible=own.keypoints[:, :, 2] > 0,
        box_px=own.box_xywh[:, 2:].max(axis=1, initial=0),
        head_px=None,
        names=names or tuple(f"joint {joint}" for joint in range(joints)),
    )
