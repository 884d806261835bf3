"""Answers in words as other tools write them: one JSON list, or one JSON object a line, of an id and a text each.

The id is the last part of a sample's id: `question-12` answers to 12, `image-7` to 7. An entry whose id is of no sample
of the split keeps it as its name, so that the caller can say so. A text that is none is an answer that cannot be read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Sample
from metrics.json_files import read_lines


@dataclass(frozen=True)
class Form:
    """Which keys an entry has: the first of each tuple that is there counts."""

    ids: tuple[str, ...]
    texts: tuple[str, ...]


def read(form: Form, path: Path, samples: Sequence[Sample]) -> dict[str, Prediction]:
    """Read answers by sample id.

    Raises:
        DataError: the file is missing or no JSON, an entry lacks its id or text, or something is answered twice.
    """
    names = {own_id(sample): sample.id for sample in samples}
    found: dict[str, Prediction] = {}
    for place, row in read_lines(path):
        number = _first(row, form.ids, place)
        if type(number) not in (int, str):
            raise DataError(f"{place}: id {number!r} is neither a whole number nor a text: correct the entry")
        name = names.get(str(number), str(number))
        if name in found:
            raise DataError(f"{place}: {number} is answered a second time; keep one of the entries")
        found[name] = prediction(name, _first(row, form.texts, place))
    return found


def own_id(sample: Sample) -> str:
    """What the annotation files call a sample: the last part of its id, without its kind."""
    return sample.id.rpartition("/")[2].partition("-")[2]


def prediction(name: str, text: Any) -> Prediction:
    """Build the answer of one sample."""
    if isinstance(text, str):
        return Prediction(sample_id=name, status="ok", text=text)
    return Prediction(sample_id=name, status="parse_error", error=f"the answer is no text but {text!r}"[:200])


def _first(row: Mapping[str, Any], keys: Sequence[str], place: str) -> Any:
    present = [key for key in keys if key in row]
    if not present:
        raise DataError(f"{place} lacks {' or '.join(keys)}: correct the entry")
    return row[present[0]]
