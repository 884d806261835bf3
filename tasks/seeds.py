"""Seeds that belong to a sample, so that what a model draws depends on neither process nor order nor batch number."""

import hashlib
import random
import sys
from collections.abc import Sequence

import numpy as np


def of_sample(seed: int, sample_id: str) -> int:
    """The seed of one sample, in [0, 2**32): fixed by the seed of the run and the id of the sample."""
    return int.from_bytes(hashlib.sha256(f"{seed}\n{sample_id}".encode()).digest()[:4], "big")


def start(seeds: Sequence[int]) -> None:
    """Seed every generator of this process that a model may draw from; torch only where it is loaded.

    Args:
        seeds: those of the samples that are asked about together. One sample alone always draws the same numbers;
            in a batch they depend on who else is in it, unless the model draws from a generator per query.
    """
    state = int(np.random.SeedSequence(list(seeds)).generate_state(1)[0])
    random.seed(state)
    np.random.seed(state)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(state)
