"""Grouped matching equals a Hungarian assignment of every group on its own, and never crosses groups."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from refvlm.matching import assign, match_groups


def by_scipy(sizes, costs):
    """One call of scipy for every group."""
    match, start = [], 0
    for size in sizes:
        block = costs[start : start + size, start : start + size]
        match += (linear_sum_assignment(block.numpy())[1] + start).tolist()
        start += size
    return match


@given(st.lists(st.integers(1, 7), min_size=1, max_size=12), st.integers(0, 2**31))
def test_each_group_gets_the_assignment_that_scipy_finds(sizes, seed):
    total = sum(sizes)
    costs = torch.rand(total, total, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert match_groups(sizes, lambda rows, columns: costs[rows, columns]).tolist() == by_scipy(sizes, costs)


@given(st.lists(st.lists(st.integers(-2, 2), min_size=16, max_size=16), min_size=1, max_size=4))
def test_where_several_are_cheapest_it_finds_one_of_them(blocks):
    costs = torch.tensor(blocks, dtype=torch.float64).reshape(-1, 4, 4)
    chosen = assign(costs)
    for block, columns in zip(costs, chosen, strict=True):
        rows, best = linear_sum_assignment(block.numpy())
        assert sorted(columns.tolist()) == [0, 1, 2, 3]
        assert block[torch.arange(4), columns].sum() == block[rows, best].sum()


def test_costs_are_built_for_diagonal_blocks_only_and_in_one_call():
    asked = []

    def cost(rows, columns):
        asked.append(set(zip(rows.tolist(), columns.tolist(), strict=True)))
        return torch.zeros(len(rows))

    match_groups([1, 2, 1, 3, 2], cost)
    blocks = ((1, 2), (4, 3), (7, 2))
    wanted = {(i, j) for start, size in blocks for i in range(start, start + size) for j in range(start, start + size)}
    assert asked == [wanted]
    assert match_groups([1, 1, 1], cost).tolist() == [0, 1, 2]
    assert match_groups([], cost).tolist() == []
    assert len(asked) == 1


@pytest.mark.parametrize("size", [3, 6])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_cost_that_is_no_number_leaves_a_permutation(size, value):
    match = match_groups([size], lambda rows, columns: torch.full((len(rows),), value))
    assert sorted(match.tolist()) == list(range(size))
