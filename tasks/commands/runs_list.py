"""`refbench runs list`: the finished runs of a folder."""

import argparse
from typing import TYPE_CHECKING, Any

from tasks.commands import show
from tasks.parser import folder, moment

if TYPE_CHECKING:
    from results.run import Run

EXAMPLES = """  refbench runs list
  refbench runs list --model refvlm --task 'refcoco*'
  refbench runs list --since 2026-11-20 --commit 3f2a9c --json
exit codes: 0 done, 2 something must be changed"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    filters(parser)


def filters(parser: argparse.ArgumentParser) -> None:
    """Add what chooses runs."""
    add = parser.add_argument
    add("--runs", metavar="DIR", type=folder, help="folder of all runs (default: REFBENCH_RUNS, else runs)")
    add("--model", metavar="M", help="only runs of this model; * and ? stand for any characters")
    add("--task", metavar="T", help="only runs of this task, likewise")
    add("--split", metavar="S", help="only runs of this split, likewise")
    add(
        "--since", metavar="DATE", type=moment, help="only runs that ended then or later (2026-11-20, 2026-11-20T18:00)"
    )
    add("--commit", metavar="C", help="only runs of this commit, or one that begins so")


def chosen(args: argparse.Namespace) -> "list[Run]":
    """Find the runs that the filters let through; those that cannot be read are named on standard error."""
    from results.store import Store, is_wanted
    from tasks.progress import say
    from tasks.settings import settings

    runs, problems = Store(settings(runs=args.runs).runs).listing()
    for problem in problems:
        say(f"left out: {problem.text}")
    return [each for each in runs if is_wanted(each, args.model, args.task, args.split, args.since, args.commit)]


def run(args: argparse.Namespace) -> int:
    """List runs, the newest last."""
    from tasks.progress import say

    runs = sorted(chosen(args), key=lambda run: run.ended)
    if args.json:
        show.as_json([summary(each) for each in runs])
        return 0
    if not runs:
        say("no finished run of this choice: `refbench eval` makes one")
        return 0
    head = ["id", "model", "task", "split", "data", "n", "number", "value", "protocol", "ended", "commit"]
    show.table(head, [_row(each) for each in runs], right=["n", "value"])
    return 0


def summary(run: "Run") -> dict[str, Any]:
    """One run for machines: the row of `eval --json` with id, protocol, times and commit."""
    from results.table import row_json

    about = {"id": run.id, "started": run.started, "ended": run.ended}
    return {**about, "commit": run.commit, "folder": str(run.folder), **row_json(run.record)}


def _row(run: "Run") -> list[object]:
    from results.fingerprint import code
    from results.table import number

    record = run.record
    value = number(record.metrics.get(record.headline), record.units.get(record.headline, "")) or "undef."
    n = record.n if record.whole is None else f"{record.n} of {record.whole}"
    what = [show.plain(text) for text in (record.model, record.task, record.split)]
    return [run.id, *what, record.data, n, record.headline, value, code(record), run.ended[:16], run.commit[:7]]
