"""The letterbox is inverted exactly: what is drawn in the picture comes back where it was."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from refvlm.processor import PLAIN, Letterbox, normalise

sizes = st.tuples(st.integers(16, 300), st.integers(16, 300))


@given(sizes, st.data())
def test_a_box_goes_to_the_square_and_back(size_hw, data):
    height, width = size_hw
    letterbox = Letterbox(size_hw, 128)
    x0 = data.draw(st.floats(0, width - 2))
    y0 = data.draw(st.floats(0, height - 2))
    x1, y1 = data.draw(st.floats(x0 + 1, width)), data.draw(st.floats(y0 + 1, height))
    left, top = letterbox.offset_xy
    square = torch.tensor([(x0 + x1) / 2 + left, (y0 + y1) / 2 + top, x1 - x0, y1 - y0], dtype=torch.float64) / max(
        size_hw
    )
    # float64 arithmetic on numbers below 1000.
    assert letterbox.box_out(square) == pytest.approx((x0, y0, x1, y1), abs=1e-9)


@given(sizes)
def test_boxes_are_cut_at_the_border_of_the_picture(size_hw):
    height, width = size_hw
    x0, y0, x1, y1 = Letterbox(size_hw, 128).box_out(torch.tensor([0.5, 0.5, 1.0, 1.0]))
    assert (x0, y0, x1, y1) == (0, 0, width, height)


@pytest.mark.parametrize("size_hw", [(40, 64), (64, 40), (64, 64), (480, 640), (333, 500)])
def test_a_drawn_rectangle_comes_back_as_a_mask_at_native_size(size_hw):
    height, width = size_hw
    truth = np.zeros(size_hw, dtype=bool)
    truth[height // 4 : height // 2, width // 3 : width // 2] = True
    letterbox = Letterbox(size_hw, 128)
    picture = Image.fromarray(np.repeat((truth * 255).astype(np.uint8)[..., None], 3, axis=2))
    square = letterbox.paste(picture)[..., 0].astype(np.float32) - 127.5
    if size_hw[0] != size_hw[1]:
        assert PLAIN.pad[0] in letterbox.paste(picture)
    back = letterbox.mask_out(torch.from_numpy(square) - 1)
    assert back.shape == truth.shape
    inter, union = (back & truth).sum(), (back | truth).sum()
    # Resampling to 128 cells moves a border by at most half a cell on each side.
    assert inter / union > 0.85


def test_pixels_are_centred():
    tensor = normalise(np.full((4, 4, 3), 127, dtype=np.uint8))
    assert tensor.shape == (3, 4, 4)
    assert tensor.abs().max() < 0.01
