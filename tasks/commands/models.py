"""`refbench models`: which models there are, and what one of them can do."""

import argparse

from tasks.commands import show

EXAMPLES = """  refbench models
  refbench models refvlm --json"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="show one model: answers, weights, licence")


def run(args: argparse.Namespace) -> int:
    """List all models, or show one."""
    from tasks.models.registry import all_models, find
    from tasks.regimes import resolve

    entries = list(all_models().values()) if args.name is None else [find(args.name)]
    cards = [
        {
            "name": entry.name,
            "kind": entry.kind,
            "answers": list(entry.units),
            "description": entry.description,
            "weights": entry.weights,
            "sees_truth": entry.sees_truth,
            "regime": resolve(None, entry),
        }
        for entry in entries
    ]
    if args.json:
        show.as_json(cards)
    elif args.name is not None:
        show.facts(args.name, {name: value for name, value in cards[0].items() if name != "name"})
    else:
        rows = [(entry.name, entry.kind, ", ".join(entry.units), entry.description) for entry in entries]
        show.table(["name", "kind", "answers", "description"], rows)
    return 0
