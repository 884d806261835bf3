"""`refbench data sample`: the sample world, written into a folder in the format of the official files."""

import argparse

from tasks.commands import show
from tasks.parser import folder, natural

EXAMPLES = """  refbench data sample --out sample_world
  refbench data sample --out other_world --seed 7 && refbench eval --task refcoco_rec --data-root other_world"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--out", metavar="DIR", type=folder, required=True, help="folder to write, new or empty")
    parser.add_argument("--seed", metavar="N", type=natural, default=0, help="another seed gives another world")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(args: argparse.Namespace) -> int:
    """Write the world."""
    from benchmarks.world.write import write_world
    from tasks.data import WorldBar

    write_world(args.out, args.seed, progress=WorldBar(not args.quiet))
    if args.json:
        show.as_json({"data_root": str(args.out), "seed": args.seed})
    else:
        print(f"{args.out} holds the sample world of seed {args.seed}: use it with --data-root {args.out}")
    return 0
