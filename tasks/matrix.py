"""Which model can do which kind of task, and why not: read off what models declare, nothing is loaded."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from benchmarks.errors import ConfigError, ModelError
from benchmarks.schema import ImageRef, Query, Region, Unit
from tasks.base import LoadOptions, ModelEntry, TaskKind

State = Literal["can", "needs", "cannot"]
MARKED = frozenset(("pck", "pointing", "pointqa", "prompted", "reg"))
"""Kinds all of whose tasks ask with visual prompts."""
POINTED = frozenset(("pointqa",))
"""Those of them that mark with points; the others mark with boxes, or with boxes too."""
NAMED = frozenset(("detection", "instance", "keypoints", "panoptic", "pck", "semantic"))
"""Kinds whose tasks say which categories an answer may name."""
WORDLESS = frozenset(
    (
        "caption",
        "depth",
        "detection",
        "gcg",
        "instance",
        "ordinal",
        "panoptic",
        "prompted",
        "reg",
        "salient",
        "semantic",
    )
)
"""Kinds whose tasks ask about the whole picture, or about what is marked: no question, no expression."""
MARKS: Mapping[State, str] = {"can": "yes", "needs": "needs", "cannot": "-"}
_MOST_NAMES = 8


@dataclass(frozen=True)
class Cell:
    """What one model is to one kind of task.

    Attributes:
        model: name of the model or family.
        kind: name of the kind.
        state: `can`; `needs`, something must be named or put here first; `cannot`.
        why: what is needed, or why it cannot; empty where it can.
    """

    model: str
    kind: str
    state: State
    why: str


def cells(entries: Iterable[ModelEntry], kinds: Sequence[TaskKind], weights: Path | None = None) -> list[Cell]:
    """Judge every pair, model by model.

    Args:
        entries: models and families.
        kinds: kinds of tasks.
        weights: weights that are named, for models whose abilities depend on them.

    Raises:
        ModelError: these weights cannot be used.
    """
    found: list[Cell] = []
    for entry in entries:
        lack = _lack(entry, weights)
        seen = entry if entry.of_weights is None else entry.of_weights(weights)
        for kind in kinds:
            reason = _reason(seen, kind)
            state: State = "cannot" if reason else "needs" if lack else "can"
            found.append(Cell(entry.name, kind.name, state, reason or lack))
    return found


def able(wants: Unit, entries: Iterable[ModelEntry]) -> str:
    """Name the models that answer in a unit, as the user types them; the sanity bounds come last."""
    fitting = [entry for entry in entries if wants in entry.units]
    ordered = sorted(fitting, key=lambda entry: entry.kind == "sanity")
    names = [entry.name + (":…" if entry.of_reference is not None else "") for entry in ordered]
    return ", ".join(names[:_MOST_NAMES]) + (", …" if len(names) > _MOST_NAMES else "")


def _reason(entry: ModelEntry, kind: TaskKind) -> str:
    """Why a model cannot do a kind of task at all; empty where it can."""
    if kind.wants not in entry.units:
        return f"answers with {', '.join(entry.units)}, not {kind.wants}"
    if kind.name in MARKED and not entry.regions:
        return "takes no visual prompts"
    if entry.refuse is None:
        return ""
    reasons = [entry.refuse(query, ()) for query in _asked(kind)]
    return reasons[0] if all(reasons) else ""


def _asked(kind: TaskKind) -> list[Query]:
    """What tasks of a kind ask, as far as it decides who can answer; the tasks of some kinds differ in it."""
    box, point = Region("box", box_xyxy=(0.0, 0.0, 1.0, 1.0)), Region("point", points_xy=((0.5, 0.5),))
    photo = ImageRef(Path(), (1, 1))
    question = "" if kind.name in WORDLESS else "?"
    plain = Query("", photo, question, "", kind.wants, categories=("?",) if kind.name in NAMED else ())
    marked = replace(plain, regions=(point if kind.name in POINTED else box,))
    if kind.name in MARKED:
        return [marked]
    return [plain, marked] if kind.name == "keypoints" else [plain]


def _lack(entry: ModelEntry, weights: Path | None) -> str:
    """What must be named or be here before a model can be loaded; empty where nothing is missing."""
    if entry.of_reference is not None:
        return f"name one, as in --model {entry.name}:{entry.example}"
    try:
        if entry.fingerprint is not None:
            entry.fingerprint(LoadOptions(weights=weights))
    except (ModelError, ConfigError) as error:
        return str(error)
    return ""
