"""Proves that every sample was answered once: what the record says about the ids of a run."""

from collections import Counter
from collections.abc import Sequence

from benchmarks.schema import Prediction, Sample
from results.record import Coverage

MOST_IDS = 20
"""Ids that are listed of each sort; the counts say how many there are."""


def prove(samples: Sequence[Sample], predictions: Sequence[Prediction]) -> Coverage:
    """Compare the ids that a run was to answer with those of its predictions.

    Args:
        samples: what was to be answered.
        predictions: what is there, in any order.
    """
    seen = Counter(prediction.sample_id for prediction in predictions)
    expected = {sample.id for sample in samples}
    sorts = {
        "missing": [sample.id for sample in samples if sample.id not in seen],
        "duplicated": [name for name, count in seen.items() if count > 1],
        "unexpected": [name for name in seen if name not in expected],
        "failed": [prediction.sample_id for prediction in predictions if prediction.status == "failed"],
    }
    return Coverage(
        expected=len(samples),
        seen=len(expected & set(seen)),
        missing=len(sorts["missing"]),
        duplicated=len(sorts["duplicated"]),
        unexpected=len(sorts["unexpected"]),
        failed=len(sorts["failed"]),
        ids={sort: tuple(sorted(names)[:MOST_IDS]) for sort, names in sorts.items() if names},
    )
