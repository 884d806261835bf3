"""What the answers of a run cost, where a server counts it."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.schema import Prediction
from tasks import predictions as lines

_SUMMED = ("prompt_tokens", "completion_tokens", "requests", "cost")


def total(predictions: Sequence[Prediction]) -> dict[str, Any]:
    """Add up what the answers of a run cost; empty where nothing was counted.

    Returns:
        Sums of tokens, requests and money over the samples that name them; `reused`, answers that were kept from an
        earlier request; `finish_reasons` and `answered_by`, value -> number of samples.
    """
    counted = [prediction.usage for prediction in predictions if prediction.usage]
    if not counted:
        return {}
    sums = {key: sum(each[key] for each in counted if key in each) for key in _SUMMED if any(key in e for e in counted)}
    return {
        "samples": len(counted),
        **sums,
        "reused": sum(each.get("requests") == 0 for each in counted),
        "finish_reasons": dict(sorted(Counter(each.get("finish_reason", "") for each in counted).items())),
        "answered_by": dict(sorted(Counter(each.get("answered_by", "") for each in counted).items())),
    }


def to_bytes(predictions: Sequence[Prediction]) -> bytes:
    """JSON lines, one for every sample whose cost was counted."""
    counted = ({"sample_id": each.sample_id, **each.usage} for each in predictions if each.usage)
    return "".join(lines.dump(entry) + "\n" for entry in counted).encode("ascii")
