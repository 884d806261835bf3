"""`refbench runs rm`: deletes runs, after asking."""

import argparse
import sys
from typing import TYPE_CHECKING

from tasks.commands import runs_list, show

if TYPE_CHECKING:
    from results.run import Run

EXAMPLES = """  refbench runs rm 3f2a9c01de
  refbench runs rm --model constant --task 'refcoco*'
  refbench runs rm --commit 3f2a9c --yes
exit codes: 0 done, 2 something must be changed"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("run", metavar="RUN", nargs="*", help="directory, first digits of its id, or model/task/split")
    runs_list.filters(parser)
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(args: argparse.Namespace) -> int:
    """Name what would be deleted, ask, delete."""
    from benchmarks.errors import ConfigError
    from results import shelf
    from results.store import Store
    from tasks.progress import say
    from tasks.settings import settings

    store = Store(settings(runs=args.runs).runs)
    has_filter = any(value is not None for value in (args.model, args.task, args.split, args.since, args.commit))
    if bool(args.run) == has_filter:
        raise ConfigError("name runs, or choose them by --model, --task, --split, --since, --commit, one of both")
    found = [store.find(text) for text in args.run] if args.run else runs_list.chosen(args)
    if not found:
        raise ConfigError(f"{store.root} holds no run of this choice: `refbench runs list` shows what there is")
    if not args.yes and not _is_confirmed(found):
        say("nothing was deleted")
        return 0
    for each in found:
        shelf.remove(each, store.root)
    if args.json:
        show.as_json({"deleted": [each.id for each in found]})
    else:
        print(f"deleted {len(found)} run{'s' if len(found) > 1 else ''}")
    return 0


def _is_confirmed(runs: "list[Run]") -> bool:
    from benchmarks.errors import ConfigError
    from tasks.progress import say

    if not sys.stdin.isatty():
        raise ConfigError("nobody can be asked here: give --yes to delete without asking")
    for each in runs:
        say(f"{each.id}  {show.plain(each.name)}  {each.folder}")
    say(f"delete {len(runs)}? y/N")
    return sys.stdin.readline().strip().lower() in ("y", "yes")
