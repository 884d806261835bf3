"""Grouped matching equals a Hungarian assignment of every group on its own, and never crosses groups."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from refvlm.matching import match_groups


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6), st.integers(0, 2**31))
def test_each_group_gets_its_cheapest_assignment(sizes, seed):
    total = sum(sizes)
    costs = torch.rand(total, total, generator=torch.Generator().manual_seed(seed))
    match = match_groups(sizes, lambda rows, columns: costs[rows, columns])
    start = 0
    for size in sizes:
        block = slice(start, start + size)
        picked = match[block]
        assert sorted(picked.tolist()) == list(range(start, start + size))
        rows, columns = linear_sum_assignment(costs[block, block].numpy())
        best = costs[block, block][rows, columns].sum()
        # Both sums have at most five float32 terms below 1: they differ by rounding only.
        torch.testing.assert_close(costs[torch.arange(start, start + size), picked].sum(), best, atol=1e-5, rtol=0)
        start += size


def test_costs_are_built_for_diagonal_blocks_only():
    asked = []

    def cost(rows, columns):
        asked.extend(zip(rows.tolist(), columns.tolist(), strict=True))
        return torch.zeros(len(rows))

    match_groups([1, 2, 1, 3], cost)
    assert len(asked) == 2 * 2 + 3 * 3
    assert match_groups([1, 1, 1], cost).tolist() == [0, 1, 2]
    assert len(asked) == 13
