"""`refbench runs import`: copies runs of elsewhere into the folder of runs, after checking them."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.commands import runs_show, show
from tasks.parser import folder

if TYPE_CHECKING:
    from results.run import Run

EXAMPLES = """  refbench runs import /media/cluster/runs
  refbench runs import downloads/test-3f2a9c01de --runs runs
  refbench runs import downloads --json

Every run below the folder is checked first: rows against the digests in its record, answers against rows, numbers
against rows, and all of it against what its run.json says it is. Runs that are here already are left alone.
exit codes: 0 done, 1 some were refused, 2 something must be changed"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("source", metavar="FOLDER", type=folder, help="one run, or a folder of runs")
    add("--runs", metavar="DIR", type=folder, help="folder of all runs (default: REFBENCH_RUNS, else runs)")
    add("--include", metavar="DIR", type=folder, help="folder of further tasks (*.yaml) and models (*.py)")


def run(args: argparse.Namespace) -> int:
    """Check every run, copy those that are whole, name the others."""
    from benchmarks.errors import ConfigError
    from metrics.errors import DataError
    from results import shelf
    from results.check import problems
    from tasks.settings import settings

    root = settings(runs=args.runs).runs
    found, refused = _found(args.source)
    if not found and not refused:
        raise ConfigError(f"{args.source} holds no finished run: name a run directory or a folder of them")
    imported: list[str] = []
    known: list[str] = []
    for each in found:
        try:
            wrong = problems(each, runs_show.metrics_of(each, args.include))
            if wrong:
                raise DataError(f"{each.folder}: {'; '.join(wrong)}")
            target = shelf.bring(each, root)
            (known if target is None else imported).append(str(target or each.folder))
        except DataError as error:
            refused.append(str(error))
    if args.json:
        show.as_json({"imported": imported, "already_here": known, "refused": refused})
    else:
        _print(imported, known, refused)
    return 1 if refused else 0


def _found(source: Path) -> "tuple[list[Run], list[str]]":
    """Read what is there without leaving an index behind: the folder is somebody else's."""
    from metrics.errors import DataError
    from results.run import Run
    from results.store import folders

    runs = []
    broken: list[str] = []
    for each in folders(source):
        try:
            runs.append(Run.open(each, each.parent))
        except DataError as error:
            broken.append(str(error))
    return runs, broken


def _print(imported: list[str], known: list[str], refused: list[str]) -> None:
    for text in imported:
        print(f"imported {text}")
    for text in known:
        print(f"already here: {text}")
    for text in refused:
        print(f"refused {show.plain(text)}")
