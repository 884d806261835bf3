"""Dense scenes: every pixel has one truth, and depth says who hides whom."""

import numpy as np
import pytest

from benchmarks.world.dense import FAR_M, STUFF, THINGS, generate_dense, numbered
from benchmarks.world.figure import JOINTS
from benchmarks.world.scenes import HELD_OUT

SCENES = [(split, index) for split in ("test", "shifted") for index in range(25)]


@pytest.fixture(scope="module", params=SCENES, ids=lambda scene: f"{scene[0]}-{scene[1]}")
def scene(request):
    return generate_dense(5, *request.param)


def test_every_pixel_is_one_thing_or_one_stuff(scene):
    layers = [each.mask for each in scene.objects] + [scene.stuff_mask(name) for name in STUFF]
    assert (np.sum(layers, axis=0) == 1).all()


def test_nearer_things_hide_farther_ones(scene):
    for place, far in enumerate(scene.objects):
        for near in scene.objects[place + 1 :]:
            assert near.depth_m <= far.depth_m
            assert not (far.mask & near.whole).any()
        assert (scene.depth_m[far.mask] == np.float32(far.depth_m)).all()
        assert far.mask.sum() >= 30
    assert 0 < scene.depth_m.min() <= scene.depth_m.max() <= FAR_M


def test_joints_are_flagged_by_what_hides_them(scene):
    for place, person in enumerate(scene.objects):
        assert (person.keypoints is not None) == (person.category == THINGS[0])
        if person.keypoints is None:
            continue
        assert person.keypoints.shape == (len(JOINTS), 3)
        for x, y, flag in person.keypoints:
            hidden = any(near.whole[round(y), round(x)] for near in scene.objects[place + 1 :])
            assert flag == (1 if hidden else 2) or (flag, x, y) == (0, 0, 0)


def test_joints_lie_on_the_body():
    people = [o for split, k in SCENES for o in generate_dense(5, split, k).objects if o.keypoints is not None]
    assert len(people) > 30
    on = [person.whole[round(y), round(x)] for person in people for x, y, flag in person.keypoints if flag]
    # ears stand out of the head by less than a pixel, and a joint is rounded to a pixel
    assert np.mean(on) > 0.97


def test_a_scene_is_the_same_every_time_and_splits_share_no_image_id():
    first = generate_dense(5, "test", 3)
    generate_dense.cache_clear()
    assert (generate_dense(5, "test", 3).image == first.image).all()
    ids = [
        number
        for split in ("val", "test", "shifted")
        for number, _ in numbered(5, dict.fromkeys(("val", "test", "shifted"), 10), split)
    ]
    assert len(set(ids)) == len(ids) == 12
    assert numbered(5, {"val": 3}, "test") == []


def test_only_the_shifted_split_shows_the_held_out_pairs():
    def pairs(split):
        return {(o.colour, o.category) for k in range(25) for o in generate_dense(5, split, k).objects}

    assert not pairs("test") & HELD_OUT
    assert pairs("shifted") & HELD_OUT
