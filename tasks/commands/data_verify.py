"""`refbench data verify`: opens every split of official files and compares the counts with the published ones."""

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder, names

if TYPE_CHECKING:
    from benchmarks.schema import Origin
    from benchmarks.verify import Progress, Verdict

EXAMPLES = """  refbench data verify refcocog --data-root data
  refbench data verify refcocog,pope --data-root data --photos
  refbench data verify --data-root data --json      (every benchmark whose files are there)

exit codes: 0 all of it is whole, 1 something is missing or broken (what is printed), 2 wrong usage"""
_SHOWN = 5


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("names", metavar="NAME[,NAME…]", type=names, nargs="?", help="benchmarks or tasks (default: what is here)")
    add("--data-root", metavar="DIR", type=folder, help="folder to check (default: REFBENCH_DATA)")
    add("--photos", action="store_true", help="decode every photo as well, and check its size")
    add("--quiet", action="store_true", help="no progress bars")


def run(args: argparse.Namespace) -> int:
    """Check, and print one row per split."""
    from benchmarks.errors import ConfigError, DataError
    from benchmarks.registry import benchmark, benchmarks
    from benchmarks.verify import verify
    from benchmarks.world.write import is_world
    from tasks.catalogue import chosen
    from tasks.settings import DATA_VARIABLE, settings

    root = settings(data_root=args.data_root).data_root
    if root is None:
        raise ConfigError(f"name the folder to check: --data-root DIR or {DATA_VARIABLE}")
    if not root.is_dir():
        raise DataError(f"data root {root} is not a folder: point --data-root at the one that holds the data")
    if args.names:
        wanted = [benchmark(each) for name in args.names for each in chosen(name)]
    else:
        wanted = [each for each in benchmarks() if each.files(root)[0].exists()]
    if not wanted:
        raise DataError(f"{root} holds no benchmark that is known (`refbench data status` says what belongs there)")
    progress = _bar(not args.quiet) if args.photos else None
    origin: Origin = "sample" if is_world(root) else "official"
    verdicts = [verdict for each in wanted for verdict in verify(each, root, origin, progress)]
    if args.json:
        show.as_json([{**asdict(verdict), "whole": verdict.whole} for verdict in verdicts])
    else:
        _print(verdicts)
    return 0 if all(verdict.whole for verdict in verdicts) else 1


def _print(verdicts: "list[Verdict]") -> None:
    rows = [(v.benchmark, v.split, _count(v.found), _count(v.published), _verdict(v)) for v in verdicts]
    show.table(["benchmark", "split", "found", "published", "verdict"], rows, right=["found", "published"])
    for verdict in verdicts:
        for problem in verdict.problems[:_SHOWN]:
            print(f"\n{verdict.benchmark} {verdict.split}: {problem}")
        if len(verdict.problems) > _SHOWN:
            print(f"\n{verdict.benchmark} {verdict.split}: and {len(verdict.problems) - _SHOWN} more")


def _count(number: int | None) -> str:
    return "" if number is None else str(number)


def _verdict(verdict: "Verdict") -> str:
    if verdict.whole:
        return "whole" if verdict.published is not None else "whole, no published count"
    if verdict.problems:
        return "cannot be opened" if verdict.found is None else f"{len(verdict.problems)} photos cannot be used"
    return f"{verdict.found} of {verdict.published}"


def _bar(visible: bool) -> "Progress":
    from tqdm import tqdm

    bar = tqdm(unit="photo", disable=not visible, leave=False)

    def show_progress(done: int, total: int) -> None:
        if done == 1:
            bar.reset(total)
        bar.update(1)
        if done == total:
            bar.clear()

    return show_progress
