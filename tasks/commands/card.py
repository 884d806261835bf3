"""`refbench card`: writes the model card of a checkpoint from its files and from records of runs with it."""

import argparse
from pathlib import Path

from tasks.commands import show
from tasks.parser import folder

EXAMPLES = """  refbench card runs/refvlm/*/* --weights checkpoints/tiny
  refbench card runs/refvlm/refcocog_rec/test --weights checkpoints/tiny --config stage2.yaml --out card.md

Every score comes from the result.json of a run that is named; a run of other weights is refused.
exit codes: 0 written, 2 something must be changed"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add(
        "runs",
        metavar="RUN",
        nargs="*",
        type=folder,
        help="run directory or result.json; none for a card without scores",
    )
    add("--weights", metavar="DIR", type=folder, required=True, help="checkpoint folder that the card describes")
    add("--config", metavar="FILE", type=folder, help="what it was trained with (YAML), to be shown in the card")
    add("--title", metavar="TEXT", default="REF-VLM", help="heading (default: REF-VLM)")
    add("--out", metavar="FILE", type=folder, help="file to write (default: README.md in the folder of the weights)")


def run(args: argparse.Namespace) -> int:
    """Write the card, and say where."""
    from benchmarks.errors import ConfigError
    from refvlm.card import CARD, Words, write_card

    out: Path = args.out or args.weights / CARD
    if not out.parent.is_dir():
        raise ConfigError(f"{out.parent} is no folder: name a file in one that exists with --out")
    path = write_card(args.weights, args.runs, Words(args.title, args.config), out)
    if args.json:
        show.as_json({"card": str(path), "runs": [str(each) for each in args.runs]})
    else:
        print(f"wrote {path}")
    return 0
