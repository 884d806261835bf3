import random

import numpy as np

from tasks import seeds


def test_the_seed_of_a_sample_depends_on_its_id_and_the_seed_of_the_run_alone():
    assert seeds.of_sample(0, "a/1") == 0xCD0FAD6C  # first bytes of SHA-256
    assert len({seeds.of_sample(seed, name) for seed in range(3) for name in ("a/1", "a/2")}) == 6
    assert 0 <= seeds.of_sample(0, "") < 2**32


def test_every_generator_starts_from_the_seeds():
    def draw(values):
        seeds.start(values)
        return random.random(), np.random.random()

    assert draw([1, 2]) == draw([1, 2])
    assert draw([1, 2]) != draw([1])
