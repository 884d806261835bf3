"""Grouped Hungarian matching: each triplet's instances are matched with its own targets only.

Costs are built for the diagonal blocks alone, never for all predictions against all targets. A triplet of one
instance is its own match.
"""

from collections.abc import Callable, Sequence

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

Cost = Callable[[Tensor, Tensor], Tensor]
"""(indices of predictions [P], indices of targets [P]) -> cost of each pair, float [P]."""


def match_groups(sizes: Sequence[int], cost: Cost) -> Tensor:
    """Match predictions with targets inside consecutive groups of equal size on both sides.

    Args:
        sizes: instances per group; predictions and targets are both laid out group after group.
        cost: cost of a list of pairs; called once, with every pair of every group of two or more.

    Returns:
        int64 [sum(sizes)]: for each prediction the index of its target.
    """
    match = torch.arange(sum(sizes))
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    several = [(start, size) for start, size in zip(starts, sizes, strict=True) if size > 1]
    if not several:
        return match
    rows = [(torch.arange(size) + start).repeat_interleave(size) for start, size in several]
    columns = [(torch.arange(size) + start).repeat(size) for start, size in several]
    values = cost(torch.cat(rows), torch.cat(columns)).detach().float().cpu()
    offset = 0
    for start, size in several:
        block = values[offset : offset + size * size].reshape(size, size)
        offset += size * size
        picked_rows, picked_columns = linear_sum_assignment(block.numpy())
        match[torch.from_numpy(picked_rows) + start] = torch.from_numpy(picked_columns) + start
    return match
