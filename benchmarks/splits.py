"""Puts a split together from its samples: whether it should be whole, and the fingerprint of what it asks."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from benchmarks.schema import Origin, Sample, Split


def build_split(
    benchmark: str, split: str, origin: Origin, published: int, samples: Iterable[Sample], facts: Iterable[Any]
) -> Split:
    """Build a split.

    Args:
        benchmark: full name.
        split: split name.
        origin: "official" or "sample".
        published: number of samples that official files should hold, 0 where none is published.
        samples: in their order.
        facts: what the fingerprint depends on, in order: ids, questions and targets, as JSON can hold them.
    """
    digest = hashlib.sha256(json.dumps([benchmark, split]).encode() + b"\n")
    for fact in facts:
        digest.update(json.dumps(fact).encode() + b"\n")
    return Split(
        benchmark=benchmark,
        name=split,
        origin=origin,
        expected=(published or None) if origin == "official" else None,
        fingerprint=digest.hexdigest(),
        samples=tuple(samples),
    )
