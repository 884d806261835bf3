"""Masks are checked and measured without decoding, equal to what pycocotools decodes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle

from metrics import coco_masks
from metrics.coco_masks import read_masks, run_sums
from metrics.errors import DataError


def noisy(seed):
    """Make a mask of random size whose runs need one to three characters."""
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 60, 2)
    mask = np.zeros((height, width), dtype=np.uint8, order="F")
    if seed % 3:
        top, left = rng.integers(0, height), rng.integers(0, width)
        mask[top:, left:] = 1
    if seed % 2:
        mask ^= (rng.random(mask.shape) < rng.choice([0.01, 0.5])).astype(np.uint8)
    return mask


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 100_000), min_size=1, max_size=30), st.sampled_from([1, 40, 1 << 18]))
def test_sums_equal_the_decoded_mask(seeds, at_once):
    masks = [noisy(seed) for seed in seeds]
    texts = [rle.encode(mask)["counts"] for mask in masks]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coco_masks, "BYTES_AT_ONCE", at_once)
        covered, area = run_sums(texts)
    assert covered.tolist() == [mask.size for mask in masks]
    assert area.tolist() == [int(mask.sum()) for mask in masks]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=8), st.binary(max_size=8)), max_size=6))
def test_any_text_is_measured_or_marked_as_broken(texts):
    covered, area = run_sums(texts)
    assert len(covered) == len(area) == len(texts)
    assert ((covered >= 0) | (covered == -1)).all()


def test_one_broken_text_does_not_spoil_its_neighbours():
    good = rle.encode(np.ones((4, 5), np.uint8, order="F"))["counts"]
    # Nothing; an unfinished number; a byte out of range; a number too long; a negative run.
    for bad in ("", "P", "\x7f", "P" * 9 + "1", "O"):
        assert run_sums([good, bad, good])[0].tolist() == [20, -1, 20]


def test_runs_longer_than_a_text_of_one_character():
    mask = np.zeros((3000, 4000), np.uint8, order="F")
    mask[:, 2000:] = 1
    covered, area = run_sums([rle.encode(mask)["counts"]])
    assert (covered[0], area[0]) == (12_000_000, 6_000_000)


def test_every_form_gives_the_same_mask_and_sizes_are_height_then_width():
    pixels = np.zeros((6, 8), np.uint8, order="F")
    pixels[1:4, 2:7] = 1
    packed = rle.encode(pixels)
    runs = np.diff(np.flatnonzero(np.diff(pixels.ravel("F"), prepend=2, append=2)))
    forms = [
        {"size": [6, 8], "counts": packed["counts"].decode()},
        {"size": [6, 8], "counts": packed["counts"]},
        {"size": [6, 8], "counts": runs.tolist()},
        [[2, 1, 7, 1, 7, 4, 2, 4]],
    ]
    sizes = np.tile([6, 8], (4, 1))
    masks = read_masks(forms, sizes, str)
    texts = [mask["counts"] if isinstance(mask["counts"], bytes) else mask["counts"].encode() for mask in masks.rles]
    assert texts == [packed["counts"]] * 4
    assert masks.area.tolist() == [15] * 4
    assert not masks.odd.any()
    assert masks.boxes_xywh().tolist() == [[2, 1, 5, 3]] * 4
    assert read_masks(forms[:1], np.array([[8, 6]]), str).odd.tolist() == [True]


def test_runs_that_miss_the_image_are_refused():
    text = rle.encode(np.ones((4, 5), np.uint8, order="F"))["counts"].decode()
    with pytest.raises(DataError, match="mask 1: the runs of its mask do not cover 4 x 6 pixels exactly"):
        read_masks([{"size": [4, 5], "counts": text}, {"size": [4, 6], "counts": text}], np.zeros((2, 2), int),
                   lambda i: f"mask {i}")  # fmt: skip
