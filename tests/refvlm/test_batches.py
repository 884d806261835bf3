"""Questions are answered alike alone and in a batch: every unit, every kind of visual prompt, many sizes."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.registry import benchmark
from benchmarks.schema import ImageRef, Query, Region
from benchmarks.world.write import write_world
from metrics.masks import encode
from refvlm.predictor import BUNDLED, Predictor
from tasks.predictions import dump, to_json

SIZES_WH = ((128, 128), (200, 120), (75, 160), (333, 250))
QUESTIONS = (
    ("Detect every object in the image with a box and name it.", "box"),
    ("Segment every object in the image with a mask and name it.", "mask"),
    ("Locate the joints of every person in the image.", "keypoint"),
    ("Estimate the depth of every pixel.", "depth"),
    ("Describe the image in one sentence.", "text"),
)
PROMPTED = (
    ("Segment the marked object with a mask.", "mask"),
    ("Describe the marked region in a short phrase.", "text"),
)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory) -> list[ImageRef]:
    """Photos of the sample world, stretched to other sizes."""
    root = tmp_path_factory.mktemp("world")
    write_world(root, seed=3, scenes={"val": 2, "test": 8, "shifted": 2})
    every = {sample.image for sample in benchmark("refcocog/umd").open(root, "test", "sample").samples}
    out = []
    for image, size in zip(sorted(every, key=lambda each: str(each.path)), SIZES_WH, strict=False):
        path = root / f"{size[0]}.png"
        image.open_rgb().resize(size).save(path)
        out.append(ImageRef(path, (size[1], size[0])))
    assert len(out) == len(SIZES_WH)
    return out


def regions(size_hw: tuple[int, int]) -> list[Region]:
    """A prompt of every kind about the middle of a picture."""
    height, width = size_hw
    box = (width * 0.3, height * 0.3, width * 0.6, height * 0.6)
    inside = np.zeros(size_hw, dtype=bool)
    inside[int(box[1]) : int(box[3]), int(box[0]) : int(box[2])] = True
    line = ((box[0], box[1]), (box[2], box[3]), (box[0], box[3]))
    return [
        Region("point", points_xy=((width / 2, height / 2),)),
        Region("box", box_xyxy=box),
        Region("scribble", points_xy=line),
        Region("mask", mask_rle=encode(inside)),
    ]


def asked(pictures: list[ImageRef]) -> list[Query]:
    """Every unit and every kind of prompt about each picture; neighbours differ in picture, unit and prompt."""
    plain = [(image, text, wants, ()) for text, wants in QUESTIONS for image in pictures]
    marked = [
        (image, text, wants, (regions(image.size_hw)[(place + shift) % 4],))
        for shift, (text, wants) in enumerate(PROMPTED * 2)
        for place, image in enumerate(pictures)
    ]
    return [
        Query(f"q{number}", image, "", text, wants, regions=drawn)
        for number, (image, text, wants, drawn) in enumerate([*plain, *marked])
    ]


def test_a_batch_says_byte_for_byte_what_single_questions_get(pictures):
    model, queries = Predictor(BUNDLED), asked(pictures)
    assert {query.wants for query in queries} == set(model.units) - {"point"}
    assert {(query.wants, each.kind) for query in queries for each in query.regions} >= {
        (wants, kind) for kind in ("point", "box", "scribble", "mask") for wants in ("mask", "text")
    }
    alone = [model.predict([query])[0] for query in queries]
    together = model.predict(queries)
    assert {answer.status for answer in alone} == {"ok"}
    assert {group.unit for answer in alone for group in answer.groups} == {"box", "mask", "keypoint", "depth"}
    for one, other in zip(alone, together, strict=True):
        assert dump(to_json(replace(one, depth=None))) == dump(to_json(replace(other, depth=None)))
        assert (one.depth is None) == (other.depth is None)
        if one.depth is not None and other.depth is not None:
            # depth is written as it comes: float32 sums in another order, relative to metres
            np.testing.assert_allclose(one.depth.values, other.depth.values, rtol=1e-4)
