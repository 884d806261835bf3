"""PCK of all persons at once against the same rule joint by joint; run with -m bench -s."""

import time

import numpy as np
import pytest

from metrics.pck import Thresholds, scores
from metrics.pck_joints import distances

pytestmark = pytest.mark.bench
PERSONS, JOINTS = 20_000, 17


def joint_by_joint(found, true, visible, length, thresholds):
    values = []
    for threshold in thresholds:
        right, compared = [0] * JOINTS, [0] * JOINTS
        for i in range(PERSONS):
            for k in range(JOINTS):
                if visible[i][k]:
                    off = ((found[i][k][0] - true[i][k][0]) ** 2 + (found[i][k][1] - true[i][k][1]) ** 2) ** 0.5
                    compared[k] += 1
                    right[k] += off / length[i] < threshold
        values.append(sum(r / c for r, c in zip(right, compared, strict=True)) / JOINTS)
    return values


def test_pck_at_three_thresholds():
    rng = np.random.default_rng(0)
    true = rng.uniform(0, 500, (PERSONS, JOINTS, 2))
    found = true + rng.normal(0, 20, true.shape)
    visible = rng.random((PERSONS, JOINTS)) < 0.7
    length = rng.uniform(60, 400, PERSONS)
    start = time.process_time()
    ours = scores({"box": distances(found, true, visible, length)}, Thresholds())
    middle = time.process_time()
    lists = [array.tolist() for array in (found, true, visible, length)]
    loop = time.process_time()
    peer = joint_by_joint(*lists, Thresholds().box)
    seconds = middle - start, time.process_time() - loop
    ratio = seconds[1] / seconds[0]
    print(f"\n{PERSONS} persons: refbench {seconds[0]:.3f} s, joint by joint {seconds[1]:.3f} s, {ratio:.0f} x")
    assert [ours[f"pck@{t:g}"] for t in Thresholds().box] == pytest.approx(peer, abs=1e-12)
