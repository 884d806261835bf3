"""Crops, resizing, alignment and presets: each equals its published rule, or torch where torch has it."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.depth_protocols import CROPS, PRESETS, RESIZES, bilinear, fit_scale_shift, median_scale, preset
from metrics.errors import DataError

repeatable = settings(deadline=None, derandomize=True, max_examples=30)
generators = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def bounds(name, height, width, dataset="kitti"):
    rows, columns = CROPS[name](height, width, dataset)
    return rows.start, rows.stop, columns.start, columns.stop


def test_crops_are_the_published_pixels():
    assert bounds("none", 480, 640) == (0, 480, 0, 640)
    assert bounds("eigen", 480, 640, "nyu") == (45, 471, 41, 601)
    assert bounds("eigen", 375, 1242) == (124, 342, 44, 1197)
    assert bounds("garg", 375, 1242) == (153, 371, 44, 1197)
    assert bounds("kb", 375, 1242) == (23, 375, 13, 1229)
    assert bounds("kb+garg", 375, 1242) == (23 + 143, 23 + 349, 13 + 43, 13 + 1172)
    assert bounds("kb+eigen", 375, 1242) == (23 + 117, 23 + 321, 13 + 43, 13 + 1172)
    with pytest.raises(DataError, match="at least 352x1216"):
        bounds("kb", 200, 1242)


def test_bounds_are_open_or_closed_and_no_reading_never_counts():
    target = np.array([[0.0, 1e-3, 1.0, 10.0, 11.0, np.nan]], np.float32)
    zoe = replace(preset("zoedepth", "nyu"), crop="none")
    assert zoe.valid(target).tolist() == [[False, False, True, False, False, False]]
    assert preset("depth_anything_v2", "nyu").valid(target).tolist() == [[False, True, True, True, False, False]]


@repeatable
@given(generators, st.booleans())
def test_bilinear_equals_torch(rng, align_corners):
    """float32 positions round to 2e-6 of a pixel, which the slope of up to 80 m a pixel turns into 2e-4 m."""
    torch = pytest.importorskip("torch")
    source = rng.uniform(0.5, 80, rng.integers(2, 30, 2)).astype(np.float32)
    size = tuple(int(n) for n in rng.integers(2, 60, 2))
    want = torch.nn.functional.interpolate(
        torch.from_numpy(source)[None, None], size=size, mode="bilinear", align_corners=align_corners
    )[0, 0].numpy()
    assert bilinear(source, size, align_corners) == pytest.approx(want, rel=1e-6, abs=2e-4)


def test_disparity_is_resized_as_disparity():
    pred = np.array([[1.0, 4.0]], np.float32)
    assert RESIZES["half_pixel_disparity"](pred, (1, 4)) == pytest.approx(
        1 / np.array([[1, 0.8125, 0.4375, 0.25]]), rel=1e-6
    )


def test_a_kb_prediction_is_pasted_back():
    full = RESIZES["paste_kb"](np.ones((352, 1216), np.float32), (375, 1242))
    assert full.shape == (375, 1242)
    assert full.sum() == full[23:, 13:1229].sum() == 352 * 1216


def test_another_size_is_refused_where_nothing_is_resized():
    with pytest.raises(DataError, match=r"the prediction is \(2, 2\) but the target is \(4, 4\)"):
        RESIZES["none"](np.ones((2, 2)), (4, 4))


@repeatable
@given(generators, st.floats(0.1, 10), st.floats(-3, 3))
def test_alignment_recovers_what_was_applied(rng, scale, shift):
    """Exact up to the conditioning of the fit in float64, hence 1e-6."""
    truth = rng.uniform(1, 9, (48, 64))
    valid = np.ones(truth.shape, bool)
    assert median_scale(truth / scale, truth, valid) == pytest.approx(scale)
    assert fit_scale_shift(((truth - shift) / scale).ravel(), truth.ravel()) == pytest.approx((scale, shift), abs=1e-6)
    marigold = replace(preset("marigold", "nyu"), crop="none")
    assert marigold.prepare((truth - shift) / scale, truth, valid) == pytest.approx(truth, rel=1e-6)
    disparity = 1 / truth * scale + 0.01
    by_disparity = replace(marigold, align="lstsq_disparity")
    assert by_disparity.prepare(disparity, truth, valid) == pytest.approx(truth, rel=1e-6)


def test_the_fit_is_numpys_least_squares_line():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=50), rng.normal(size=50)
    assert fit_scale_shift(x, y) == pytest.approx(tuple(np.polyfit(x, y, 1)))


def test_clamping_comes_after_alignment():
    target = np.full((4, 4), 5.0)
    protocol = replace(preset("monodepth2", "nyu"), resize="none")
    pred = np.full((4, 4), 100.0)
    assert (protocol.prepare(pred, target, np.ones((4, 4), bool)) == 5.0).all()


def test_a_protocol_names_every_choice():
    assert str(preset("depth_anything_v2", "kitti")) == (
        "depth/1 depth_anything_v2 kitti cap=0.001..80m bounds=closed crop=none resize=align_corners clean=none "
        "align=none clamp=no silog=l0.5_x1 min_valid=10"
    )
    texts = {str(preset(name, dataset)) for name in PRESETS for dataset in ("nyu", "kitti")}
    assert len(texts) == 8
    with pytest.raises(DataError, match="no depth preset is called 'zoe'"):
        preset("zoe", "nyu")
    with pytest.raises(DataError, match="no depth dataset is called 'sun'"):
        preset("zoedepth", "sun")
