"""`refbench data status`: which official files are here, and which are not."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder

if TYPE_CHECKING:
    from benchmarks.prepare import Status

EXAMPLES = """  refbench data status
  refbench data status --data-root data
  REFBENCH_DATA=data refbench data status --json"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--data-root", metavar="DIR", type=folder, help="folder to look at (default: REFBENCH_DATA)")


def run(args: argparse.Namespace) -> int:
    """Show one row per benchmark and split."""
    from benchmarks.prepare import status
    from tasks.progress import say
    from tasks.settings import settings

    root = settings(data_root=args.data_root).data_root
    rows = status(root)
    if args.json:
        show.as_json([{**asdict(row), "complete": row.complete} for row in rows])
        return 0
    if root is None:
        say("no data root: give --data-root DIR or set REFBENCH_DATA; these files would belong there")
    head = ["benchmark", "split", "found", "published", "state"]
    cells = [(row.benchmark, row.split, _count(row.found), _count(row.published), _state(row)) for row in rows]
    show.table(head, cells, right=["found", "published"])
    print()
    for benchmark, where in dict.fromkeys((row.benchmark, row.where) for row in rows):
        print(f"{benchmark} is published at {where}")
    return 0


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


def _state(row: "Status") -> str:
    if row.complete:
        return "complete"
    if row.problem:
        return row.problem
    if row.missing:
        return f"missing: {', '.join(row.missing)}"
    if row.published is None:
        return "not an official split"
    return "a part: results will say 'n of N'" if row.found else "not in these files"
