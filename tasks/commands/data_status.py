"""`refbench data status`: which official files are here, and which are not."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder, names

if TYPE_CHECKING:
    from benchmarks.prepare import Status

EXAMPLES = """  refbench data status
  refbench data status refcocog,pope --data-root data
  refbench data status --data-root data
  REFBENCH_DATA=data refbench data status --json"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("names", metavar="NAME[,NAME…]", type=names, nargs="?", help="benchmarks or tasks (default: all)")
    add("--data-root", metavar="DIR", type=folder, help="folder to look at (default: REFBENCH_DATA)")


def run(args: argparse.Namespace) -> int:
    """Show one row per benchmark and split."""
    from benchmarks.prepare import status
    from tasks import catalogue
    from tasks.progress import say
    from tasks.settings import settings

    root = settings(data_root=args.data_root).data_root
    chosen = None if args.names is None else {full for name in args.names for full in catalogue.chosen(name)}
    rows = status(root, chosen)
    if args.json:
        show.as_json([{**asdict(row), "complete": row.complete} for row in rows])
        return 0
    if root is None:
        say("no data root: give --data-root DIR or set REFBENCH_DATA; these files would belong there")
    head = ["benchmark", "split", "found", "published", "size here", "state"]
    cells = [
        (row.benchmark, row.split, _count(row.found), _count(row.published), _size(row.size_bytes), _state(row))
        for row in rows
    ]
    show.table(head, cells, right=["found", "published", "size here"])
    print()
    for benchmark, where in dict.fromkeys((row.benchmark, row.where) for row in rows):
        print(f"{benchmark} is published at {where}")
    print("\n`refbench data prepare NAME` fetches what may be fetched and explains the rest")
    return 0


def _size(count: int) -> str:
    return "" if not count else f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count, 1e5) / 1e6:.1f} MB"


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


def _state(row: "Status") -> str:
    if row.complete:
        return "complete"
    if row.problem:
        return row.problem
    if row.missing:
        more = f" and {len(row.missing) - 1} more" if len(row.missing) > 1 else ""
        return f"missing: {row.missing[0]}{more}"
    if row.published is None:
        return "not an official split"
    return "a part: results will say 'n of N'" if row.found else "not in these files"
