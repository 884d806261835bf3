"""Answers out of the files of other harnesses, joined with samples: by the benchmark's own ids wherever they are there.

lmms-eval writes `<date>_samples_<task>.jsonl`, one object a document: `doc_id` (its place in the data), `input` (what
was asked), `filtered_resps` (what was answered), and what its metrics kept, where the benchmark's ids may be.
VLMEvalKit writes one table a model and data set (`.xlsx`, `.tsv`, or `.json`): `index`, `question`, `prediction`, and
further columns of the data set. Neither has ids in every case. Then answers are matched by their order, which is
allowed only where they are as many as the samples and every one repeats the question of its sample, and it is said.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.files import read_bytes, read_json
from benchmarks.schema import Prediction, Sample
from metrics.json_files import read_lines
from tasks import sheets

Reader = Callable[[str, Sample], Prediction]
"""(text, the sample that it answers) -> prediction."""
Joined = tuple[dict[str, Prediction], tuple[str, ...]]
"""Predictions by sample id, and what a reader of the numbers must know."""
_MORE_NAMES = {"image": ("img_id",)}
"""Kind of a sample's id -> other names that keys of that id have."""


@dataclass(frozen=True)
class Entry:
    """One answer as another program kept it.

    Attributes:
        place: file and line or row, for error texts.
        text: what the model said; None where that is no text.
        number: its place in the data, as the file says.
        asked: what the model was asked; empty where the file does not tell.
        facts: every field that may be an id, by its name.
    """

    place: str
    text: str | None
    number: int
    asked: str
    facts: Mapping[str, Any] = field(default_factory=dict)


def entries(path: Path) -> list[Entry] | None:
    """Read the file of another harness; None where it is none of those.

    Raises:
        DataError: it is one, and broken.
    """
    if path.is_dir():
        return None
    if path.suffix in sheets.SUFFIXES:
        return [_of_table(row, f"{path}: row {n}") for n, row in enumerate(sheets.read(path), start=2)]
    first = _first_object(path)
    if first is not None and {"doc_id", "filtered_resps"} <= set(first):
        return [_of_log(row, place) for place, row in read_lines(path)]
    if first is not None and {"index", "prediction"} <= set(first):
        return [_of_table(row, place) for place, row in _records(path)]
    return None


def join(found: Sequence[Entry], samples: Sequence[Sample], read: Reader) -> Joined:
    """Match answers with the samples of a split.

    Args:
        found: what was read.
        samples: of the split, in its order.
        read: makes a prediction of a text.

    Returns:
        Predictions by sample id, and what a reader of the numbers must know.

    Raises:
        DataError: a sample is answered twice, none is answered, or there are no ids and the order does not fit.
    """
    by_id = [_own_id(entry, samples[0]) for entry in found]
    if found and all(name is not None for name in by_id):
        return _by_id(found, [str(name) for name in by_id], samples, read)
    return _by_order(found, samples, read)


def _by_id(found: Sequence[Entry], names: Sequence[str], samples: Sequence[Sample], read: Reader) -> Joined:
    known = {sample.id.rpartition("/")[2].partition("-")[2]: sample for sample in samples}
    answered: dict[str, Prediction] = {}
    strange: list[str] = []
    for entry, name in zip(found, names, strict=True):
        sample = known.get(name) or known.get(name.lstrip("0"))
        if sample is None:
            strange.append(name)
        elif sample.id in answered:
            raise DataError(
                f"{entry.place}: {name} is answered a second time: keep one answer to it (a file of several splits or "
                "categories that count from 1 again must be cut apart)"
            )
        else:
            answered[sample.id] = _prediction(entry, sample, read)
    if not answered:
        raise DataError(f"{found[0].place}: no id is of this split (the first is {names[0]!r}): choose another --split")
    notes = [f"{len(answered)} answers matched by id"]
    if strange:
        notes.append(f"{len(strange)} answers belong to no sample of the split (first: {strange[0]!r}): not scored")
    return answered, tuple(notes)


