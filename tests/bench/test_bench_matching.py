"""Grouped matching at once against one call of scipy per group and against a full matrix; run with -m bench -s."""

import time

import pytest
import torch
from scipy.optimize import linear_sum_assignment

from refvlm.matching import match_groups

pytestmark = pytest.mark.bench
GROUPS, ROUNDS = 300, 20


def fastest(run):
    seconds = []
    for _ in range(ROUNDS):
        start = time.process_time()
        result = run()
        seconds.append(time.process_time() - start)
    return result, min(seconds)


def test_matching_of_many_small_groups():
    generator = torch.Generator().manual_seed(0)
    sizes = torch.randint(1, 5, (GROUPS,), generator=generator).tolist()
    total = sum(sizes)
    costs = torch.rand(total, total, generator=generator, dtype=torch.float64)

    def per_group():
        match, start = [], 0
        for size in sizes:
            block = costs[start : start + size, start : start + size]
            match += (linear_sum_assignment(block.numpy())[1] + start).tolist()
            start += size
        return match

    def whole():
        group = torch.arange(GROUPS).repeat_interleave(torch.tensor(sizes))
        apart = group[:, None] != group[None, :]
        return linear_sum_assignment(costs.masked_fill(apart, 1e6).numpy())[1].tolist()

    ours, seconds = fastest(lambda: match_groups(sizes, lambda rows, columns: costs[rows, columns]).tolist())
    for name, peer in (("scipy per group", per_group), ("one full matrix", whole)):
        match, slow = fastest(peer)
        print(f"\n{GROUPS} groups: refbench {seconds * 1e3:.2f} ms, {name} {slow * 1e3:.2f} ms, {slow / seconds:.1f} x")
        assert ours == match
