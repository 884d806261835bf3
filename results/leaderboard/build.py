"""From runs to boards: which run stands for a model, which may stand side by side, and in what order."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from metrics.errors import DataError
from results import fingerprint
from results.direction import of_record
from results.leaderboard import notes
from results.leaderboard.board import Board, Cell, Column, Line, State, marked, sort
from results.leaderboard.printed import published_lines
from results.record import Better, Record
from results.run import Run

OTHERS = "others"
_SHOWN = 4


@dataclass(frozen=True)
class Rules:
    """How boards are made.

    Attributes:
        mixed: rank rows of different protocols, each with a footnote.
        per_group: best and second are marked within each group.
        groups: model -> heading; models without one stand under `OTHERS`.
        headings: those that come first, in this order; others as their models come.
        unranked: headings whose models are never best: sanity bounds.
        impossible: (model, task) -> whether the model has no answer of the kind that the task wants.
        directions: key -> which way is better, where that is not the card of one of our metrics to say.
        keys: metrics of a task to show, in order; none for all.
        published: how many published rows a board shows at most, below the measured ones.
        published_beside_samples: show them also where every measured row is of the sample world.
    """

    mixed: bool = False
    per_group: bool = False
    groups: Mapping[str, str] = field(default_factory=dict)
    headings: tuple[str, ...] = ()
    unranked: frozenset[str] = frozenset()
    impossible: Callable[[str, str], bool] = lambda model, task: False
    directions: Mapping[str, Better] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    published: int = 0
    published_beside_samples: bool = False


def task_boards(runs: Sequence[Run], rules: Rules) -> list[Board]:
    """Make a board for every split of every task, in the order of the runs: its columns are numbers, its lines runs.

    Raises:
        DataError: rows of several protocols, unless `mixed`; or a metric that no row has.
    """
    boards = []
    for (task, split), members in _by_split(runs).items():
        usual = _usual(members, rules, f"{task} {split}")
        newest = _newest(members, lambda run: (*_who(run.record), _digest(run), fingerprint.code(run.record)))
        columns = _columns(newest, usual.record, rules)
        lines = [
            _line(_label(run, newest), run.record.model, [_cell(run, column, usual) for column in columns], rules)
            for run in newest
        ]
        boards.append(_board(f"{task} {split}", columns, lines, [run.record for run in newest], rules))
    return boards


def suite_board(title: str, runs: Sequence[Run], tasks: Sequence[str], rules: Rules) -> Board:
    """Make one board over tasks: its columns are the first numbers of their splits, its lines are models.

    Args:
        title: what to call it.
        runs: of these tasks, and perhaps of others.
        tasks: in the order of the columns; those without any run are left out.
        rules: how.

    Raises:
        DataError: rows of one split have several protocols, unless `mixed`.
    """
    found = _by_split([run for run in runs if run.record.task in tasks])
    columns: list[Column] = []
    cells: dict[str, dict[int, Cell]] = {}
    for (task, split), members in sorted(found.items(), key=lambda item: tasks.index(item[0][0])):
        usual = _usual(members, rules, f"{task} {split}")
        columns.append(_column(usual.record, usual.record.headline, rules, members))
        for run in _newest(members, lambda run: _who(run.record)):
            cells.setdefault(_name(run.record), {})[len(columns) - 1] = _cell(run, columns[-1], usual)
    models = {_name(run.record): run.record.model for run in runs}
    lines = []
    for name, each in cells.items():
        row = [each.get(at) or _gap(models[name], column, rules) for at, column in enumerate(columns)]
        lines.append(_line(name, models[name], row, rules))
    records = [run.record for members in found.values() for run in members]
    return _board(title, columns, lines, records, rules, by_task=True)


def _board(
    title: str, columns: Sequence[Column], lines: Sequence[Line], records: Sequence[Record], rules: Rules,
    by_task: bool = False,
) -> Board:  # fmt: skip
    place = {heading: at for at, heading in enumerate(rules.headings)}
    lines = sorted(lines, key=lambda line: place.get(line.group, len(place)))
    ordered = marked(sort(lines, columns[0].better if columns else "none"), columns, rules.per_group)
    about = list(notes.of_board(records))
    is_sample = all(record.data == "sample" for record in records)
    if rules.published and (rules.published_beside_samples or not is_sample):
        printed, left_out = published_lines(columns, rules.published)
        ordered += printed
        about += [notes.APART] if is_sample and printed else []
        about += [f"{left_out} more published rows are not shown"] if left_out else []
    return Board(title, tuple(columns), tuple(ordered), tuple(about), by_task)


def _by_split(runs: Sequence[Run]) -> dict[tuple[str, str], list[Run]]:
    found: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.record.task, run.record.split), []).append(run)
    return found


def _usual(runs: Sequence[Run], rules: Rules, where: str) -> Run:
    """Choose a run of the protocol that a column is about: that with most samples, else with most runs."""
    by_code: dict[str, list[Run]] = {}
    for run in runs:
        by_code.setdefault(fingerprint.code(run.record), []).append(run)
    first, *others = sorted(by_code.values(), key=lambda group: (-group[0].record.n, -len(group), group[0].id))
    if others and not rules.mixed:
        raise DataError(_refusal(where, first, others))
    return first[0]


def _refusal(where: str, first: Sequence[Run], others: Sequence[Sequence[Run]]) -> str:
    told = [
        f"{each.field} is {each.other or 'none'} in {_told(group)} but {each.one or 'none'} in {_told(first)}"
        for group in others[:_SHOWN]
        for each in fingerprint.differing(first[0].record, group[0].record)
    ]
    more = "; …" if len(others) > _SHOWN else ""
    return (
        f"{where}: rows of {1 + len(others)} protocols are not ranked together: {'; '.join(told)}{more}; choose one by "
        "--protocol CODE, or give --mixed to rank them all, each with a footnote"
    )


def _told(group: Sequence[Run]) -> str:
    names = list(dict.fromkeys(run.record.model for run in group))
    return f"{', '.join(names[:_SHOWN])}{', …' if len(names) > _SHOWN else ''} ({fingerprint.code(group[0].record)})"


def _newest(runs: Sequence[Run], key: Callable[[Run], tuple[str, ...]]) -> list[Run]:
    """Keep one run for each key: the one with most samples, of these the one that ended last."""
    found: dict[tuple[str, ...], Run] = {}
    for run in runs:
        name = key(run)
        if name not in found or _standing(run) >= _standing(found[name]):
            found[name] = run
    return list(found.values())


def _standing(run: Run) -> tuple[int, str]:
    return run.record.n, run.ended


def _who(record: Record) -> tuple[str, str, str]:
    return record.model, record.options.get("model_args", ""), record.options.get("prompt_set", "")


def _digest(run: Run) -> str:
    return run.record.digests.get("model", "")


def _name(record: Record) -> str:
    told = [record.options.get("model_args", "")]
    told += [
        f"prompt {wording}" for wording in [record.options.get("prompt_set", "")] if wording not in ("", "default")
    ]
    return " ".join([record.model, *(f"[{text}]" for text in told if text)])


def _label(run: Run, others: Sequence[Run]) -> str:
    """Name a run, with its id where another one has the same name."""
    name = _name(run.record)
    return f"{name} ({run.id})" if sum(_name(other.record) == name for other in others) > 1 else name


def _columns(runs: Sequence[Run], usual: Record, rules: Rules) -> list[Column]:
    keys = list(dict.fromkeys(key for run in runs for key in (usual.headline, *run.record.columns)))
    for key in rules.keys:
        if key not in keys:
            raise DataError(f"{usual.task} has no number called '{key}'; it has: {', '.join(keys)}")
    return [_column(usual, key, rules, runs) for key in rules.keys or keys]


def _column(usual: Record, key: str, rules: Rules, runs: Sequence[Run]) -> Column:
    code = fingerprint.code(usual)
    is_one = all(fingerprint.code(run.record) == code for run in runs)
    way = rules.directions.get(key) or _direction(usual, key, runs)
    units = {run.record.units[key] for run in runs if key in run.record.units}
    unit = usual.units.get(key) or next(iter(units), "")
    return Column(usual.task, usual.split, key, unit, way, code if is_one else "", usual.n if is_one else None)


def _direction(usual: Record, key: str, runs: Sequence[Run]) -> Better:
    telling = (run.record for run in runs if key in run.record.directions)
    return of_record(next(telling, usual), key)


def _line(name: str, model: str, cells: Sequence[Cell], rules: Rules) -> Line:
    group = rules.groups.get(model, OTHERS)
    return Line(name, group, tuple(cells), is_ranked=group not in rules.unranked)


def _cell(run: Run, column: Column, usual: Run) -> Cell:
    record = run.record
    value = record.metrics.get(column.key)
    is_number = value is not None and math.isfinite(value)
    return Cell(
        state=_state(record, column.key, is_number),
        value=value if is_number else None,
        interval=record.intervals.get(column.key),
        n=record.n,
        failed=record.failed,
        unparsable=record.unparsable,
        missing=record.missing,
        code=fingerprint.code(record),
        run=run.id,
        notes=notes.of_record(record, usual.record),
    )


def _state(record: Record, key: str, is_number: bool) -> State:
    if is_number:
        return "number" if record.whole is None else "partial"
    return "undefined" if key in record.metrics else "missing"


def _gap(model: str, column: Column, rules: Rules) -> Cell:
    return Cell("impossible" if rules.impossible(model, column.task) else "missing")
