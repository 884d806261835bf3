import pytest

from tasks.call_size import CallSize, ProbedSize


def search(size, seconds, calls=60):
    """Let a search see calls that take a time for every size; return the sizes tried."""
    tried = []
    for _ in range(calls):
        tried.append(size.now)
        size.took(size.now, seconds(size.now))
    return list(dict.fromkeys(tried))


def test_a_size_that_memory_lowered_comes_back_after_a_calm_while():
    size = CallSize(20)
    size.too_large(20)
    assert (size.now, size.chosen) == (10, None)
    for _ in range(15):
        size.took(10, 1.0)
    size.took(3, 1.0)  # the rest of a batch says nothing about the size
    assert size.now == 10
    size.took(10, 1.0)
    assert size.now == 20
    size.too_large(1)
    assert size.now == 1


@pytest.mark.parametrize(
    ("seconds", "chosen"),
    [
        (lambda n: 1.0, 64),  # a call costs the same whatever its size: as large as may be
        (lambda n: float(n), 1),  # no gain: one by one
        (lambda n: max(8, n), 8),  # gains up to 8
        (lambda n: 1 + n / 100, 64),
        (lambda n: 1.0 if n < 32 else 100.0, 16),
    ],
)
def test_the_search_stops_where_more_at_once_is_no_longer_faster(seconds, chosen):
    size = ProbedSize(64)
    search(size, seconds)
    assert (size.chosen, size.now) == (chosen, chosen)


def test_the_first_call_of_every_size_is_a_warm_up():
    size = ProbedSize(4)
    for seconds in (9.0, 1.0, 9.0, 1.0, 9.0, 1.0):
        size.took(size.now, seconds)
    assert size.chosen == 4


def test_memory_ends_the_search_and_a_found_size_can_still_be_lowered_for_a_while():
    size = ProbedSize(64)
    for _ in range(8):
        size.took(size.now, 1.0)
    assert size.now == 16
    size.too_large(16)
    assert (size.now, size.chosen) == (8, 8)
    size.too_large(8)
    assert (size.now, size.chosen) == (4, 8)
    for _ in range(16):
        size.took(4, 1.0)
    assert size.now == 8
