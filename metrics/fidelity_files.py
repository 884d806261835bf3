"""Score the fidelity of parsed triplet answers, JSON lines, against the groups that the truth holds.

There is no official format; this one holds what any grammar's parser finds, so that answers of any model can be judged.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metrics.base import Scorer, ScoreReport
from metrics.errors import DataError
from metrics.fidelity import FIDELITY, Item, ParsedAnswer, aggregate, measure
from metrics.json_files import read_lines

_FLAGS = {"ordered": True, "refused": False}


def read_targets(path: Path) -> dict[int | str, tuple[Item, ...]]:
    """Read the groups of every sample: id -> groups, none where the right answer is a refusal.

    Raises:
        DataError: a line breaks the format, or the file holds no sample.
    """
    found = {key: _items(row, "groups", where) for key, where, row in _by_id(path)}
    if not found:
        raise DataError(f"{path} holds no samples: write one JSON object {{id, groups}} per line")
    return found


def read_answers(path: Path) -> dict[int | str, ParsedAnswer]:
    """Read parsed answers.

    Raises:
        DataError: a line breaks the format.
    """
    return {key: _answer(row, where) for key, where, row in _by_id(path)}


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score parsed answers; the metric has no options.

    Raises:
        DataError: a file breaks its format.
    """
    truth, answers = read_targets(targets), read_answers(predictions)
    rows = [measure(answers.get(key), groups) for key, groups in truth.items()]
    extra = sum(key not in truth for key in answers)
    return ScoreReport(
        metric="fidelity",
        protocol=FIDELITY.protocol,
        n=len(rows),
        missing=int(sum(row["missing"] for row in rows)),
        malformed=sum(key in truth and not answer.parsed for key, answer in answers.items()),
        metrics=dict(aggregate(rows)),
        notes=(f"{extra} answers belong to no sample: not scored",) if extra else (),
    )


def _by_id(path: Path) -> list[tuple[int | str, str, dict[str, Any]]]:
    rows: dict[int | str, tuple[str, dict[str, Any]]] = {}
    for where, row in read_lines(path):
        key: Any = row.get("id")
        if type(key) not in (int, str):
            raise DataError(f"{where}: its id is {key!r}, but must be an integer or a text: correct it")
        if key in rows:
            raise DataError(f"{where}: id {key!r} occurs again, after {rows[key][0]}: keep one")
        rows[key] = (where, row)
    return [(key, *row) for key, row in rows.items()]


def _answer(row: Mapping[str, Any], where: str) -> ParsedAnswer:
    flags = {name: row.get(name, usual) for name, usual in {"parsed": None, **_FLAGS}.items()}
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise DataError(f"{where}: {name} is {value!r} but must be true or false: correct it")
    if not flags["parsed"]:
        return ParsedAnswer(parsed=False)
    return ParsedAnswer(plan=_items(row, "plan", where), body=_items(row, "body", where), **flags)


def _items(row: Mapping[str, Any], key: str, where: str) -> tuple[Item, ...]:
    groups = row.get(key)
    if not isinstance(groups, list):
        raise DataError(f"{where}: needs a list {key} of {{phrase, unit, count}}: write an empty one for none")
    items = []
    for number, group in enumerate(groups):
        values = [group.get(name) for name in ("phrase", "unit", "count")] if isinstance(group, dict) else [None] * 3
        if not isinstance(values[0], str) or not isinstance(values[1], str) or type(values[2]) is not int:
            raise DataError(f"{where}: {key}[{number}] needs the texts phrase and unit and a whole count: correct it")
        items.append(Item(values[0], values[1], values[2]))
    return tuple(items)


SCORERS = [
    Scorer(
        name="fidelity",
        score=score,
        targets="JSON lines {id, groups: [{phrase, unit, count}, …]}; no groups where a refusal is right",
        predictions="JSON lines {id, parsed, plan, body: [{phrase, unit, count}, …], ordered (true), refused (false)}",
        card=FIDELITY.card,
    )
]
