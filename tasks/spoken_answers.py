"""Answers that are text in the files of others: words as they are, boxes by a declaration of how they are spoken."""

from pathlib import Path

from benchmarks.errors import ConfigError, DataError
from benchmarks.schema import Group, Instance, Prediction, Sample, Unit
from tasks.peer_answers import Reader

UNDECLARED = "undeclared"
SPOKEN = (UNDECLARED, "unit", "0-999", "0-1000", "pixel")
"""Spaces that boxes [x1, y1, x2, y2] may be declared in: fractions of the sides, thousandths, pixels of the photo."""


def reader(wants: Unit, spoken: str, path: Path) -> Reader:
    """Choose how texts are read.

    Args:
        wants: unit that the task scores.
        spoken: one of `SPOKEN`.
        path: the file, for error texts.

    Raises:
        DataError: the unit cannot stand in text.
        ConfigError: boxes do, and nobody declared how.
    """
    if wants == "text":
        return _words
    if wants != "box":
        raise DataError(f"{path} holds answers in words, and the task needs {wants}: choose another task")
    if spoken == UNDECLARED:
        raise ConfigError(
            f"{path} holds boxes in words: declare how they are spoken by `refbench eval --model predictions:{path} "
            f"--model-arg boxes=…` ({', '.join(SPOKEN[1:])})"
        )
    return _boxes(spoken)


def _words(text: str, sample: Sample) -> Prediction:
    return Prediction(sample.id, "ok", text=text)


def _boxes(spoken: str) -> Reader:
    from tasks.models import box_text
    from tasks.models.coordinates import ContractError, Convention, Picture

    convention = Convention.model_validate({"space": "pixel_orig" if spoken == "pixel" else spoken})

    def read(text: str, sample: Sample) -> Prediction:
        try:
            found = box_text.boxes(text, convention, Picture(sample.image.size_hw))
        except ContractError as error:
            return Prediction(sample.id, "parse_error", text=text, error=str(error))
        instances = tuple(Instance(box_xyxy=box) for box, _ in found)
        return Prediction(sample.id, "ok", text=text, groups=(Group(sample.question, "box", instances),))

    return read
