"""Turns the rows of a table's description into the models they stand for, each with the numbers it may show."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet

from results.export.pick import DIGEST_SHOWN, Evidence, Subject, ordered
from results.export.quoted import Quoted, place_of
from results.export.spec import ALL, Line, Part, TableSpec
from results.run import Run

Wanted = AbstractSet[tuple[str, str | None, str | None, str]]


def subjects(spec: TableSpec, evidence: Evidence) -> list[Subject]:
    """List what each row of the finished table is about, in order.

    A model whose runs come from different weights that compete for a number gets a row for each of them where the
    description asks for all models; where it names the model, the weights that ran last count. A row never mixes them.
    """
    found: list[Subject] = []
    for line in spec.rows:
        wanted = _wanted(spec, line)
        if line.model is not None:
            found += _measured(line, line.model, evidence, wanted)[-1:] or [_empty(line, line.model)]
        elif line.models is not None:
            for name in evidence.by_model if line.models == ALL else line.models:
                each = _measured(line, name, evidence, wanted)
                found += each if each or line.models == ALL else [_empty(line, name)]
        elif line.published is not None:
            found.append(_printed(line, line.published, evidence, wanted) or _empty(line, line.published))
        else:
            for name in evidence.printed if line.published_models == ALL else line.published_models or ():
                row = _printed(line, name, evidence, wanted)
                found += [row] if row else [] if line.published_models == ALL else [_empty(line, name)]
    return found


def _empty(line: Line, name: str) -> Subject:
    return Subject(line, name, line.label or name)


def _wanted(spec: TableSpec, line: Line) -> Wanted:
    parts: Iterable[Part] = (part for block in spec.columns for part in block.numbers())
    found = {(line.task or part.task, line.split or part.split, part.slice, part.metric) for part in parts}
    return {(task, split, cut, metric) for task, split, cut, metric in found if task is not None}


def _measured(line: Line, name: str, evidence: Evidence, wanted: Wanted) -> list[Subject]:
    """One subject for each set of weights, the latest last; none without any run."""
    places = {(task, split) for task, split, *_ in wanted}
    runs = [run for run in evidence.by_model.get(name, ()) if _fits(run, line, places)]
    if not runs:
        return []
    groups = _by_weights(runs)
    several = len(groups) > 1 and line.label is None
    return [
        Subject(line, name, (line.label or name) + (f" ({digest[:DIGEST_SHOWN]})" if several else ""), _placed(group))
        for digest, group in groups
    ]


def _fits(run: Run, line: Line, places: AbstractSet[tuple[str, str | None]]) -> bool:
    record = run.record
    return (
        ((record.task, record.split) in places or (record.task, None) in places)
        and (line.weights is None or record.digests.get("model", "").startswith(line.weights))
        and (line.run is None or line.run in (record.run, run.id))
        and all(record.options.get(option) == value for option, value in line.options.items())
    )


def _by_weights(runs: Sequence[Run]) -> list[tuple[str, list[Run]]]:
    """Group runs by digest of the weights, the group that ran last at the end.

    Some models are other ones on every task (the floor learns from the split beside): digests that never meet on one
    split of one task are one group.
    """
    meeting: dict[tuple[str, str], set[str]] = defaultdict(set)
    for run in runs:
        meeting[run.record.task, run.record.split].add(run.record.digests.get("model", ""))
    if all(len(digests) == 1 for digests in meeting.values()):
        return [("", list(runs))]
    groups: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        groups[run.record.digests.get("model", "")].append(run)
    return sorted(groups.items(), key=lambda item: (max(run.ended for run in item[1]), item[0]))


def _placed(runs: Iterable[Run]) -> dict[tuple[str, str], Sequence[Run]]:
    found: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for run in runs:
        found[run.record.task, run.record.split].append(run)
    return {place: ordered(each) for place, each in found.items()}


def _printed(line: Line, name: str, evidence: Evidence, wanted: Wanted) -> Subject | None:
    """The printed numbers of one model; None without any.

    Two publications under one name may mean two checkpoints: the one that fills most of the table counts, and another
    one only adds to it where both agree on everything that both print.
    """
    keys = {(task, place_of(split or "", cut), metric) for task, split, cut, metric in wanted}
    by_title: dict[str, dict[tuple[str, str, str], Quoted]] = defaultdict(dict)
    for each in evidence.printed.get(name, ()):
        key = (each.task, each.split, each.metric)
        if key in keys and (line.source is None or line.source.lower() in each.title.lower()):
            by_title[each.title].setdefault(key, each)
    if not by_title:
        return None
    best_first = sorted(by_title.values(), key=len, reverse=True)
    quotes: dict[tuple[str, str, str], list[Quoted]] = {key: [each] for key, each in best_first[0].items()}
    for other in best_first[1:]:
        agrees = all(_same(quotes[key][0], each) for key, each in other.items() if key in quotes)
        for key, each in other.items():
            if key in quotes:
                quotes[key].append(each)
            elif agrees:
                quotes[key] = [each]
    return Subject(line, name, line.label or name, quotes=quotes)


def _same(one: Quoted, other: Quoted) -> bool:
    """Whether two printed numbers agree to the digits of the shorter one."""
    digits = min(one.digits, other.digits)
    unit = 100 if one.unit == "fraction" or one.unit.startswith("CIDEr") else 1
    return abs(one.value - other.value) * unit <= 0.5 * 10.0**-digits + 1e-9
