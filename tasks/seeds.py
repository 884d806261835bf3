"""Seeds that belong to a sample, so that what a model draws depends on neither process nor order nor batch number."""

import hashlib
import random
import sys
from collections.abc import Sequence

import numpy as np


def of_sample(seed: int, sample_id: str) -> int:
    """The seed of one sample, in [0, 2**32): fixed by the seed of the run and the id of the sample."""
    return _first_bytes(f"{seed}\n{sample_id}")


def start(seeds: Sequence[int]) -> None:
    """Seed every generator of this process that a model may draw from; torch only where it is loaded.

    Args:
        seeds: those of the samples that are asked about together. One sample alone always draws the same numbers;
            in a batch they depend on who else is in it, unless the model draws from a generator per query.
    """
    state = seeds[0] if len(seeds) == 1 else _first_bytes(",".join(map(str, seeds)))
    random.seed(state)
    np.random.seed(state)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(state)


def _first_bytes(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
