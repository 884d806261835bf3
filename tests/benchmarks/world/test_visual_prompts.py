import numpy as np
import pytest

from benchmarks.geometry import encode
from benchmarks.world.dense import generate_dense
from benchmarks.world.visual_prompts import deepest, rough, scribble

OBJECTS = [each.mask for index in range(6) for each in generate_dense(3, "test", index).objects]


def test_the_deepest_pixel_is_the_middle_of_a_square():
    mask = np.zeros((9, 12), dtype=bool)
    mask[2:7, 5:10] = True
    assert deepest(mask) == (7, 4)  # x, y


def test_an_object_at_the_edge_of_the_picture_ends_there():
    mask = np.zeros((5, 5), dtype=bool)
    mask[:, :3] = True
    assert deepest(mask) == (1, 1)  # a row further down is as deep


@pytest.mark.parametrize("mask", OBJECTS)
def test_prompts_mark_their_object(mask):
    x, y = deepest(mask)
    line = scribble(mask)
    assert mask[y, x]
    assert line.any()
    assert not (line & ~mask).any()
    assert line.sum(axis=0).max() == 1
    larger = rough(mask)
    assert larger[mask].all()
    assert mask.sum() < larger.sum() < 2 * mask.sum() + 40


def test_a_mask_comes_back_from_its_run_lengths():
    from metrics.masks import decode

    assert np.array_equal(decode(encode(OBJECTS[0])), OBJECTS[0])
