import pytest

from tasks import claims as module
from tasks.balance import Assignment
from tasks.claims import Claims


@pytest.fixture
def ranks(tmp_path, monkeypatch):
    """Make ranks "a", "b", … over one folder; whoever is in `lost` is lost. The folder is looked at every time."""
    monkeypatch.setattr(module, "_LOOK_S", 0.0)
    lost = set()

    def make(nonce, order=(2, 0, 1)):
        return Claims(tmp_path, order, nonce, 2, lost.__contains__)

    make.lost = lost
    return make


def take_all(*ranks):
    """Take in turn until nobody gets anything."""
    taken = [[] for _ in ranks]
    while any(got := [rank.take(False, 1) for rank in ranks]):
        for own, each in zip(taken, got, strict=True):
            own += [each] if each else []
    return taken


def test_every_batch_is_claimed_once_in_order(ranks):
    assert take_all(ranks("a"), ranks("b")) == [[Assignment(2), Assignment(1)], [Assignment(0)]]


def test_the_work_ends_when_all_is_done_wherever_it_was_done(ranks):
    a, b = ranks("a"), ranks("b")
    (of_a, of_b) = take_all(a, b)
    for assignment in of_a:
        a.done(assignment, 1, 0)
    assert not a.finished() and not b.finished()
    b.done(of_b[0], 1, 0)
    assert a.finished() and b.finished()


def test_batches_of_a_lost_rank_are_taken_over_once_more_and_then_sample_by_sample(ranks):
    a, b, c = ranks("a"), ranks("b"), ranks("c")
    assert a.take(False, 1) == Assignment(2)
    assert [b.take(False, 1) for _ in range(3)] == [Assignment(0), Assignment(1), None]
    ranks.lost.add("a")
    assert b.take(False, 1) == Assignment(2, losses=1)
    assert c.take(False, 1) is None
    ranks.lost.add("b")
    taken = {assignment.number: assignment for assignment in take_all(c)[0]}
    assert taken == {2: Assignment(2, losses=2), 0: Assignment(0, losses=1), 1: Assignment(1, losses=1)}
    assert taken[2].alone


def test_what_is_done_is_not_taken_over(ranks):
    a, b = ranks("a"), ranks("b")
    for assignment in take_all(a)[0]:
        a.done(assignment, 1, 0)
    ranks.lost.add("a")
    assert take_all(b) == [[]] and b.finished()


def test_a_rank_that_leaves_gives_back_what_it_had_not_begun(ranks):
    a, b = ranks("a"), ranks("b")
    a.back(a.take(False, 1))
    assert not a.finished()
    a.release()
    assert take_all(b) == [[Assignment(2), Assignment(0), Assignment(1)]]


def test_a_batch_whose_process_died_is_done_again_by_the_same_rank(ranks):
    a = ranks("a")
    a.back(a.take(False, 1).after_loss(None, "ended"))
    assert a.take(False, 1) == Assignment(2, losses=1)


def test_a_claim_without_a_name_is_taken_over_after_the_lease(ranks, tmp_path, monkeypatch):
    (tmp_path / "2.0").touch()
    a, now = ranks("a", (2,)), [100.0]
    monkeypatch.setattr(module, "monotonic", lambda: now[0])
    assert a.take(False, 1) is None
    now[0] += module.LEASE_S + 1
    assert a.take(False, 1) == Assignment(2, losses=1)


def test_claims_ahead_stop_once_little_is_left(ranks):
    a = ranks("a", tuple(range(10)))
    assert [a.take(True, 1) for _ in range(4)] == [Assignment(0), Assignment(1), Assignment(2), None]
