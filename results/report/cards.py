"""The numbers of one or two records as cards, as a table, and by slices."""

import math
from collections.abc import Mapping, Sequence

from metrics.base import Metric
from results.direction import of_record
from results.intervals import intervals
from results.paired import Change
from results.record import Record
from results.report.axes import Frame
from results.report.page import Card, Figure, Number, Table, value_text
from results.report.plot import Bar, bars
from results.run import Run

MOST_CARDS, MOST_SLICES = 8, 12
UNITS = {"metres": "m"}


def cards(
    records: Sequence[Record], meanings: Mapping[str, str], changes: Mapping[str, Change] | None = None
) -> list[Card]:
    """The headline, then the first other metrics; with two records, what changed.

    Args:
        records: one or two, of the same task.
        meanings: key -> what it means, where that is known.
        changes: key -> how far the records differ and how sure that is, where the runs could be paired.
    """
    sure = changes or {}
    first = records[0]
    return [
        Card(
            key=key,
            meaning=meanings.get(key, ""),
            numbers=tuple(_number(record, key) for record in records),
            headline=key == first.headline,
            change=_change(records, key, sure.get(key)),
            verdict="same" if key in sure and sure[key].low <= 0 <= sure[key].high else _verdict(records, key),
        )
        for key in keys(records)[:MOST_CARDS]
    ]


def table(records: Sequence[Record], names: Sequence[str], meanings: Mapping[str, str]) -> Table:
    """Every number of every record, with intervals and units."""
    several = len(records) > 1
    heads = [head for name in names for head in ((name, f"{name}, 95 % CI") if several else ("value", "95 % CI"))]
    rows = []
    for key in keys(records):
        numbers = [_number(record, key) for record in records]
        cells = [cell for number in numbers for cell in (number.text, number.interval)]
        change = [_change(records, key).split(" ")[0]] if several else []
        rows.append((key, *cells, *change, meanings.get(key, "")))
    head = ("metric", *heads, *(["difference"] if several else []), "meaning")
    return Table("All numbers", head, tuple(rows), tuple(range(1, len(head) - 1)))


def keys(records: Sequence[Record]) -> list[str]:
    """Every key, the headline first, then in the order of the metrics."""
    every = [key for record in records for key in (record.headline, *record.columns)]
    return list(dict.fromkeys(every))


def factor(record: Record, key: str) -> float:
    """What a number is multiplied by for reading."""
    return 100.0 if record.units.get(key) == "fraction" else 1.0


def slices(
    runs: Sequence[Run], names: Sequence[str], tags: Mapping[str, Mapping[str, str]], metric: Metric
) -> list[Figure]:
    """Bars of the headline by every tag that has several values, with intervals where they can be had from sums.

    Args:
        runs: one or two.
        names: of the runs.
        tags: sample id -> tag -> value, as far as the samples are here.
        metric: the first one of the task.
    """
    first = runs[0].record
    drawn = []
    for tag in first.slices:
        values = sorted(first.slices[tag], key=lambda value: -first.slices[tag][value].n)
        if len(values) < 2:
            continue
        found = [_intervals(run, tag, tags, metric) for run in runs]
        shown = []
        for value in values[:MOST_SLICES]:
            for at, run in enumerate(runs):
                part = run.record.slices.get(tag, {}).get(value)
                number = None if part is None else part.metrics.get(first.headline)
                name = f"{value} ({first.slices[tag][value].n:,})" if at == 0 else ""
                shown.append(Bar(name, math.nan if number is None else number, found[at].get(value), at))
        more = f" The largest {MOST_SLICES} of {len(values)} are shown." if len(values) > MOST_SLICES else ""
        frame = Frame(f"{first.headline} by {tag}", first.headline, x_range=_range(first))
        caption = "Samples in brackets." + (" Whiskers: 95 % intervals." if any(found) else "") + more
        drawn.append(Figure(bars(shown, frame, names if len(names) > 1 else []), caption))
    return drawn


def _range(record: Record) -> tuple[float, float] | None:
    return (0.0, 1.0) if record.units.get(record.headline) == "fraction" else None


def _intervals(
    run: Run, tag: str, tags: Mapping[str, Mapping[str, str]], metric: Metric
) -> dict[str, tuple[float, float]]:
    """Interval of the headline for every value of a tag; empty where rows or tags are not here."""
    if not tags or metric.name not in run.rows:
        return {}
    places: dict[str, list[int]] = {}
    for place, sample_id in enumerate(run.sample_ids):
        places.setdefault(tags.get(sample_id, {}).get(tag, ""), []).append(place)
    found = {}
    for value, own in places.items():
        rows = [run.rows[metric.name][place] for place in own]
        pair = intervals(metric, rows, [run.image_ids[place] for place in own]).get(run.record.headline)
        if pair is not None:
            found[value] = pair
    return found


def _number(record: Record, key: str) -> Number:
    value, scale = record.metrics.get(key), factor(record, key)
    unit = UNITS.get(record.units.get(key, ""), "")
    text = value_text(value, scale) + (f" {unit}" if unit and value is not None else "")
    pair = record.intervals.get(key)
    told = "" if pair is None else f"{value_text(pair[0], scale)} to {value_text(pair[1], scale)}"
    if scale != 100 or value is None or not math.isfinite(value):
        return Number(text, told)
    low, high = pair or (value, value)
    bar = tuple(round(100 * min(max(each, 0.0), 1.0), 2) for each in (value, low, high))
    return Number(text, told, (bar[0], bar[1], bar[2]))


def _change(records: Sequence[Record], key: str, sure: Change | None = None) -> str:
    """What the second record has more than the first, how sure that is, and whether it is better."""
    difference = _difference(records, key)
    if difference is None:
        return ""
    scale = factor(records[0], key)
    words = f"{scale * difference:+.2f}" if scale == 100 else f"{difference:+.4g}"
    if not difference:
        return "±0 no difference"
    verdict = "" if of_record(records[0], key) == "none" else f" {_verdict(records, key)}"
    if sure is None:
        return words + verdict
    ends = " to ".join(f"{scale * end:+.2f}" if scale == 100 else f"{end:+.4g}" for end in (sure.low, sure.high))
    chance = "p < 0.001" if sure.p < 0.001 else f"p = {sure.p:.3f}"
    unclear = ", not clear" if sure.low <= 0 <= sure.high else ""
    return f"{words}{verdict}{unclear} ({ends}; {chance})"


def _verdict(records: Sequence[Record], key: str) -> str:
    difference = _difference(records, key)
    direction = of_record(records[0], key)
    if difference is None or not difference or direction == "none":
        return "same"
    return "better" if (difference > 0) == (direction == "higher") else "worse"


def _difference(records: Sequence[Record], key: str) -> float | None:
    if len(records) < 2:
        return None
    one, other = (record.metrics.get(key) for record in records)
    if one is None or other is None or not math.isfinite(one) or not math.isfinite(other):
        return None
    return other - one
