"""Scenes are deterministic, exact, and keep the shifted split's pairs to itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.world.scenes import HELD_OUT, SIZE, generate

indices = st.integers(0, 100_000)
splits = st.sampled_from(["train", "val", "test", "shifted"])


@given(splits, indices)
def test_the_same_seed_split_and_index_draw_the_same_scene(split, index):
    first, second = generate(3, split, index), generate(3, split, index)
    assert np.array_equal(first.image, second.image)
    assert [(t.colour, t.shape, t.x, t.y) for t in first.things] == [
        (t.colour, t.shape, t.x, t.y) for t in second.things
    ]


@given(splits, indices)
def test_objects_lie_inside_the_picture_and_share_no_pixel(split, index):
    scene = generate(0, split, index)
    assert scene.image.shape == (SIZE, SIZE, 3)
    assert 3 <= len(scene.things) <= 8
    assert scene.masks.sum(0).max() == 1
    assert all(mask.sum() > 20 for mask in scene.masks)
    for thing in scene.things:
        assert thing.outline.min() >= 0
        assert thing.outline.max() <= SIZE


@given(st.sampled_from(["train", "val", "test"]), indices)
def test_held_out_pairs_are_only_in_the_shifted_split(split, index):
    assert not {(t.colour, t.shape) for t in generate(0, split, index).things} & HELD_OUT


def test_the_shifted_split_shows_held_out_pairs():
    scenes = [generate(0, "shifted", index) for index in range(40)]
    shown = sum(bool({(t.colour, t.shape) for t in scene.things} & HELD_OUT) for scene in scenes)
    assert shown >= 38


def test_the_picture_has_the_colour_it_names():
    scene = generate(0, "test", 3)
    for thing, mask in zip(scene.things, scene.masks, strict=True):
        red, green, blue = scene.image[mask].mean(0)
        if thing.colour == "red":
            assert red > 2 * max(green, blue)
        if thing.colour == "green":
            assert green > max(red, blue)