def _by_order(found: Sequence[Entry], samples: Sequence[Sample], read: Reader) -> Joined:
    where = found[0].place if found else "the file"
    if len(found) != len(samples):
        raise DataError(
            f"{where}: {len(found)} answers without ids of the benchmark to {len(samples)} samples: order tells "
            "nothing then, hand in a file with ids (question_id, image_id), or the whole split"
        )
    ordered = sorted(found, key=lambda entry: entry.number)
    if [entry.number - ordered[0].number for entry in ordered] != list(range(len(ordered))):
        raise DataError(f"{where}: answers are not numbered one after the other, and carry no ids: some are missing")
    for entry, sample in zip(ordered, samples, strict=True):
        if _plain(sample.question) not in _plain(entry.asked):
            raise DataError(
                f"{entry.place}: answers {entry.asked[:80]!r}, but sample {entry.number} of the split asks "
                f"{sample.question[:80]!r}: the order is another one, hand in a file with ids"
            )
    answered = {sample.id: _prediction(e, sample, read) for e, sample in zip(ordered, samples, strict=True)}
    checked = "every question is that of its sample" if any(sample.question for sample in samples) else "unchecked"
    return answered, (f"no ids in the file: {len(answered)} answers matched by their order ({checked})",)


def _prediction(entry: Entry, sample: Sample, read: Reader) -> Prediction:
    if entry.text is None:
        return Prediction(sample.id, "parse_error", error="the answer is no text")
    return read(entry.text, sample)


def _own_id(entry: Entry, sample: Sample) -> str | None:
    """The id that the benchmark itself gives the question, in the words of a sample's id (`question-12`)."""
    kind = sample.id.rpartition("/")[2].partition("-")[0]
    for key in (f"{kind}_id", *_MORE_NAMES.get(kind, ())):
        value = entry.facts.get(key)
        if type(value) in (int, str) and value != "":
            return str(value)
    return None


def _of_log(row: Mapping[str, Any], place: str) -> Entry:
    """One line of a samples log; several answers to one document are no answer."""
    number, said = row.get("doc_id"), row.get("filtered_resps")
    if type(number) is not int:
        raise DataError(f"{place}: doc_id is {number!r}, not a whole number: write the file again")
    while isinstance(said, list) and len(said) == 1:
        said = said[0]
    kept: dict[str, Any] = {}
    for value in (*row.values(), row.get("doc")):  # what a metric keeps of a document; then the document itself
        kept |= value if isinstance(value, dict) else {}
    asked = row.get("input", kept.get("question", ""))
    return Entry(place, said if isinstance(said, str) else None, number, asked if isinstance(asked, str) else "", kept)


def _of_table(row: Mapping[str, Any], place: str) -> Entry:
    if "index" not in row or "prediction" not in row:
        raise DataError(f"{place}: no columns index and prediction: hand in the table of predictions itself")
    index, said = row["index"], row["prediction"]
    try:
        number = int(float(index))
    except (TypeError, ValueError):
        raise DataError(f"{place}: index is {index!r}, no whole number: hand in the table as it was written") from None
    asked = row.get("question", "")
    return Entry(place, said if isinstance(said, str) else None, number, asked if isinstance(asked, str) else "", row)


def _first_object(path: Path) -> dict[str, Any] | None:
    """The first object of a file of JSON lines or of one JSON list; None where it is neither."""
    data = read_bytes(path).lstrip()
    try:
        if data[:1] == b"[":
            content = json.loads(data)
            first = content[0] if content else None
        else:
            first = json.loads(data.partition(b"\n")[0])
    except (ValueError, RecursionError):
        return None
    return first if isinstance(first, dict) else None


def _records(path: Path) -> list[tuple[str, dict[str, Any]]]:
    content = read_json(path)
    rows = content if isinstance(content, list) else [content]
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise DataError(f"{path}: entry {number} is no object: write the file again")
    return [(f"{path}: entry {number}", row) for number, row in enumerate(rows)]


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
