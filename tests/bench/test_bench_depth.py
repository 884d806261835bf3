"""Depth errors of a frame against the same formulas written one by one, as scripts do; run with -m bench -s."""

import time

import numpy as np
import pytest

from metrics.depth import errors, measure
from metrics.depth_protocols import preset

pytestmark = pytest.mark.bench
FRAMES = 40


def one_by_one(pred, target):
    """Every error from its own definition, nothing shared."""
    delta = {f"delta{k}": (np.maximum(pred / target, target / pred) < 1.25**k).mean() for k in (1, 2, 3)}
    return {
        **delta,
        "abs_rel": np.mean(np.abs(pred - target) / target),
        "sq_rel": np.mean((pred - target) ** 2 / target),
        "rmse": np.sqrt(np.mean((pred - target) ** 2)),
        "rmse_log": np.sqrt(np.mean((np.log(pred) - np.log(target)) ** 2)),
        "log10": np.mean(np.abs(np.log10(pred) - np.log10(target))),
        "silog": 100 * np.sqrt(np.var(np.log(pred) - np.log(target))),
        "silog_l0.5": np.sqrt(
            np.mean((np.log(pred) - np.log(target)) ** 2) - 0.5 * np.mean(np.log(pred) - np.log(target)) ** 2
        ),
        "i_rmse": np.sqrt(np.mean((1 / pred - 1 / target) ** 2)),
    }


def milliseconds(call, frames):
    call(*frames[0])
    start = time.process_time()
    for frame in frames:
        call(*frame)
    return (time.process_time() - start) / len(frames) * 1e3


def test_errors_of_a_kitti_frame():
    rng = np.random.default_rng(0)
    targets = [rng.uniform(2, 70, (375, 1242)).astype(np.float32) for _ in range(FRAMES)]
    frames = [(t * rng.uniform(0.7, 1.4, t.shape).astype(np.float32), t) for t in targets]
    flat = [(p.astype(np.float64).ravel(), t.astype(np.float64).ravel()) for p, t in frames]
    peer, ours = milliseconds(one_by_one, flat), milliseconds(errors, flat)
    whole = milliseconds(lambda p, t: measure(p, t, preset("zoedepth", "kitti")), frames)
    print(f"\nerrors, one by one {peer:.2f} ms, refbench {ours:.2f} ms per frame, {peer / ours:.2f} x")
    print(f"whole frame with crop, clamp and all keys {whole:.2f} ms")
    want = one_by_one(*flat[0])
    assert {k: errors(*flat[0])[k] for k in want} == pytest.approx(want, rel=1e-9)
