"""Published rows for the columns of a board, set apart from what was measured."""

from collections.abc import Sequence

from results import published
from results.leaderboard.board import Cell, Column, Line

GROUP = "published, not run here"


def published_lines(columns: Sequence[Column], most: int) -> tuple[list[Line], int]:
    """Find what is published for columns: those that cover most columns first, of these the best by the first one.

    Args:
        columns: of the board.
        most: how many lines at most.

    Returns:
        The lines, and how many more there are.
    """
    found: dict[tuple[str, str], dict[int, published.Number]] = {}
    for task, split in dict.fromkeys((column.task, column.split) for column in columns):
        places = {column.key: at for at, column in enumerate(columns) if (column.task, column.split) == (task, split)}
        for row in published.beside(task, split, places):
            cells = found.setdefault((row.model, row.source.key), {})
            cells.update({places[key]: number for key, number in row.numbers.items()})
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), *_goodness(item[1], columns), item[0]))
    return [_line(name, cells, len(columns)) for (name, _), cells in ranked[:most]], max(0, len(ranked) - most)


def _line(model: str, numbers: dict[int, published.Number], count: int) -> Line:
    cells = [_cell(numbers[at]) if at in numbers else Cell("missing") for at in range(count)]
    return Line(model, GROUP, tuple(cells), is_ranked=False, source=next(iter(numbers.values())).source)


def _cell(number: published.Number) -> Cell:
    doubt = (f"doubtful: {number.doubt}",) if number.doubt else ()
    return Cell("number", number.value, text=f"{number.text} {number.unit}", notes=doubt)


def _goodness(numbers: dict[int, published.Number], columns: Sequence[Column]) -> tuple[int, float]:
    first = min(numbers)
    value = numbers[first].value
    return first, value if columns[first].better == "lower" else -value
