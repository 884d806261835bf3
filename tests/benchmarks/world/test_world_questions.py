"""Answers of the sample world are true of the scene."""

import re

import numpy as np
import pytest

from benchmarks.world.questions import ask
from benchmarks.world.scenes import generate


@pytest.mark.parametrize("index", range(12))
def test_answers_are_true(index):
    scene = generate(0, "test", index)
    number, there, colour, shape = ask(scene, np.random.default_rng(index))
    assert number[2] == str(len(scene.masks))
    pair = re.fullmatch(r"Is there an? (\w+) (\w+)\?", there[1]).groups()
    assert (there[2] == "yes") == (pair in {(thing.colour, thing.shape) for thing in scene.things})
    assert colour[2] == max(scene.things, key=lambda thing: thing.radius).colour
    # the thing whose centre is leftmost, told by the pixels of its mask
    _, leftmost = min((np.argwhere(m)[:, 1].mean(), t.shape) for m, t in zip(scene.masks, scene.things, strict=True))
    assert shape[2] == leftmost
