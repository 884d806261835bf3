"""Mask overlap from run lengths equals counting decoded pixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pycocotools import mask as coco

from metrics.errors import DataError
from metrics.masks import area, empty, inter_union, inter_union_arrays, join, union

# pycocotools 2.0.11 decodes through an interface that NumPy 2 deprecates; refbench itself never decodes.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
sizes = st.tuples(st.integers(1, 40), st.integers(1, 40))
stacks = sizes.flatmap(lambda size: hnp.arrays(bool, (3, *size), elements=st.booleans()))


def encode(array):
    return coco.encode(np.asfortranarray(array, dtype=np.uint8))


def mask(*rows):
    """Draw a mask: '#' is the object."""
    return np.array([[char == "#" for char in row] for row in rows])


def test_drawn_masks():
    one, other = encode(mask("##.", "##.")), encode(mask(".##", "..."))
    assert inter_union(one, other) == (1, 5)
    assert area(one) == 4


@given(stacks)
def test_run_lengths_count_as_pixels_do(stack):
    one, other, _ = stack
    want = int((one & other).sum()), int((one | other).sum())
    assert inter_union(encode(one), encode(other)) == want
    assert inter_union_arrays(one, other) == want


@given(stacks)
def test_joined_masks_cover_what_any_of_them_covers(stack):
    joined = join([encode(each) for each in stack])
    assert (coco.decode(joined).astype(bool) == stack.any(axis=0)).all()


def test_text_and_bytes_counts_are_the_same_mask():
    rle = encode(mask("#.", "##"))
    assert inter_union({**rle, "counts": rle["counts"].decode()}, rle) == (3, 3)


def test_counts_are_exact_integers_on_large_masks():
    whole = encode(np.ones((5000, 7000), dtype=bool))
    assert inter_union(whole, empty((5000, 7000))) == (0, 35_000_000)


def test_no_mask_joins_to_no_answer():
    assert union([]) is None
    single = encode(mask("#."))
    assert union([single]) is single
    with pytest.raises(ValueError, match="at least one"):
        join([])


def test_empty_is_rows_by_columns():
    assert coco.decode(empty((2, 3))).shape == (2, 3)
    assert area(empty((2, 3))) == 0


def test_different_sizes_are_refused_with_both():
    small, large = encode(mask("#.")), encode(mask("#..", "..."))
    with pytest.raises(DataError, match="1 x 2 but the other is 2 x 3"):
        inter_union(small, large)
    with pytest.raises(DataError, match="2 x 3 but the other is 1 x 2"):
        union([large, small])
    with pytest.raises(DataError, match="1 x 2 but the other is 2 x 3"):
        inter_union_arrays(mask("#."), mask("#..", "..."))


@pytest.mark.parametrize("bad", [np.ones((2, 2)), np.ones((2, 2, 1), dtype=bool)])
def test_arrays_must_be_bool_h_w(bad):
    with pytest.raises(DataError, match=r"pred must be bool \[H, W\]"):
        inter_union_arrays(bad, mask("##", "##"))
