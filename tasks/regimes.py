"""Which command stands before an instruction, and its text for models that have no template of their own for it."""

from collections.abc import Mapping

from benchmarks.commands import commanded
from benchmarks.schema import Regime, Unit
from tasks.base import ModelEntry

_TASKS: Mapping[Unit, str] = {
    "box": "detection",
    "mask": "segmentation",
    "keypoint": "keypoint detection",
    "depth": "depth estimation",
    "point": "pointing",
    "text": "answering",
}


def resolve(chosen: Regime | None, entry: ModelEntry) -> Regime:
    """Take the regime that the user chose, else the model's own: the full command for one that learned with commands.

    Args:
        chosen: value of `--regime`, None where it was not given.
        entry: the model.
    """
    return chosen or ("full" if entry.commands else "instruction")


def commanding(instruction: str, wants: Unit, regime: Regime, entry: ModelEntry) -> str:
    """Put the command of a regime before an instruction, unless the model writes it by its own template.

    Args:
        instruction: the task's own words.
        wants: unit that is scored.
        regime: resolved regime.
        entry: the model.
    """
    unit = commanded(wants, regime)
    return instruction if unit is None or entry.commands else f"{command(unit)}\n{instruction}"


def command(unit: Unit) -> str:
    """Write the command of a unit: task, elements of the answer, unit."""
    elements, named = ("sentence", "none") if unit == "text" else ("phrase, unit", unit)
    return f"Command:\n- task: {_TASKS[unit]}\n- answer elements: {elements}\n- unit: {named}"
