"""Pointing: a question in, and the one of several candidate boxes that answers it out, as a letter or as a box.

With the protocol `answer: letter` the candidates are A, B, C and D in the order of the regions, and `match` says how an
answer is read; with `answer: box` the candidate that overlaps the first box of the answer most is the chosen one.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast, get_args

from benchmarks.errors import ConfigError, DataError
from benchmarks.schema import Group, Instance, Prediction, Sample
from benchmarks.visual7w import CandidateTarget
from metrics import pointing
from metrics.base import Row
from metrics.json_files import read_lines
from tasks.base import TaskKind, answer
from tasks.protocol import choice, only
from tasks.text_files import own_id

NAME = pointing.POINTING.name


def measure_letter(match: pointing.Match, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the letter of an answer with the right one; no answer names none."""
    truth = sample.truth(CandidateTarget)
    said = prediction.text if prediction.status == "ok" else ""
    place = pointing.choose_letter(said, len(truth.boxes_xyxy), match)
    return {NAME: pointing.measure([] if place is None else [place], truth.right)}


def measure_box(sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the candidate that the first box of an answer overlaps most with the right one."""
    truth = sample.truth(CandidateTarget)
    boxes = prediction.boxes() if prediction.status == "ok" else []
    return {NAME: pointing.measure(pointing.choose_box(boxes[0] if boxes else None, truth.boxes_xyxy), truth.right)}


def perfect_letter(sample: Sample) -> Prediction:
    """Say the letter of the right candidate."""
    return answer(sample, text=pointing.LETTERS[sample.truth(CandidateTarget).right])


def perfect_box(sample: Sample) -> Prediction:
    """Answer the right candidate's box."""
    truth = sample.truth(CandidateTarget)
    return answer(sample, [Group(sample.question, "box", (Instance(box_xyxy=truth.boxes_xyxy[truth.right]),))])


def official(by_letter: bool, path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read results in the form of Visual7W's toolkit, where an answer is the id of a candidate's box.

    Raises:
        DataError: the file breaks this form, or a question is answered twice.
    """
    by_number = {own_id(sample): sample for sample in samples}
    found: dict[str, Prediction] = {}
    for place, row in read_lines(path):
        number, candidates = row.get("qa_id"), row.get("candidates")
        first = candidates[0] if isinstance(candidates, list) and candidates else None
        if type(number) is not int or not isinstance(first, dict) or "answer" not in first:
            raise DataError(
                f"{place} needs qa_id and candidates, a list that begins with {{answer}}: correct the entry"
            )
        sample = by_number.get(str(number))
        name = str(number) if sample is None else sample.id
        if name in found:
            raise DataError(f"{place}: {number} is answered a second time; keep one of the entries")
        found[name] = Prediction(name, "ok") if sample is None else _chosen(sample, first["answer"], by_letter)
    return found


def _chosen(sample: Sample, box_id: object, by_letter: bool) -> Prediction:
    truth = sample.truth(CandidateTarget)
    if box_id not in truth.ids:
        return Prediction(sample.id, "parse_error", error=f"{box_id!r} is the id of no candidate"[:200])
    place = truth.ids.index(box_id)
    if by_letter:
        return answer(sample, text=pointing.LETTERS[place])
    return answer(sample, [Group(sample.question, "box", (Instance(box_xyxy=truth.boxes_xyxy[place]),))])


def configure(options: Mapping[str, str]) -> TaskKind:
    """Build the kind whose answers are as the protocol's `answer` says, letter or box; `match` is strict or parsed.

    Raises:
        ConfigError, UnknownName: there is no such option or value, or boxes are given a way to be read.
    """
    by_letter = choice(only(options, ["answer", "match"]), "answer", ("letter", "box"), "letter") == "letter"
    match = cast(pointing.Match, choice(options, "match", get_args(pointing.Match), "strict"))
    if not by_letter and "match" in options:
        raise ConfigError("protocol option match is for letters: leave it out where the answer is a box")
    return TaskKind(
        name="pointing",
        wants="text" if by_letter else "box",
        metrics=(pointing.POINTING,),
        measure=partial(measure_letter, match) if by_letter else measure_box,
        perfect=perfect_letter if by_letter else perfect_box,
        configure=configure,
        official=partial(official, by_letter),
        formats="[{qa_id, candidates: [{answer: box id}]}, …], as Visual7W's toolkit writes it",
    )


KINDS = [configure({})]
