"""How many objects of an answer carry a phrase that no category of the benchmark was found for.

Protocol phrases/1: unmapped objects over all objects with a phrase, summed over images. It stands beside PQ and mIoU,
which an unmapped object already lowers, because its pixels count as nothing.
"""

from collections.abc import Sequence

from metrics.base import Card, Metric, Row


def measure(categories: Sequence[int | None]) -> Row:
    """Count the objects of one answer, by the category that was found for each."""
    return {"named": len(categories), "unmapped": sum(category is None for category in categories)}


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Divide the sums; without any named object there is no key."""
    named = sum(row["named"] for row in rows)
    return {"unmapped": sum(row["unmapped"] for row in rows) / named} if named else {}


PHRASES = Metric(
    name="phrases",
    kind="phrases",
    protocol="phrases/1",
    aggregate=aggregate,
    headline="unmapped",
    higher_is_better=False,
    additive=False,
    card=Card(
        definition="unmapped = objects whose phrase is no category / objects with a phrase, over all images",
        source="refbench; no official evaluator reads open words",
        edge_rules=(
            "which phrase is which category is the mapper's say, named in the protocol of the task",
            "answers in an official format name categories by id: nothing is mapped and the key is left out",
        ),
        keys={"unmapped": "share of the answered objects whose phrase is no category"},
        bounds={"unmapped": (None, 0.0)},
    ),
)
METRICS = [PHRASES]
