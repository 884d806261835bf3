"""The table that a run prints, and the same rows for machines."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tabulate import tabulate

from metrics.errors import DataError
from results.fingerprint import code
from results.record import Record
from results.robustness import Robustness, over_prompt_sets

SAMPLE_NOTE = (
    "sample: procedural scenes, never comparable to published numbers. "
    "For official data: refbench eval --data-root DIR (`refbench data status` says what belongs there)."
)
_WHAT = ("model", "task", "dataset", "split", "data")
PART_NOTE = "n of N: only a part of the split was run, or the files do not hold the published number of samples."
STOPPED_NOTE = "stopped early: the samples so far decide against the baseline; the numbers are those of a part."
EXACT_NOTE = "coverage: exact, every sample was answered once."
SPREAD_NOTE = "mean and spread: over the wordings of the prompt; spread is the highest minus the lowest."
ASKED = {"prompt_set": "prompt", "regime": "regime"}
"""Option of a record that says how the model was asked -> its column."""
TOLD = {**ASKED, "model_args": "arguments"}
"""The same with what the model was told beside its default, which is always shown where a row has it."""


def rows_table(records: Sequence[Record], asked: Sequence[str] = ()) -> str:
    """Lay out records as text: one table per kind of task, in order of appearance, then notes on what the marks mean.

    Fractions are multiplied by 100. `parsed` is the share of all samples with a readable answer, `95% CI` the bootstrap
    interval of the first number. Rows that differ in the wording of their prompt only are followed by mean and spread.

    Args:
        records: what is shown.
        asked: keys of `ASKED` that get a column even where all rows of a model agree.
    """
    asked = _told(records, asked)
    kinds = list(dict.fromkeys(record.kind for record in records))
    tables = [_table([record for record in records if record.kind == kind], asked) for kind in kinds]
    notes = [SPREAD_NOTE] if over_prompt_sets(records) else []
    notes += [SAMPLE_NOTE] if any(record.data == "sample" for record in records) else []
    notes += [PART_NOTE] if any(record.whole is not None for record in records) else []
    notes += [STOPPED_NOTE] if any(record.stopped_early is not None for record in records) else []
    notes += _coverage(records)
    return "\n\n".join([*tables, *(["\n".join(notes)] if notes else [])])


def headlines_table(records: Sequence[Record], asked: Sequence[str] = ()) -> str:
    """Lay out the first number of every record: one line per task, its splits side by side."""
    asked = _told(records, asked)
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        groups.setdefault((record.task, record.kind, record.headline), []).append(record)
    body = [[*names, ", ".join(_headline(record, asked) for record in group)] for names, group in groups.items()]
    return tabulate(body, ["task", "kind", "number", "by split"], tablefmt="simple", disable_numparse=True)


def slices_table(record: Record, tag: str) -> str:
    """Lay out one record by the values of a tag; the last line holds all samples.

    Raises:
        DataError: the samples do not carry the tag.
    """
    if tag not in record.slices:
        known = ", ".join(record.slices) or "none"
        raise DataError(f"{record.task} {record.split} has no tag '{tag}' to slice by; it has: {known}")
    columns = _columns([record])
    body: list[list[str | int]] = [
        [value, part.n, *_cells(part.metrics, record.units, columns)] for value, part in record.slices[tag].items()
    ]
    body.append(["all", record.n, *_cells(record.metrics, record.units, columns)])
    return _lay_out([tag, "n", *columns], body)


def row_json(record: Record) -> dict[str, Any]:
    """One entry of `rows` in the answer of `eval --json`: plain numbers, fractions stay fractions."""
    names = (
        "model", "task", "dataset", "split", "data", "limit", "n", "failed", "missing", "unparsable", "run",
    )  # fmt: skip
    row: dict[str, Any] = {name: getattr(record, name) for name in names}
    row |= {name: record.options.get(name) for name in ASKED}
    row |= {name: record.options[name] for name in TOLD if name not in ASKED and name in record.options}
    row["protocol"] = code(record)
    row["metrics"] = {key: record.metrics[key] for key in record.columns}
    row["intervals"] = {key: list(record.intervals[key]) for key in record.columns if key in record.intervals}
    row["failures"] = [asdict(failure) for failure in record.failures]
    if record.stopped_early is not None:
        row["stopped_early"] = asdict(record.stopped_early)
    return row


def _coverage(records: Sequence[Record]) -> list[str]:
    """Say that every sample was answered once, or which ones were not."""
    proofs = [(record, record.coverage) for record in records if record.coverage is not None]
    notes = [
        f"coverage: {record.task} {record.split}: {proof.seen} of {proof.expected} answered, "
        f"{proof.missing} missing, {proof.duplicated} duplicated, {proof.unexpected} unexpected"
        for record, proof in proofs
        if not proof.is_exact
    ]
    return [EXACT_NOTE] if proofs and not notes else notes


def _table(records: Sequence[Record], asked: Sequence[str]) -> str:
    columns = _columns(records)
    facts = [*_WHAT, *(TOLD[name] for name in asked), "n", "failed", "unparsable", "parsed"]
    after = {id(group.records[-1]): _spread_rows(group, columns, asked) for group in over_prompt_sets(records)}
    body = [row for record in records for row in (_row(record, columns, asked), *after.get(id(record), ()))]
    return _lay_out([*facts, columns[0], "95% CI", *columns[1:]], body)


def _row(record: Record, columns: Sequence[str], asked: Sequence[str]) -> list[str | int]:
    first, *others = _cells(record.metrics, record.units, columns)
    count = f"{record.n}" if record.whole is None else f"{record.n} of {record.whole}"
    count += ", stopped early" if record.stopped_early is not None else ""
    health: list[str | int] = [count, record.failed, record.unparsable, f"{100 * record.parse_rate:.2f}"]
    return [*_what(record), *_asked(record, asked), *health, first, _interval(record, columns[0]), *others]


def _spread_rows(group: Robustness, columns: Sequence[str], asked: Sequence[str]) -> list[list[str | int]]:
    record = group.records[0]
    rows: list[list[str | int]] = []
    for name, values in (("mean", group.mean), ("spread", group.spread)):
        told = {**record.options, "prompt_set": f"{name} of {len(group.records)}"}
        first, *others = _cells(values, record.units, columns)
        rows.append([*_what(record), *(told.get(option, "") for option in asked), "", "", "", "", first, "", *others])
    return rows


def _told(records: Sequence[Record], asked: Sequence[str]) -> list[str]:
    """Choose the keys of `ASKED` that the reader must see: those wished for, and those that tell rows apart."""
    ways = {name: {(record.model, record.options.get(name)) for record in records} for name in TOLD}
    models = {record.model for record in records}
    given = {name for name in TOLD if name not in ASKED and any(name in record.options for record in records)}
    return [name for name in TOLD if name in asked or name in given or len(ways[name]) > len(models)]


def _what(record: Record) -> list[str]:
    return [getattr(record, name) for name in _WHAT]


def _asked(record: Record, asked: Sequence[str]) -> list[str]:
    return [record.options.get(name, "") for name in asked]


def _headline(record: Record, asked: Sequence[str]) -> str:
    value = number(record.metrics.get(record.headline), record.units.get(record.headline, ""))
    part = [] if record.stopped_early is None else ["(stopped early)"]
    return " ".join([record.split, *_asked(record, asked), value or "undefined", *part])


def _columns(records: Sequence[Record]) -> list[str]:
    """Every key, the headline first, then in the order of the metrics."""
    keys = [key for record in records for key in (record.headline, *record.columns)]
    return list(dict.fromkeys(keys))


def _cells(metrics: Mapping[str, float | None], units: Mapping[str, str], columns: Sequence[str]) -> list[str]:
    return [number(metrics.get(key), units.get(key, "")) for key in columns]


def _interval(record: Record, key: str) -> str:
    if key not in record.intervals:
        return ""
    low, high = (number(bound, record.units.get(key, "")) for bound in record.intervals[key])
    return f"{low} to {high}"


def number(value: float | None, unit: str) -> str:
    """Print one value: fractions times 100 with two decimals, others with four; empty where it is undefined."""
    if value is None:
        return ""
    return f"{100 * value:.2f}" if unit == "fraction" else f"{value:.4f}"


def _lay_out(head: Sequence[str], body: Sequence[Sequence[str | int]]) -> str:
    numeric = {"n", "failed", "unparsable", "parsed"}
    words = {*_WHAT, *TOLD.values()}
    sides = ["left" if name in words or (k == 0 and name not in numeric) else "right" for k, name in enumerate(head)]
    return tabulate([list(row) for row in body], list(head), tablefmt="simple", colalign=sides, disable_numparse=True)
