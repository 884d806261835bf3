"""`refbench models`: which models there are, and what one of them can do and needs."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.commands import show
from tasks.parser import folder

if TYPE_CHECKING:
    from tasks.base import ModelEntry

EXAMPLES = """  refbench models
  refbench models refvlm
  refbench models hf-depth:PATH
  refbench models --matrix
  refbench models u-llava --matrix
  refbench models --include my_models
  refbench models refvlm --weights runs/train --json"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="show one model: answers, files, memory, licences")
    parser.add_argument("--include", metavar="DIR", type=folder, help="folder of further models (*.py)")
    parser.add_argument("--matrix", action="store_true", help="which kinds of tasks each model can do, and why not")
    parser.add_argument("--weights", metavar="PATH", type=folder, help="with NAME: show it with these weights")


def run(args: argparse.Namespace) -> int:
    """List all models, or show one."""
    from benchmarks.errors import ConfigError
    from tasks.models.registry import all_models, find_any

    if args.matrix:
        return _matrix(args)
    if args.name is not None:
        card = _whole(find_any(args.name, args.include), args.weights)
        if args.json:
            show.as_json([card])
        else:
            show.facts(args.name, _lines(card))
        return 0
    if args.weights is not None:
        raise ConfigError("--weights shows one model: name it, as in `refbench models refvlm --weights FOLDER`")
    entries = list(all_models(args.include).values())
    if args.json:
        show.as_json([_short(entry) for entry in entries])
    else:
        rows = [(entry.name, entry.kind, ", ".join(entry.units), entry.description) for entry in entries]
        show.table(["name", "kind", "answers", "description"], rows)
    return 0


def _matrix(args: argparse.Namespace) -> int:
    from benchmarks.errors import ConfigError
    from tasks.kinds import all_kinds
    from tasks.matrix import MARKS, cells
    from tasks.models.registry import all_models, find_any

    if args.weights is not None and args.name is None:
        raise ConfigError(
            "--weights is for one model: name it, as in `refbench models refvlm --matrix --weights FOLDER`"
        )
    entries = [find_any(args.name, args.include)] if args.name else list(all_models(args.include).values())
    kinds = list(all_kinds().values())
    found = cells(entries, kinds, args.weights)
    if args.json:
        show.as_json([vars(cell) for cell in found])
        return 0
    if args.name:
        show.table(["kind", args.name, "why"], [(cell.kind, MARKS[cell.state], cell.why) for cell in found])
        return 0
    marks = {(cell.model, cell.kind): MARKS[cell.state] for cell in found}
    names = [entry.name for entry in entries]
    heads = [name.replace("-", "-\n") for name in names]
    show.table(["kind", *heads], [(kind.name, *(marks[name, kind.name] for name in names)) for kind in kinds])
    print()
    for name, why in dict.fromkeys((cell.model, cell.why) for cell in found if cell.state == "needs"):
        print(f"{name} needs: {why}")
    print("`refbench models NAME --matrix` says why a model cannot do a kind of task")
    return 0


def _short(entry: "ModelEntry") -> dict[str, Any]:
    from tasks.regimes import resolve

    return {
        "name": entry.name,
        "kind": entry.kind,
        "answers": list(entry.units),
        "visual_prompts": entry.regions,
        "description": entry.description,
        "weights": entry.weights,
        "licence": entry.licence,
        "sees_truth": entry.sees_truth,
        "regime": resolve(None, entry),
        "arguments": {each.name: f"{' or '.join(each.values)}: {each.does}" for each in entry.arguments},
        "note": entry.note,
    }


def _whole(entry: "ModelEntry", weights: Path | None) -> dict[str, Any]:
    """Everything known of one model, with the weights that are named."""
    seen = entry.of_weights(weights) if entry.of_weights is not None else entry
    sizes = [] if entry.sizes is None else entry.sizes(weights)
    return _short(seen) | {
        "needs": [{"name": each.name, "holds": each.holds, "licence": each.licence} for each in entry.needs],
        "sizes": [
            {"what": each.what, "values": each.values, "values_per_token": each.values_per_token,
             "memory": each.memory()} for each in sizes
        ],
        "published": [vars(each) | {"line": each.line()} for each in entry.published],
    }  # fmt: skip


def _lines(card: dict[str, Any]) -> dict[str, object]:
    """The same for people: one line an entry."""
    words = {key: value for key, value in card.items() if key not in ("name", "needs", "sizes", "published")}
    return words | {
        "needs": {each["name"]: f"{each['holds']}; licence: {each['licence']}" for each in card["needs"]} or "",
        "memory": {each["what"]: each["memory"] for each in card["sizes"]} or "",
        "published": [each["line"] for each in card["published"]] or "no number known",
    }
