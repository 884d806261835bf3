"""Why samples have no usable answer: the most frequent reasons, each with a few examples."""

from collections.abc import Iterable

from benchmarks.schema import Prediction
from results.record import Failure
from tasks import reasons

MOST_REASONS, MOST_EXAMPLES = 3, 3


def summarise(predictions: Iterable[Prediction]) -> tuple[Failure, ...]:
    """Count reasons of answers that failed or could not be read, the most frequent ones first.

    Reasons of one kind count together, see `tasks.reasons.kind`; the summary stays small however many there are.

    Args:
        predictions: in the order of the samples; examples are the first ones.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for prediction in predictions:
        if prediction.status != "ok":
            found.setdefault((prediction.status, reasons.kind(prediction.error)), []).append(prediction.sample_id)
    ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))[:MOST_REASONS]
    return tuple(Failure(status, reason, len(ids), tuple(ids[:MOST_EXAMPLES])) for (status, reason), ids in ranked)
