from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.schema import ImageRef, Sample, Target
from tasks.order import WINDOW, plan

TRUTH = Target((0.0, 0.0, 1.0, 1.0), {"size": [4, 4], "counts": "0"})


def sample(number, image=None, words=1, side=32):
    name = f"{number if image is None else image}.png"
    question = " ".join(["word"] * words)
    return Sample(f"s/{number}", ImageRef(Path(name), (side, side)), name, question, TRUTH)


def ids(batches):
    return [[int(each.id[2:]) for each in batch.samples] for batch in batches]


def test_alike_samples_keep_their_order():
    assert ids(plan([sample(number) for number in range(7)], 3)) == [[0, 1, 2], [3, 4, 5], [6]]


def test_samples_of_one_image_stay_together_and_the_longest_come_first():
    samples = [sample(0, "a"), sample(1, "b", 2), sample(2, "c", 9), sample(3, "a", 5), sample(4, "d", 1, 512)]
    assert ids(plan(samples, 2)) == [[4, 2], [0, 3], [1]]


def test_nothing_moves_beyond_its_window():
    samples = [sample(number, words=number + 1) for number in range(2 * WINDOW + 1)]
    batches = ids(plan(samples, 1))
    assert batches[0] == [WINDOW - 1] and batches[WINDOW] == [2 * WINDOW - 1] and batches[-1] == [2 * WINDOW]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), max_size=120), st.integers(1, 5), st.integers(0, 9))
def test_every_sample_is_in_one_batch_and_batches_are_numbered(facts, size, first):
    samples = [sample(number, image, words) for number, (image, words) in enumerate(facts)]
    batches = plan(samples, size, first)
    assert sorted(each for batch in ids(batches) for each in batch) == list(range(len(samples)))
    assert [batch.number for batch in batches] == list(range(first, first + len(batches)))
    assert all(len(batch.samples) == size for batch in batches[:-1])
