"""How visual prompts are drawn into the model's square input."""

import numpy as np
import pytest
from pycocotools import mask as coco

from benchmarks.schema import Region
from refvlm.processor import Letterbox
from refvlm.regions import rasterise

SIZE = 64
SAME = Letterbox((SIZE, SIZE), SIZE)


def rle(*pixels):
    canvas = np.zeros((SIZE, SIZE), dtype=np.uint8, order="F")
    for x, y in pixels:
        canvas[y, x] = 1
    packed = coco.encode(canvas)
    return {"size": [SIZE, SIZE], "counts": packed["counts"].decode("ascii")}


def drawn(*arguments, **fields):
    return rasterise(Region(*arguments, **fields), SAME) > 0.5


def test_the_points_of_a_prompt_are_not_joined_and_those_of_a_scribble_are():
    points = ((10.5, 30.5), (50.5, 30.5))
    assert not drawn("point", points_xy=points)[30, 30]
    assert drawn("scribble", points_xy=points)[30, 30]
    assert drawn("point", points_xy=points)[30, [10, 50]].all()


@pytest.mark.parametrize("kind", ["point", "scribble"])
def test_the_pixels_of_a_raster_become_disks(kind):
    line = drawn(kind, mask_rle=rle((20, 30), (30, 30)))
    assert line[30, [20, 30]].all()
    assert not line[30, 25]
    assert line.sum() > 2


def test_a_box_of_several_parts_is_drawn_as_its_benchmark_drew_it():
    parts = [(x, y) for corner in (5, 40) for x in range(corner, corner + 10) for y in range(5, 15)]
    both = drawn("box", box_xyxy=(5, 5, 50, 15), mask_rle=rle(*parts))
    assert (both.sum(), both[10, 25]) == (200, False)
    assert drawn("box", box_xyxy=(5, 5, 50, 15))[10, 25]


def test_a_region_without_its_shape_is_refused():
    for kind, words in (("mask", "needs mask_rle"), ("box", "needs box_xyxy"), ("scribble", "needs points_xy")):
        with pytest.raises(ValueError, match=words):
            drawn(kind)
