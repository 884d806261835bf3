"""`refbench data prepare`: fetches official files and puts them where the readers look for them."""

import argparse
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder, names, natural, positive

if TYPE_CHECKING:
    from tasks.prepare import Outcome

EXAMPLES = """  refbench data prepare refcocog --data-root data --dry-run
  refbench data prepare refcocog,pope --data-root data
  refbench data prepare coco_captions --data-root data --catalogue mirror.yaml

The same command again goes on where it stopped; what is here already is left alone.
exit codes: 0 everything is in place, 1 some files must be fetched by hand (how is printed), 2 something went wrong"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("names", metavar="NAME[,NAME…]", type=names, help="benchmarks or tasks (`refbench data status` lists them)")
    add("--data-root", metavar="DIR", type=folder, help="where the files go (default: REFBENCH_DATA)")
    add("--dry-run", action="store_true", help="only show what would be fetched, from where, and how much")
    add("--keep-archives", action="store_true", help="keep the downloaded archives below DIR/.refbench")
    add("--catalogue", metavar="FILE", type=folder, help="addresses from another file, for example of a mirror")
    add("--timeout", metavar="S", type=positive, default=30, help="seconds until a connection is stalled (default: 30)")
    add("--retries", metavar="N", type=natural, default=5, help="attempts in vain before giving up (default: 5)")
    add("--quiet", action="store_true", help="no progress bars")


def run(args: argparse.Namespace) -> int:
    """Fetch, then say what is in place."""
    from benchmarks.errors import ConfigError
    from benchmarks.fetch import Policy
    from tasks.catalogue import chosen, read
    from tasks.prepare import Options, prepare
    from tasks.settings import DATA_VARIABLE, settings

    root = settings(data_root=args.data_root).data_root
    if root is None:
        raise ConfigError(f"name the folder that the files go into: --data-root DIR or {DATA_VARIABLE}")
    wanted = list(dict.fromkeys(benchmark for name in args.names for benchmark in chosen(name)))
    options = Options(
        dry_run=args.dry_run,
        keep_archives=args.keep_archives,
        policy=Policy(timeout_s=args.timeout, retries=args.retries),
        progress=not args.quiet,
    )
    outcomes = prepare(root, read(args.catalogue).needed(wanted), options)
    if args.json:
        show.as_json([_entry(each) for each in outcomes])
    else:
        _print(outcomes)
    return 1 if any(each.state == "by hand" for each in outcomes) else 0


def _entry(outcome: "Outcome") -> dict[str, object]:
    facts = outcome.download.model_dump(include={"url", "by_hand", "holds", "bytes"})
    return {"name": outcome.name, "state": outcome.state, **facts}


def _print(outcomes: "list[Outcome]") -> None:
    rows = [(o.name, _size(o.download.bytes), o.state, o.download.holds, o.download.url or "") for o in outcomes]
    show.table(["file", "size", "state", "place", "from"], rows, right=["size"])
    for outcome in outcomes:
        if outcome.state == "by hand":
            print(f"\n{outcome.name}: {outcome.download.by_hand}")


def _size(count: int | None) -> str:
    return "?" if count is None else f"{count / 1e9:.2f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
