"""Predictions as JSON lines: one object per sample, keys sorted, ASCII only, nothing but what the model said.

`seconds` is not written: a predictions file is the same bytes however long the model took.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

from benchmarks.errors import DataError
from benchmarks.files import read_bytes
from benchmarks.schema import Box, Group, Instance, Prediction, Rle, Status, Unit
from tasks import dense

_STATUSES = frozenset(get_args(Status))
_UNITS = frozenset(get_args(Unit))
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


def to_json(prediction: Prediction) -> dict[str, Any]:
    """Build the JSON object of one prediction; fields that an instance lacks are left out, depth lies in a file."""
    content: dict[str, Any] = {} if prediction.depth is None else {"depth": dense.to_json(prediction.depth)}
    return {
        **content,
        "sample_id": prediction.sample_id,
        "status": prediction.status,
        "text": prediction.text,
        "prompt": prediction.prompt,
        "error": prediction.error,
        "groups": [
            {"phrase": group.phrase, "unit": group.unit, "instances": [_instance(each) for each in group.instances]}
            for group in prediction.groups
        ],
    }


def from_json(content: Any, place: str, root: Path | None = None) -> Prediction:
    """Read the JSON object of one prediction.

    Args:
        content: parsed JSON; only `sample_id` and `status` must be there.
        place: file and line, for the error text.
        root: folder that files of depth maps are relative to.

    Raises:
        DataError: a field is missing, unknown or of the wrong type.
    """
    try:
        known = {"sample_id", "status", "text", "prompt", "error", "groups", "depth"}
        _only(content, known)
        return Prediction(
            sample_id=_text(content, "sample_id"),
            status=_one_of(content, "status", _STATUSES),
            text=_text(content, "text", ""),
            prompt=_text(content, "prompt", ""),
            error=_text(content, "error", ""),
            groups=tuple(_read_group(group) for group in _list(content, "groups")),
            depth=None if content.get("depth") is None else dense.from_json(content["depth"], root),
        )
    except (TypeError, ValueError, KeyError) as error:
        reason = f"{error.args[0]} is missing" if isinstance(error, KeyError) else error
        raise DataError(f"{place}: not a prediction ({reason}); correct the line or write the file again") from None


def dump(content: Mapping[str, Any]) -> str:
    """One line of JSON without its line break: sorted keys, no spaces, ASCII only; NaN raises ValueError."""
    return _ENCODER.encode(content)


def to_bytes(predictions: Iterable[Prediction]) -> bytes:
    """The content of a predictions file, in the order given."""
    return "".join(dump(to_json(prediction)) + "\n" for prediction in predictions).encode("ascii")


def read(path: Path) -> list[Prediction]:
    """Read a predictions file in its order; empty lines are skipped.

    Raises:
        DataError: the file is missing, a line is not a prediction, or a sample is answered twice.
    """
    predictions: dict[str, Prediction] = {}
    for number, line in enumerate(read_bytes(path).split(b"\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            content = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: broken JSON ({error}); correct the line or write the file again") from None
        prediction = from_json(content, place, path.parent)
        if prediction.sample_id in predictions:
            raise DataError(f"{place}: {prediction.sample_id} is answered a second time; keep one of the lines")
        predictions[prediction.sample_id] = prediction
    return list(predictions.values())


def _instance(instance: Instance) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if instance.score is not None:
        content["score"] = instance.score
    if instance.box_xyxy is not None:
        content["box_xyxy"] = list(instance.box_xyxy)
    if instance.mask_rle is not None:
        content["mask_rle"] = {"size": list(instance.mask_rle["size"]), "counts": instance.mask_rle["counts"]}
    if instance.keypoints is not None:
        content["keypoints"] = [list(joint) for joint in instance.keypoints]
    return content


def _read_group(content: Any) -> Group:
    _only(content, {"phrase", "unit", "instances"})
    instances = tuple(_read_instance(instance) for instance in _list(content, "instances"))
    return Group(phrase=_text(content, "phrase", ""), unit=_one_of(content, "unit", _UNITS), instances=instances)


def _read_instance(content: Any) -> Instance:
    _only(content, {"score", "box_xyxy", "mask_rle", "keypoints"})
    score, box, mask, joints = (content.get(key) for key in ("score", "box_xyxy", "mask_rle", "keypoints"))
    return Instance(
        score=None if score is None else _number(score),
        box_xyxy=None if box is None else _read_box(box),
        mask_rle=None if mask is None else _read_mask(mask),
        keypoints=None if joints is None else _read_joints(joints),
    )


def _read_box(content: Any) -> Box:
    if not isinstance(content, list) or len(content) != 4:
        raise ValueError(f"box_xyxy must be four numbers, got {content!r}")
    x1, y1, x2, y2 = (_number(value) for value in content)
    return (x1, y1, x2, y2)


def _read_mask(content: Any) -> Rle:
    _only(content, {"size", "counts"})
    size, counts = content["size"], content["counts"]
    if not isinstance(size, list) or len(size) != 2 or not all(type(side) is int for side in size):
        raise ValueError(f"size of mask_rle must be [height, width], got {size!r}")
    if not isinstance(counts, str):
        raise ValueError("counts of mask_rle must be compressed COCO text")
    return {"size": size, "counts": counts}


def _read_joints(content: Any) -> tuple[tuple[float, float, float], ...]:
    if not isinstance(content, list) or not all(isinstance(joint, list) and len(joint) == 3 for joint in content):
        raise ValueError(f"keypoints must be [[x, y, score], …], got {content!r}")
    return tuple((_number(x), _number(y), _number(score)) for x, y, score in content)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is not a number")
    return float(value)


def _text(content: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = content[key] if default is None else content.get(key, default)
    if not isinstance(value, str):
        raise ValueError(f"{key} must be text, got {value!r}")
    return value


def _list(content: Mapping[str, Any], key: str) -> list[Any]:
    value = content.get(key, [])
    if not isinstance(value, list):
        raise ValueError(f"{key} must be a list, got {value!r}")
    return value


def _one_of(content: Mapping[str, Any], key: str, allowed: frozenset[str]) -> Any:
    value = content[key]
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{key} must be one of {', '.join(sorted(allowed))}, got {value!r}")
    return value


def _only(content: Any, known: set[str]) -> None:
    if not isinstance(content, dict):
        raise ValueError(f"an object is needed, got {content!r}")
    if unknown := sorted(set(content) - known):
        raise ValueError(f"unknown field {unknown[0]!r}")
