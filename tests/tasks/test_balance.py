"""How work is shared out, played through with a clock of our own and the very hand-out that processes use."""

import heapq
from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.schema import ImageRef
from tasks.balance import AHEAD, Assignment, Pending, Tally, largest_first, shares
from tasks.journal import Batch


def batches_of(toy, tmp_path, pixels):
    """One sample a batch, showing that many pixels."""
    (sample,) = toy.make_split(tmp_path, 1).samples
    return [
        Batch(number, (replace(sample, id=str(number), image=ImageRef(sample.image.path, (1, int(count)))),))
        for number, count in enumerate(pixels)
    ]


def play(pending, costs, processes):
    """Hand out by the rule of `Crew`: one in work and one behind it; return when the last one is done and the order."""
    hands = [deque() for _ in range(processes)]
    ends, order, now = [], [], 0.0

    def hand_out():
        for place, hand in enumerate(hands):
            while len(hand) <= AHEAD and (given := pending.take(bool(hand), processes)) is not None:
                hand.append(given)
                order.append(given.number)
                if len(hand) == 1:
                    heapq.heappush(ends, (now + costs[given.number], place))

    hand_out()
    while ends:
        now, place = heapq.heappop(ends)
        pending.done(hands[place].popleft(), 1, 0)
        if hands[place]:
            heapq.heappush(ends, (now + costs[hands[place][0].number], place))
        hand_out()
    assert pending.finished()
    return now, order


@pytest.mark.parametrize("processes", [2, 3, 5, 8])
@pytest.mark.parametrize("seed", range(5))
def test_skewed_work_ends_within_a_tenth_of_the_best_possible_split(toy, tmp_path, processes, seed):
    """Costs are drawn from a log-normal law, sigma 1: the largest of 200 batches costs some ten times the median.

    The best split is no shorter than an equal one or than the largest batch. Half of the costs can be foreseen from
    the pixels, the other half (answers that grow long) cannot.
    """
    random = np.random.default_rng(seed)
    seen, unseen = random.lognormal(size=(2, 200))
    batches = batches_of(toy, tmp_path, np.ceil(seen * 1000))
    costs = seen + unseen
    took, order = play(Pending(batches), costs, processes)
    best = max(costs.sum() / processes, costs.max())
    assert sorted(order) == list(range(200))
    assert took <= 1.1 * best


def test_a_fixed_stride_would_not_have_been_enough(toy, tmp_path):
    """The same work by stride, so that the test above can fail."""
    worst = []
    for seed in range(5):
        costs = np.random.default_rng(seed).lognormal(size=(2, 200)).sum(axis=0)
        worst.append(max(costs[rank::8].sum() for rank in range(8)) / max(costs.sum() / 8, costs.max()))
    assert max(worst) > 1.1


def test_the_largest_come_first_and_equal_ones_in_their_own_order(toy, tmp_path):
    assert largest_first(batches_of(toy, tmp_path, [5, 9, 5, 1, 9])) == [1, 4, 0, 2, 3]


def test_nothing_waits_behind_a_busy_process_once_little_is_left(toy, tmp_path):
    pending = Pending(batches_of(toy, tmp_path, [1] * 9))
    assert pending.take(True, 2) == Assignment(0)
    assert pending.take(True, 2) == Assignment(1)
    assert pending.take(True, 2) is None
    assert pending.take(False, 2) == Assignment(2)


def test_what_comes_back_is_next_and_keeps_the_work_open(toy, tmp_path):
    pending = Pending(batches_of(toy, tmp_path, [1, 1]))
    first, second = pending.take(False, 1), pending.take(False, 1)
    pending.done(second, 1, 0)
    assert not pending.finished()
    pending.back(first.after_loss(None, "ended"))
    again = pending.take(False, 1)
    assert (again.number, again.losses, again.alone) == (first.number, 1, False)
    pending.done(again, 1, 0)
    assert pending.finished()


def test_a_batch_lost_twice_is_asked_sample_by_sample_and_remembers_the_guilty():
    lost = Assignment(4).after_loss(None, "x").after_loss(None, "x")
    assert lost.alone and lost.guilty == ()
    assert lost.after_loss(2, "ended").after_loss(0, "stalled").guilty == ((2, "ended"), (0, "stalled"))


def test_idle_time_is_what_is_not_spent_on_answers():
    tallies = [Tally(), Tally()]
    tallies[0].add(samples=3, failed=1, seconds=2.0)
    tallies[0].add(samples=1, failed=0, seconds=1.5)
    assert shares(tallies, wall_s=4.0) == [
        {"rank": 0, "batches": 2, "samples": 4, "busy_s": 3.5, "idle_s": 0.5},
        {"rank": 1, "batches": 0, "samples": 0, "busy_s": 0.0, "idle_s": 4.0},
    ]
