"""Overlapping masks: every pixel has one owner, by a stated order."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from benchmarks.schema import Group, Instance, Prediction
from metrics.masks import encode
from tasks.overlap import NOBODY, Claim, claims, owners
from tasks.phrases import exact

stacks = hnp.arrays(bool, st.tuples(st.integers(0, 5), st.integers(1, 6), st.integers(1, 7)), elements=st.booleans())


def mask(*rows):
    """Draw a mask: '#' is the object."""
    return np.array([[char == "#" for char in row] for row in rows])


def test_masks_are_ranked_by_score_and_then_by_their_place_in_the_answer():
    scores = [None, 0.5, 0.9, None, 0.5]
    instances = [Instance(score, mask_rle=encode(np.eye(k + 1, dtype=bool))) for k, score in enumerate(scores)]
    boxes = Instance(1.0, box_xyxy=(0, 0, 1, 1))
    answer = Prediction("s", "ok", groups=(
        Group("cat", "mask", tuple(instances[:3])), Group("Dog ", "mask", (boxes, *instances[3:]))
    ))  # fmt: skip
    ranked = claims(answer, ("dog", "CAT"), exact)
    assert [claim.mask["size"][0] - 1 for claim in ranked] == [2, 1, 4, 0, 3]
    assert [claim.category for claim in ranked] == [1, 1, 0, 1, 0]


def test_the_first_ranked_mask_owns_a_shared_pixel():
    ranked = [Claim(0, encode(mask("##.", "..."))), Claim(None, encode(mask(".##", ".#.")))]
    owner, areas = owners(ranked, (2, 3))
    assert owner.tolist() == [[0, 0, 1], [NOBODY, 1, NOBODY]]
    assert areas.tolist() == [2, 3]


@given(stacks)
def test_owners_are_the_first_mask_that_covers_a_pixel(stack):
    owner, areas = owners([Claim(0, encode(each)) for each in stack], stack.shape[1:])
    first = np.argmax(stack, axis=0) if len(stack) else np.zeros(stack.shape[1:], int)
    assert (owner == np.where(stack.any(axis=0), first, NOBODY)).all()
    assert areas.tolist() == stack.sum(axis=(1, 2)).tolist()
