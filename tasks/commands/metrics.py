"""`refbench metrics`: which metrics there are, and the rules of one."""

import argparse
import textwrap
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.commands import show
from tasks.parser import folder

if TYPE_CHECKING:
    from tasks.base import OwnMetric

EXAMPLES = """  refbench metrics
  refbench metrics res
  refbench metrics bbox --json
  refbench metrics --include my_metrics"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="show one metric: definition, source, rules, options")
    parser.add_argument("--include", metavar="DIR", type=folder, help="folder of further metrics (*.py)")


def run(args: argparse.Namespace) -> int:
    """List all metrics, or show one."""
    cards = _cards(args.include)
    if args.name is not None:
        if args.name not in cards:
            from benchmarks.errors import unknown

            raise unknown("metric", args.name, cards, "refbench metrics")
        cards = {args.name: cards[args.name]}
    if args.json:
        show.as_json(list(cards.values()))
    elif args.name is not None:
        show.facts(args.name, {name: value for name, value in cards[args.name].items() if name != "name"})
    else:
        rows = [
            (card["name"], card["kind"], card["protocol"], "yes" if card["scores_files"] else "", _short(card))
            for card in cards.values()
        ]
        show.table(["name", "kind", "protocol", "score", "definition"], rows)
        print("\nscore: `refbench score NAME` reads its official files; `refbench metrics NAME` shows formats")
    return 0


def _command(name: str, protocol: str, scorers: Container[str]) -> str:
    """Name the command that scores files: a variant's protocol, as `res/1 variant=lavt`, tells whose option it is."""
    family, *options = protocol.replace("/", " ").split(" ")
    if name in scorers:
        return f"refbench score {name}"
    return " --option ".join([f"refbench score {family}", *options[1:]]) if family in scorers else ""


def _short(card: dict[str, Any]) -> str:
    return textwrap.shorten(card["definition"], 72, placeholder=" …")


def _cards(include: Path | None) -> dict[str, dict[str, Any]]:
    """Join what tasks aggregate, metrics of the user's own too, with what `refbench score` reads; some are both."""
    from metrics.registry import metrics, scorers
    from results.direction import of_metric
    from tasks.own_metrics import own_metrics

    own = own_metrics(include)
    by_name = {metric.name: metric for metric in (*metrics(), *(each.metric for each in own.values()))}
    by_score = {scorer.name: scorer for scorer in scorers()}
    cards: dict[str, dict[str, Any]] = {}
    for name in sorted({*by_name, *by_score}):
        metric, scorer = by_name.get(name), by_score.get(name)
        card = (metric or by_score[name]).card
        cards[name] = {
            "name": name,
            "kind": metric.kind if metric else name,
            "protocol": metric.protocol if metric else by_score[name].protocol,
            "definition": card.definition,
            "source": card.source,
            "unit": card.unit,
            "range": f"{card.range[0]:g} to {'any' if card.range[1] is None else format(card.range[1], 'g')}",
            "headline": metric.headline if metric else by_score[name].headline,
            "direction": "higher is better" if metric is None or metric.higher_is_better else "lower is better",
            "keys": dict(card.keys),
            "rules": list(card.edge_rules),
            "scores_files": scorer is not None,
            "command": _command(name, metric.protocol if metric else "", by_score),
            "targets": scorer.targets if scorer else "",
            "predictions": scorer.predictions if scorer else "",
            "options": dict(scorer.options) if scorer else {},
            "directions": {key: of_metric(metric, key) for key in card.keys} if metric else {},
            **(_of_own(own[name]) if name in own else {}),
        }
    return cards


def _of_own(own: "OwnMetric") -> dict[str, Any]:
    return {"measures": list(own.kinds or (own.metric.kind,)), "from": own.source}
