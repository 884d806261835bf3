"""Grouped Hungarian matching: each triplet's instances are matched with its own targets only.

Costs are built for the diagonal blocks alone, never for all predictions against all targets. A triplet of one instance
is its own match. Blocks of up to four are solved all at once, by the cost of every permutation, of which there are
twenty-four at most; larger ones, which are few, one by one.
"""

from collections.abc import Callable, Sequence
from functools import cache
from itertools import permutations

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

Cost = Callable[[Tensor, Tensor], Tensor]
"""(indices of predictions [P], indices of targets [P]) -> cost of each pair, float [P]."""
MOST_AT_ONCE = 4
"""Instances of a block whose permutations are all tried."""
_NEVER = 1e30
"""In the place of a cost that is not a number: the loss that follows from it is reported, not this."""


def match_groups(sizes: Sequence[int], cost: Cost) -> Tensor:
    """Match predictions with targets inside consecutive groups of equal size on both sides.

    Args:
        sizes: instances per group; predictions and targets are both laid out group after group.
        cost: cost of a list of pairs; called once, with every pair of every group of two or more.

    Returns:
        int64 [sum(sizes)]: for each prediction the index of its target.
    """
    total = torch.tensor(sizes, dtype=torch.long)
    match, starts = torch.arange(int(total.sum())), total.cumsum(0) - total
    wanted = sorted({size for size in sizes if size > 1})
    if not wanted:
        return match
    firsts = [starts[total == size] for size in wanted]
    pairs = [_pairs(first, size) for first, size in zip(firsts, wanted, strict=True)]
    values = cost(torch.cat([rows for rows, _ in pairs]), torch.cat([columns for _, columns in pairs]))
    values = values.detach().double().cpu().nan_to_num(_NEVER, _NEVER, -_NEVER)
    parts = torch.split(values, [len(rows) for rows, _ in pairs])
    for first, size, part in zip(firsts, wanted, parts, strict=True):
        places = first[:, None] + torch.arange(size)
        match[places] = first[:, None] + assign(part.reshape(-1, size, size))
    return match


def assign(costs: Tensor) -> Tensor:
    """Solve blocks of one size: float64 [G, n, n] on the CPU -> int64 [G, n], the cheapest column of each row."""
    size = costs.shape[1]
    if size > MOST_AT_ONCE:
        return torch.stack([torch.from_numpy(linear_sum_assignment(block.numpy())[1]) for block in costs])
    orders = _orders(size)  # [n!, n]
    totals = costs[:, torch.arange(size), orders].sum(2)  # [G, n!]
    return orders[totals.argmin(1)]


@cache
def _orders(size: int) -> Tensor:
    return torch.tensor(list(permutations(range(size))))


def _pairs(first: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Every pair of blocks that begin at `first` and have one size: rows and columns, [G * n * n] each."""
    steps = torch.arange(size)
    rows = (first[:, None, None] + steps[:, None]).expand(-1, size, size)
    columns = (first[:, None, None] + steps).expand(-1, size, size)
    return rows.flatten(), columns.flatten()
