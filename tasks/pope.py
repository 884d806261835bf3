"""Object hallucination (POPE): a question about one object in, yes or no in words out."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast, get_args

from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Sample, TextTarget
from metrics import pope
from metrics.base import Row
from metrics.json_files import read_lines
from tasks.base import TaskKind, answer
from tasks.protocol import choice, only
from tasks.text_files import Form, prediction, read

FORM = Form(ids=("question_id",), texts=("answer", "text"))


def measure(parser: pope.Parser, sample: Sample, prediction: Prediction) -> dict[str, Row]:
    """Compare the answer, as a parser reads it, with the label; no answer counts as the wrong one."""
    text = prediction.text if prediction.status == "ok" else None
    label = sample.truth(TextTarget).answers[0]
    return {pope.POPE.name: pope.measure(text, "yes" if label == "yes" else "no", parser)}


def perfect(sample: Sample) -> Prediction:
    """Repeat the label."""
    return answer(sample, text=sample.truth(TextTarget).answers[0])


def official(path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read answers: by question_id where every line has one, else line by line, as the official script does.

    Raises:
        DataError: the file breaks its form, or lines without ids are not as many as the questions or answer others.
    """
    rows = list(read_lines(path))
    if all("question_id" in row for _, row in rows):
        return read(FORM, path, samples)
    if len(rows) != len(samples):
        raise DataError(
            f"{path} has {len(rows)} answers to {len(samples)} questions: give every line a question_id, or one line "
            "for each question"
        )
    found = {}
    for (place, row), sample in zip(rows, samples, strict=True):
        asked = row.get("question")
        if "answer" not in row or not isinstance(asked, str) or sample.question.strip().lower() not in asked.lower():
            raise DataError(
                f"{place}: must answer {sample.question!r}, with that question and an answer: keep the order of the "
                "questions, or give every line a question_id"
            )
        found[sample.id] = prediction(sample.id, row["answer"])
    return found


def configure(options: Mapping[str, str]) -> TaskKind:
    """Build the kind that reads answers as the protocol's `parser` says: official or strict.

    Raises:
        ConfigError, UnknownName: there is no such option or value.
    """
    parser = cast(pope.Parser, choice(only(options, ["parser"]), "parser", get_args(pope.Parser), "official"))
    return TaskKind(
        name="pope",
        wants="text",
        metrics=(pope.POPE,),
        measure=partial(measure, parser),
        perfect=perfect,
        configure=configure,
        official=official,
        formats="JSON lines {question, answer} in the order of the questions, or {question_id, answer} in any",
    )


KINDS = [configure({})]
