"""Referring masks from run lengths against decoding and counting pixels, as scripts do; run with -m bench -s."""

import time

import numpy as np
import pytest
from pycocotools import mask as coco

from metrics.res import aggregate, measure

# pycocotools 2.0.11 decodes through an interface that NumPy 2 deprecates.
pytestmark = [pytest.mark.bench, pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")]
HEIGHT, WIDTH, EXPRESSIONS = 480, 640, 400


def blobs(rng):
    """Draw objects as people and predictors outline them: polygons of 12 to 60 corners around a centre."""
    for _ in range(EXPRESSIONS):
        corners = int(rng.integers(12, 60))
        angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
        radius = rng.uniform(20, 180) * rng.uniform(0.7, 1.3, corners)
        centre = rng.uniform((100, 80), (WIDTH - 100, HEIGHT - 80))
        x, y = centre[:, None] + radius * np.array([np.cos(angle), np.sin(angle)])
        ring = np.stack((x.clip(0, WIDTH), y.clip(0, HEIGHT)), axis=1)
        moved = ring + rng.normal(0, 6, ring.shape)
        yield tuple(coco.merge(coco.frPyObjects([each.ravel().tolist()], HEIGHT, WIDTH)) for each in (moved, ring))


def decode_and_sum(pred, target):
    one, other = coco.decode(pred).astype(bool), coco.decode(target).astype(bool)
    return {"inter": int((one & other).sum()), "union": int((one | other).sum()), "missing": 0}


def timed(call, pairs):
    call(*pairs[0])
    start = time.process_time()
    rows = [call(*pair) for pair in pairs]
    return (time.process_time() - start) / len(pairs) * 1e6, rows


def test_iou_from_run_lengths():
    pairs = list(blobs(np.random.default_rng(0)))
    peer, want = timed(decode_and_sum, pairs)
    ours, rows = timed(measure, pairs)
    assert rows == want
    start = time.process_time()
    scores = aggregate(rows)
    spent = (time.process_time() - start) / len(rows) * 1e6
    print(f"\n{EXPRESSIONS} masks of {HEIGHT} x {WIDTH}: decode and sum {peer:.1f} us, refbench {ours:.1f} us per mask")
    print(f"{peer / ours:.1f} x; aggregate {spent:.2f} us per row, ciou {scores['ciou']:.3f}")
