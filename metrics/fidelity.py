"""Fidelity of triplet answers: is the text well formed, does it keep its own plan, does it count and refuse rightly?

Protocol fidelity/1. An answer plans groups (phrase, unit, count), then writes them with one reference per instance.
Answers come already parsed, so that any grammar can be judged: this module reads no text.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from metrics.base import Card, Metric, Row


@dataclass(frozen=True)
class Item:
    """A group of instances: what they are called, what is decoded for them, and how many there are."""

    phrase: str
    unit: str
    count: int


@dataclass(frozen=True)
class ParsedAnswer:
    """What a parser found in an answer.

    Attributes:
        parsed: whether the text follows the grammar.
        plan: items of the plan, in order.
        body: groups of the body, in order, each counting its references.
        ordered: whether the references of every group are numbered 0, 1, 2, …
        refused: whether the answer says that there is nothing to find.
    """

    parsed: bool
    plan: tuple[Item, ...] = ()
    body: tuple[Item, ...] = ()
    ordered: bool = True
    refused: bool = False


def measure(answer: ParsedAnswer | None, target: Sequence[Item]) -> Row:
    """Judge one answer.

    Args:
        answer: None where there is none.
        target: groups that the truth holds; none where the right answer is a refusal.

    Returns:
        `parsed`, `agrees`, `ordered`, `unit_right`, `refusal_right` as 0 or 1; `count_error` between the references of
        the body and the instances of the truth, `plan_error` between plan and body; `missing`. An answer that is
        missing or does not parse fails everything and finds no instance.
    """
    wanted = sum(item.count for item in target)
    if answer is None or not answer.parsed:
        flags = dict.fromkeys(("parsed", "agrees", "ordered", "unit_right", "refusal_right"), 0)
        return {**flags, "count_error": wanted, "plan_error": wanted, "missing": int(answer is None)}
    found = sum(item.count for item in answer.body)
    return {
        "parsed": 1,
        "agrees": int(_items(answer.plan) == _items(answer.body)),
        "ordered": int(answer.ordered),
        "unit_right": int({item.unit for item in answer.body} == {item.unit for item in target}),
        "refusal_right": int(answer.refused == (not target)),
        "count_error": abs(found - wanted),
        "plan_error": abs(sum(item.count for item in answer.plan) - found),
        "missing": 0,
    }


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into shares and mean errors over all samples.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("fidelity has no rows to aggregate: score at least one answer")
    return {key: sum(row[column] for row in rows) / len(rows) for key, column in _COLUMNS.items()}


_COLUMNS = {
    "parse_rate": "parsed",
    "plan_agreement": "agrees",
    "count_mae": "count_error",
    "reference_order": "ordered",
    "unit_accuracy": "unit_right",
    "refusal_accuracy": "refusal_right",
    "plan_count_mae": "plan_error",
}


def _items(items: Sequence[Item]) -> Counter[tuple[str, str, int]]:
    """Count items, ignoring order, case and spacing: a plan may write "a boy" where the sentence starts "A boy"."""
    return Counter((" ".join(item.phrase.lower().split()), item.unit, item.count) for item in items)


CARD = Card(
    definition="whether answers that mix text and references are well formed, agree with their own plan, and hold as "
    "many references as there are instances",
    source="REF-VLM's unit, plan and label checks, defined anew because the published ones cannot run",
    edge_rules=(
        "unit: one sample; every share and mean is over all samples",
        "a missing answer and one that does not parse fail every check and count as finding no instance",
        "plan and body agree if they hold the same (phrase, unit, count), whatever their order, case and spacing; two "
        "empty ones agree",
        "references are in order if each group numbers its own from 0 upwards; without references they are in order",
        "a refusal is right where the truth holds nothing, and wrong elsewhere; so is its absence",
    ),
    keys={
        "parse_rate": "share of answers that follow the grammar",
        "plan_agreement": "share whose plan and body hold the same (phrase, unit, count)",
        "count_mae": "mean absolute difference between references and true instances (lower is better)",
        "reference_order": "share whose references are numbered 0, 1, 2, … in every group",
        "unit_accuracy": "share whose units are those of the truth",
        "refusal_accuracy": "share that refuses exactly where there is nothing to find",
        "plan_count_mae": "mean absolute difference between the counts of plan and body (lower is better)",
    },
    bounds={"count_mae": (None, 0.0), "plan_count_mae": (None, 0.0)},
    units={"count_mae": "instances", "plan_count_mae": "instances"},
)
FIDELITY = Metric(
    name="fidelity", kind="fidelity", protocol="fidelity/1", aggregate=aggregate, headline="parse_rate", card=CARD
)
METRICS = [FIDELITY]
