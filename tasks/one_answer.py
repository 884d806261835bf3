"""One question about one picture: put to a model as a run would put it, answered, and read.

What is decided for the user, such as the unit, is said in `Asked.sent`. Models are asked as runs ask them: the same
queries, the same checks of answers.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import get_args

from benchmarks.commands import commanded
from benchmarks.errors import ConfigError, ModelError
from benchmarks.schema import ImageRef, Prediction, Query, Regime, Region, Unit
from refvlm import trp, trp_history
from refvlm.answers import Answer, spoken
from tasks import regimes, seeds
from tasks.asking import Desk
from tasks.base import Model, ModelEntry
from tasks.call_size import CallSize
from tasks.model_args import ModelArgs
from tasks.models.registry import all_models, find

PHOTO = "photo"
MOST_WORDS = 4_000
"""Characters of a question."""
UNITS: tuple[Unit, ...] = get_args(Unit)
_CLUES: dict[Unit, tuple[str, ...]] = {
    "mask": ("segment", "mask", "outline", "silhouette"),
    "keypoint": ("keypoint", "joint", "pose", "skeleton"),
    "depth": ("depth",),
    "box": ("box", "detect", "locate", "find", "where is", "where are"),
}
"""Unit -> beginnings of words by which a question asks for it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asks.

    Attributes:
        image: the picture.
        words: the question, as typed; the model gets it without any wording around it.
        unit: of the answer; None to leave it to the model, or else to the words.
        regions: visual prompts, which `<region>` in the words stands for.
        categories: names that an answer may use; empty for any.
        sample_id: that the answer is filed under.
        seed: of models that sample.
    """

    image: ImageRef
    words: str
    unit: Unit | None = None
    regions: tuple[Region, ...] = ()
    categories: tuple[str, ...] = ()
    sample_id: str = PHOTO
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it goes to a model.

    Attributes:
        query: what the model gets.
        sent: what was decided and why, in one line.
        decided: whether the model decides what to answer with: then `query.wants` says nothing.
    """

    query: Query
    sent: str
    decided: bool = False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, read.

    Attributes:
        query: what was asked.
        prediction: as in a predictions file.
        words: what the answer says, without the plan and the marks of its triplets.
        reading: the raw answer by the grammar of the reference model: its plan and what broke the grammar; None where
            the answer is not written in it.
        seconds: wall time.
    """

    query: Query
    prediction: Prediction
    words: str
    reading: Answer | None
    seconds: float


def put(question: Question, entry: ModelEntry, args: ModelArgs = ()) -> Asked:
    """Turn a question into what a model gets.

    Args:
        question: what is asked.
        entry: the model; nothing is loaded.
        args: its arguments.

    Raises:
        ConfigError: no question, or a visual prompt that is none of the picture.
        ModelError: the model cannot answer such a question; the text says what it can, and which models can.
    """
    _check_words(question)
    check_regions(question.regions, question.image.size_hw)
    _check_entry(question, entry)
    regime = regimes.resolve(None, entry)
    if question.unit is not None:
        unit, why = question.unit, "as you chose"
    elif entry.commands:
        unit, regime, why = _unsaid(entry), "instruction", "the model decides: no command is sent"
    else:
        unit, why = _by_words(question.words, entry)
    query = _query(question, unit, regime, entry)
    decided = question.unit is None and entry.commands
    sent = why if decided else f"unit {unit}, {why}{_command_of(query, entry)}"
    return _whole_picture(Asked(query, sent, decided), entry, args)


def answer(asked: Asked, entry: ModelEntry, model: Model) -> Answered:
    """Ask a loaded model; whatever it does wrong becomes a prediction with the status `failed` and the reason.

    Raises:
        ModelError: it returns another number of predictions than one, or a wrong id.
    """
    start = perf_counter()
    found = Desk(entry.name, CallSize(1)).answer(model, [asked.query])[0]
    return read(asked.query, found, perf_counter() - start)


def read(query: Query, prediction: Prediction, seconds: float = 0.0) -> Answered:
    """Take words, plan and complaints from an answer, such as one of a stored run."""
    reading = reading_of(prediction.text)
    words = prediction.text if reading is None else " ".join(spoken(reading.body).split())
    return Answered(query, prediction, words, reading, seconds)


def reading_of(text: str) -> Answer | None:
    """Read a text by the grammars of the reference model, by the one that fits better; None if it is no such text."""
    if not trp.is_grammar(text):
        return None
    return min(trp.parse(text), trp_history.parse(text, "vt-plug"), key=lambda each: len(each.diagnostics))


def check_regions(regions: Iterable[Region], size_hw: tuple[int, int]) -> None:
    """Check that visual prompts lie on the picture.

    Args:
        regions: the prompts.
        size_hw: of the picture.

    Raises:
        ConfigError: one is outside or empty; the text says what and where.
    """
    height, width = size_hw
    limits = f"the picture is {width}x{height}: x goes from 0 to {width}, y from 0 to {height}"
    for region in regions:
        if region.box_xyxy is not None:
            x1, y1, x2, y2 = region.box_xyxy
            if not (0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height):
                raise ConfigError(f"box {_numbers(region.box_xyxy)} does not lie on the picture; {limits}, x1 < x2")
        for point in region.points_xy:
            if not (0 <= point[0] <= width and 0 <= point[1] <= height):
                raise ConfigError(f"{region.kind} at {_numbers(point)} does not lie on the picture; {limits}")
        if region.mask_rle is not None and list(region.mask_rle["size"]) != [height, width]:
            found = "x".join(str(side) for side in reversed(region.mask_rle["size"]))
            raise ConfigError(f"a mask is {found} but the picture is {width}x{height}: draw it at the same size")


def models_with(unit: Unit | None = None, regions: bool = False) -> list[str]:
    """Name models that can be asked for a unit, those with visual prompts only where these are needed."""
    asked = [entry for entry in all_models().values() if not _answers_samples_only(entry)]
    seen = [entry if entry.of_weights is None else entry.of_weights(None) for entry in asked]
    return [each.name for each in seen if (unit is None or unit in each.units) and (each.regions or not regions)]


def entry_of(name: str, weights: Path | None = None, include: Path | None = None) -> ModelEntry:
    """Find a model as its weights make it.

    Raises:
        UnknownName: there is none of that name.
        ConfigError: a family without a reference, the other way round, or a model of others that cannot be used.
        ModelError: the weights, or what stands behind the colon, cannot be used.
    """
    entry = find(name, include)
    return entry if entry.of_weights is None else entry.of_weights(weights)


def _check_words(question: Question) -> None:
    if not question.words.strip():
        raise ConfigError("the question is empty: write what you want to know, such as 'segment the red circle'")
    if len(question.words) > MOST_WORDS:
        raise ConfigError(f"the question has {len(question.words)} characters: {MOST_WORDS} are the most")


def _check_entry(question: Question, entry: ModelEntry) -> None:
    if _answers_samples_only(entry):
        raise ModelError(
            f"{entry.name} answers samples of a benchmark only, not a question of your own: take one of "
            f"{', '.join(models_with())}"
        )
    if question.unit is not None and question.unit not in entry.units:
        raise ModelError(
            f"{entry.name} has no unit {question.unit}: it answers with {', '.join(entry.units)}; "
            f"models with {question.unit}: {_listed(models_with(question.unit))}"
        )
    if question.regions and not entry.regions:
        able = _listed(models_with(regions=True))
        raise ModelError(f"{entry.name} takes no visual prompts: ask in words; models that take them: {able}")


def _answers_samples_only(entry: ModelEntry) -> bool:
    return entry.sees_truth or entry.joins or entry.of_split is not None or entry.kind == "sanity"


def _unsaid(entry: ModelEntry) -> Unit:
    """A unit that a model has and that leaves its answer as it wrote it."""
    return next((unit for unit in entry.units if unit != "text"), entry.units[0])


def _by_words(words: str, entry: ModelEntry) -> tuple[Unit, str]:
    if len(entry.units) == 1:
        return entry.units[0], "the only one of this model"
    said = f" {words.lower()}"
    for unit, clues in _CLUES.items():
        clue = next((clue for clue in clues if f" {clue}" in said), None)
        if clue is not None and unit in entry.units:
            return unit, f"since the question says '{clue}' (--unit chooses another)"
    unit = "text" if "text" in entry.units else entry.units[0]
    return unit, "since the question names no other (--unit chooses one)"


def _query(question: Question, unit: Unit, regime: Regime, entry: ModelEntry) -> Query:
    words = question.words.strip()
    return Query(
        sample_id=question.sample_id,
        image=question.image,
        question=words,
        prompt=regimes.commanding(words, unit, regime, entry),
        wants=unit,
        regions=question.regions,
        categories=question.categories,
        regime=regime,
        seed=seeds.of_sample(question.seed, question.sample_id),
    )


def _command_of(query: Query, entry: ModelEntry) -> str:
    if entry.commands and commanded(query.wants, query.regime) is not None:
        return ", which goes to the model as a command"
    return ""


def _whole_picture(asked: Asked, entry: ModelEntry, args: ModelArgs) -> Asked:
    """Leave the words out where the model takes a picture alone, and say so.

    Raises:
        ModelError: it cannot be asked like this either way.
    """
    if entry.refuse is None or not (reason := entry.refuse(asked.query, args)):
        return asked
    alone = replace(asked.query, question="")
    if entry.refuse(alone, args):
        raise ModelError(f"{entry.name} cannot answer this: {reason}")
    return replace(asked, query=alone, sent=f"{asked.sent}; it looks at the whole picture, whatever the words")


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _numbers(values: Iterable[float]) -> str:
    return ",".join(f"{value:g}" for value in values)
