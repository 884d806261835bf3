import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from benchmarks.run_lengths import covered_pixels
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Query
from tasks.validate import plain

SIZE_HW = (4, 6)
EMPTY = coco_mask.encode(np.zeros(SIZE_HW, dtype=np.uint8, order="F"))


@pytest.fixture
def query(tmp_path):
    """A question about an image of 4 x 6 pixels that need not exist."""
    return Query("s", ImageRef(tmp_path / "a.png", SIZE_HW), "thing", "Find thing.", "box")


def answer(**fields):
    return Prediction("s", "ok", "raw", "Find thing.", (Group("thing", "box", (Instance(**fields),)),))


def test_numbers_of_other_libraries_become_plain_ones(query):
    box, score = np.array([0.5, 1, 2, 3], dtype=np.float32), np.float32(0.25)
    checked = plain(answer(box_xyxy=box, score=score, mask_rle=EMPTY), query).groups[0].instances[0]
    assert checked.box_xyxy == (0.5, 1.0, 2.0, 3.0) and type(checked.box_xyxy[0]) is float
    assert checked.score == 0.25 and type(checked.score) is float
    assert checked.mask_rle == {"size": [4, 6], "counts": EMPTY["counts"].decode()}


def test_a_box_with_swapped_corners_is_left_to_its_metric(query):
    assert plain(answer(box_xyxy=(3, 3, 1, 1)), query).status == "ok"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"box_xyxy": (0, 0, float("nan"), 1)}, r"groups\[0\]\.instances\[0\]: box_xyxy holds nan"),
        ({"box_xyxy": (0, 0, float("inf"), 1)}, "box_xyxy holds inf"),
        ({"box_xyxy": (0, 0, 1)}, "box_xyxy has 3 numbers"),
        ({"box_xyxy": ("a", 0, 1, 1)}, "could not convert"),
        ({"score": float("nan")}, "score holds nan"),
        ({"mask_rle": {"size": [6, 4], "counts": EMPTY["counts"]}}, r"mask_rle is for \[H, W\] = \[6, 4\]"),
        ({"mask_rle": {"size": [4, 6], "counts": [24]}}, "must be compressed COCO text"),
        ({"mask_rle": {"size": [4, 6], "counts": ""}}, "not compressed COCO text"),
        ({"mask_rle": {"size": [4, 6], "counts": "~"}}, "not compressed COCO text"),
        ({"mask_rle": {"size": [4, 6], "counts": "5"}}, "runs cover 5 of 24 pixels"),
        ({"mask_rle": {"size": [4, 6], "counts": "o" * 12 + "0"}}, "too long"),
        ({"mask_rle": {"size": [4, 6], "counts": "O"}}, "negative run"),
        ({"mask_rle": {"size": [4, 6]}}, "not a COCO RLE"),
        ({"mask_rle": np.zeros(SIZE_HW)}, "not a COCO RLE"),
        ({"box_xyxy": (0, 0, 1, 10**400)}, "too large"),
    ],
)
def test_an_unusable_answer_fails_with_its_reason_and_keeps_its_text(query, fields, reason):
    checked = plain(answer(**fields), query)
    assert (checked.status, checked.groups, checked.text) == ("failed", (), "raw")
    assert re.search(reason, checked.error)


@pytest.mark.parametrize("field", ["status", "text", "prompt", "error"])
def test_fields_of_another_type_fail(query, field):
    wrong = Prediction(**{"sample_id": "s", "status": "ok", field: 7})
    assert plain(wrong, query).status == "failed"


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.sampled_from([0.0, 0.02, 0.5, 1.0]))
def test_runs_of_every_encoded_mask_cover_it_exactly(height, width, seed, share):
    canvas = np.asfortranarray(np.random.default_rng(seed).random((height, width)) < share, dtype=np.uint8)
    assert covered_pixels(coco_mask.encode(canvas)["counts"].decode("ascii")) == height * width


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=12))
def test_runs_of_any_length_are_added_up(runs):
    rle = coco_mask.frPyObjects({"size": [1, sum(runs)], "counts": runs}, 1, sum(runs))
    assert covered_pixels(rle["counts"].decode("ascii")) == sum(runs)
