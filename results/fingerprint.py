"""The protocol of a row: everything that must agree before two numbers may be ranked against each other.

That is what was asked (benchmark, split, exactly these samples and truths, words of the prompt), and how answers are
counted (versioned rules of the metrics, options of the task). What is the model's own is left out: its weights, its
size, what it does with a picture. Coordinates are no field of a record, since every rule of ours counts in pixels of
the original image; an option of a task that changes that, or how pictures are prepared for scoring, is one of its
`rules`.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from results.record import Record

FREE, FORCED = "free", "teacher-forced"
_ASKED = ("prompt", "prompt_set", "regime", "model_args")
"""Options of a record that are no rules of its task."""
_FAIR = ("full", "instruction")
"""Regimes that ask for the right thing: in the words of a model that learned with commands, and in those of others."""
_LENGTH = 8


@dataclass(frozen=True)
class Difference:
    """A field of the protocol in which two rows differ, with both values."""

    field: str
    one: str
    other: str

    def line(self) -> str:
        """Say it in one line."""
        return f"{self.field} is {self.one or 'none'} in one and {self.other or 'none'} in the other"


def fields(record: Record) -> dict[str, str]:
    """Name everything that the code stands for, as text, in the order in which a reader wants to know it."""
    options = record.options
    return {
        "data": record.data,
        "task kind": record.kind,
        "benchmark": record.dataset,
        "split": record.split,
        "samples": f"{record.n} of {record.available} ({_short(record.digests.get('ids', ''))})",
        "truth": _short(record.digests.get("data", "")),
        "metrics": _listed(record.protocols),
        "rules": _listed({key: value for key, value in options.items() if key not in _ASKED}),
        "prompt": " ".join(filter(None, (options.get("prompt", ""), options.get("prompt_set", "")))),
        "command": "" if options.get("regime", _FAIR[0]) in _FAIR else options["regime"],
        "decoding": FORCED if is_forced(record) else FREE,
    }


def code(record: Record) -> str:
    """Shorten the protocol of a row to eight hexadecimal digits. Rows with one code may be ranked together."""
    text = json.dumps(fields(record), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:_LENGTH]


def differing(a: Record, b: Record) -> tuple[Difference, ...]:
    """Name the fields of the protocol in which two rows differ; none where their codes are equal."""
    one, other = fields(a), fields(b)
    return tuple(Difference(name, one[name], other[name]) for name in one if one[name] != other[name])


def is_forced(record: Record) -> bool:
    """Whether the model was fed the right answer while it wrote its own."""
    return "teacher_forced" in record.options.get("model_args", "")


def _listed(values: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(values.items()))


def _short(digest: str) -> str:
    return digest[:12]
