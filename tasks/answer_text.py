"""One answer as text: its words, every phrase in the colour of its objects, and a line for each object."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from benchmarks.schema import Group, Instance, Prediction
from metrics import masks
from refvlm.answers import Answer, Text, Triplet
from refvlm.joints import COCO
from results.report.palette import Colour, hue
from tasks.one_answer import Answered


def lines(answered: Answered, coloured: bool) -> list[str]:
    """Write an answer for people.

    Args:
        answered: the answer.
        coloured: whether phrases get colours, as a terminal of 24-bit colours shows them; with several phrases they
            are those of the picture.
    """
    prediction = answered.prediction
    if prediction.status != "ok":
        raw = [f"it said: {_clean(prediction.text)}"] if prediction.text else []
        return [f"no answer: {_clean(prediction.error)}", *raw]
    inks = _inks(prediction) if coloured else {}
    body = [_said(answered, inks)]
    for group in prediction.groups if prediction.depth is None else ():
        name = _paint(_clean(group.phrase) or "(no phrase)", inks.get(group.phrase))
        body += [f"  {name}  {group.unit} {fact}" for fact in _facts(group, answered.query.categories)]
    if prediction.depth is not None:  # its groups hold nothing: the map is of the whole picture
        body.append(f"  {_depth(prediction.depth.load())}")
    return [*(line for line in body if line), *_complaints(answered.reading)]


def _inks(prediction: Prediction) -> dict[str, Colour]:
    phrases = dict.fromkeys(group.phrase for group in prediction.groups)
    return {phrase: hue(place) for place, phrase in enumerate(phrases)}


def _said(answered: Answered, inks: Mapping[str, Colour]) -> str:
    """The words, on one line; phrases that objects belong to in square brackets."""
    if answered.reading is None:
        return _clean(answered.words)
    return " ".join("".join(_parts(answered.reading.body, inks)).split())


def _parts(parts: Sequence[Text | Triplet], inks: Mapping[str, Colour]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Text):
            yield _printable(part.text)
        else:
            yield _paint(f"[{_clean(part.phrase)}]", inks.get(part.phrase.strip()))


def _paint(text: str, colour: Colour | None) -> str:
    if colour is None:
        return text
    red, green, blue = colour
    return f"\033[1;38;2;{red};{green};{blue}m{text}\033[0m"


def _facts(group: Group, names: Sequence[str]) -> list[str]:
    if not group.instances:
        return ["none"]
    several = len(group.instances) > 1
    return [
        f"{f'{place}: ' if several else ''}{_instance(each, names)}"
        for place, each in enumerate(group.instances, start=1)
    ]


def _instance(instance: Instance, names: Sequence[str]) -> str:
    facts: list[str] = []
    if instance.box_xyxy is not None:
        x1, y1, x2, y2 = instance.box_xyxy
        facts.append(f"{x1:.1f},{y1:.1f} to {x2:.1f},{y2:.1f}")
    if instance.mask_rle is not None:
        facts.append(_mask(masks.decode(instance.mask_rle)))
    if instance.keypoints is not None:
        facts.append(_joints(instance.keypoints, names))
    if instance.score is not None:
        facts.append(f"score {instance.score:.2f}")
    return ", ".join(facts) or "nothing to draw"


def _mask(mask: np.ndarray) -> str:
    rows, columns = np.nonzero(mask)
    if not rows.size:
        return "empty"
    share = f"{100 * rows.size / mask.size:.1f}%"
    return f"{rows.size} pixels ({share}) in {columns.min()},{rows.min()} to {columns.max() + 1},{rows.max() + 1}"


def _joints(joints: Sequence[tuple[float, float, float]], names: Sequence[str]) -> str:
    known = next((each for each in (names, COCO) if len(each) == len(joints)), range(1, len(joints) + 1))
    seen = [f"{name} {x:.0f},{y:.0f}" for name, (x, y, score) in zip(known, joints, strict=True) if score > 0]
    return "; ".join(seen) or "no joint"


def _depth(values: np.ndarray) -> str:
    known = values[np.isfinite(values) & (values > 0)]
    if not known.size:
        return "depth: no reading"
    return f"depth: {known.min():.2f} to {known.max():.2f} m, median {np.median(known):.2f} m"


def _complaints(reading: Answer | None) -> list[str]:
    if reading is None:
        return []
    found = [f"grammar: {each.message} (character {each.offset})" for each in reading.diagnostics]
    return found if reading.plan_agrees or found else ["grammar: the plan announces something else than what follows"]


def _clean(text: str) -> str:
    """One line."""
    return " ".join(_printable(text).split())


def _printable(text: str) -> str:
    """What a model says must not steer a terminal."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "�" for char in text)
