"""Answers of the sample world are true of the scene."""

import re
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.world.questions import ask, nameable
from benchmarks.world.scenes import Thing, generate

OUTLINE = np.zeros((0, 2))


SCENES = [generate(0, "test", index) for index in range(60)]
STANDING_OUT = re.compile(r"(?:What color is the|Which shape is) (\w+)(?: shape)?\?")


def extent(thing, word):
    """Where a thing stands in the order that a superlative means, and by how much the first must lead."""
    sign = -1 if word in ("rightmost", "bottommost", "largest") else 1
    if word in ("largest", "smallest"):
        return sign * thing.radius, 3.0
    return sign * (thing.x if word in ("leftmost", "rightmost") else thing.y), 8.0


@pytest.mark.parametrize("index", range(len(SCENES)))
def test_answers_are_true(index):
    scene = SCENES[index]
    number, there, colour, shape = ask(scene, np.random.default_rng(index))
    assert number[2] == str(len(scene.masks))
    pair = re.fullmatch(r"Is there an? (\w+) (\w+)\?", there[1]).groups()
    assert (there[2] == "yes") == (pair in {(thing.colour, thing.shape) for thing in scene.things})
    for asked, answer in ((colour, "colour"), (shape, "shape")):
        if asked[0] == "number":  # nothing stands out
            [word] = re.fullmatch(r"How many (\w+) shapes are there\?", asked[1]).groups()
            assert int(asked[2]) == sum(thing.colour == word for thing in scene.things)
            continue
        [word] = STANDING_OUT.fullmatch(asked[1]).groups()
        meant = [thing for thing in scene.things if word in (thing.shape, thing.colour)]
        if not meant:
            first, second, *_ = sorted(scene.things, key=lambda thing: extent(thing, word)[0])
            meant, margin = [first], extent(first, word)[1]
            assert extent(second, word)[0] - extent(first, word)[0] >= margin
        assert [asked[2]] == [getattr(thing, answer) for thing in meant]


def test_most_questions_are_about_the_largest_and_the_leftmost():
    asked = [ask(scene, np.random.default_rng(0)) for scene in SCENES]
    words = Counter(found[1] for _, _, *two in asked for each in two if (found := STANDING_OUT.fullmatch(each[1])))
    assert words.total() >= 0.97 * 2 * len(SCENES)
    assert words["leftmost"] > 0.6 * len(SCENES)
    assert words["largest"] > 0.2 * len(SCENES)


def test_the_leftmost_is_so_by_its_pixels():
    for scene in SCENES:
        shape = ask(scene, np.random.default_rng(0))[3]
        if "leftmost" in shape[1]:
            centres = [np.argwhere(mask)[:, 1].mean() for mask in scene.masks]
            assert shape[2] == scene.things[int(np.argmin(centres))].shape


def test_nothing_is_called_by_a_margin_that_nobody_sees():
    alike = (
        Thing("red", "circle", "large", 20, 20, 18.0, OUTLINE),
        Thing("blue", "circle", "large", 26, 25, 18.5, OUTLINE),
    )
    assert nameable(alike) is None
    wide = (alike[0], replace(alike[1], x=90.0))
    assert nameable(wide) == ("the leftmost shape", wide[0])
    unlike = (*alike, Thing("pink", "star", "large", 22, 22, 18.2, OUTLINE))
    assert nameable(unlike) == ("the star", unlike[2])
    small = (alike[0], replace(alike[1], radius=9.0))
    assert nameable(small) == ("the largest shape", small[0])
