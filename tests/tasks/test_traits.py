from pathlib import Path

import numpy as np
import pytest
from pycocotools import mask

from benchmarks.schema import ImageRef, Sample, Target, TextTarget
from benchmarks.truth import ObjectsTarget, TrueObject
from tasks.traits import traits


def sample(target, question="the red box", **tags):
    return Sample("toy/1", ImageRef(Path("toy.png"), (200, 200)), "1", question, target, tags)


def square(side):
    pixels = np.zeros((200, 200), dtype=np.uint8, order="F")
    pixels[:side, :side] = 1
    return Target((0.0, 0.0, float(side), float(side)), mask.encode(pixels))


@pytest.mark.parametrize(("side", "size"), [(31, "small"), (32, "medium"), (95, "medium"), (96, "large")])
def test_sizes_have_the_limits_of_coco(side, size):
    assert traits(sample(square(side)))["object_size"] == size


@pytest.mark.parametrize(
    ("words", "length"), [(1, "1-2 words"), (3, "3-5 words"), (8, "6-8 words"), (9, "9 words or more")]
)
def test_expressions_go_by_their_length(words, length):
    assert traits(sample(square(9), " ".join(["word"] * words)))["expression_length"] == length


def test_objects_are_counted_without_crowds():
    objects = tuple(TrueObject(n, 1, (0.0, 0.0, 1.0, 1.0), 1.0, crowd=n == 0) for n in range(3))
    assert traits(sample(ObjectsTarget(objects, ()))) == {"object_count": "2-3"}


def test_a_samples_own_tags_are_kept():
    assert traits(sample(TextTarget(("yes",)), kind="colour")) == {"kind": "colour"}
