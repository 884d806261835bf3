"""References of the sample world are true: counts, places and sizes agree with the scene."""

from collections import Counter

import numpy as np
import pytest

from benchmarks.world.captions import COUNTS, references
from benchmarks.world.scenes import generate


@pytest.mark.parametrize("index", range(12))
def test_five_references_are_true(index):
    scene = generate(0, "test", index)
    listed, counted, across, tall, big = references(scene, np.random.default_rng(index))
    named = Counter(f"{thing.colour} {thing.shape}" for thing in scene.things)
    assert Counter(words(listed)) == named
    assert words(across) == [f"{t.colour} {t.shape}" for t in sorted(scene.things, key=lambda thing: thing.x)]
    assert counted.startswith(f"There are {COUNTS[len(scene.things)]} shapes:")
    highest, lowest = (pick(scene.things, key=lambda thing: thing.y) for pick in (min, max))
    assert f"{highest.colour} {highest.shape} at the top" in tall
    assert f"{lowest.colour} {lowest.shape} at the bottom" in tall
    largest = max(scene.things, key=lambda thing: thing.radius)
    assert f"{largest.colour} {largest.shape} with" in big


def words(sentence):
    """The things that a list names: colour and shape."""
    text = sentence.rstrip(".").lower().removeprefix("from left to right: ").replace(" and ", ", ")
    return [part.split(" ", 1)[1] for part in text.split(", ")]
