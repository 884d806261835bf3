import pytest

from benchmarks.schema import ImageRef, Prediction, Query
from tasks.asking import Desk
from tasks.call_size import CallSize


class Dice:
    """Fails on whole batches, and says in its text what it drew."""

    def predict(self, queries):
        import random

        if len(queries) > 1:
            raise RuntimeError("too large a batch")
        raise ValueError(f"drew {random.random()}")


class Small:
    """Has memory for so many queries, and none for some samples; remembers the sizes of its calls."""

    def __init__(self, room, error, bad=()):
        self.room, self.error, self.bad, self.sizes = room, error, bad, []

    def predict(self, queries):
        self.sizes.append(len(queries))
        if len(queries) > self.room or any(query.sample_id in self.bad for query in queries):
            raise self.error
        return [Prediction(query.sample_id, "ok", "fine") for query in queries]


@pytest.fixture
def ask(tmp_path):
    """Ask a model about samples with these seeds or names, so many at once."""

    def run(model, names, size=32, timeout=None):
        image = ImageRef(tmp_path / "deep" / "a.png", (4, 4))
        seeds = names if isinstance(names, dict) else dict.fromkeys(names, 0)
        queries = [Query(name, image, "thing", "Find thing.", "box", seed=seed) for name, seed in seeds.items()]
        return Desk("toy", CallSize(size), timeout).answer(model, queries)

    return run


def cuda_error():
    return RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`")


def torch_error():
    torch = pytest.importorskip("torch")
    return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


def test_a_sample_asked_alone_draws_by_its_own_seed_whoever_else_was_in_the_batch(ask):
    both, turned, one = ask(Dice(), {"s": 1, "t": 2}), ask(Dice(), {"t": 2, "s": 1}), ask(Dice(), {"s": 1})
    assert both == turned[::-1]
    assert both[:1] == one
    assert both[0].error != both[1].error
    assert ask(Dice(), {"s": 3})[0].error != one[0].error


def test_a_failed_sample_keeps_its_prompt_and_says_why(ask):
    (answer,) = ask(Dice(), ["s"])
    assert (answer.status, answer.prompt) == ("failed", "Find thing.")
    assert answer.error.startswith("ValueError: drew 0.")


@pytest.mark.parametrize("make", [MemoryError, cuda_error, torch_error])
def test_memory_that_runs_out_halves_the_calls_until_they_fit_and_later_calls_stay_small(ask, make):
    model = Small(3, make())
    answers = ask(model, list("abcdefghijklm"), size=12)
    assert [answer.status for answer in answers] == ["ok"] * 13
    assert [answer.sample_id for answer in answers] == list("abcdefghijklm")
    assert model.sizes == [12, 6, 3, 3, 3, 3, 1]


def test_only_the_sample_that_memory_never_suffices_for_fails(ask):
    model = Small(99, MemoryError("map of 9 GiB"), bad="c")
    answers = ask(model, list("abcd"), size=4)
    assert [answer.status for answer in answers] == ["ok", "ok", "failed", "ok"]
    assert answers[2].error == "MemoryError: map of 9 GiB"
    assert model.sizes == [4, 2, 2, 1, 1]


def test_another_error_is_no_lack_of_memory(ask):
    model = Small(1, RuntimeError("the shapes differ"))
    ask(model, list("ab"))
    ask(model, list("cd"))
    assert model.sizes == [2, 1, 1, 2, 1, 1]


def test_a_sample_that_takes_too_long_fails_by_itself(ask):
    calls = []

    class Stuck:
        def predict(self, queries):
            calls.append(len(queries))
            while any(query.sample_id == "b" for query in queries):
                pass
            return [Prediction(query.sample_id, "ok") for query in queries]

    answers = ask(Stuck(), list("abc"), timeout=0.05)
    assert [answer.status for answer in answers] == ["ok", "failed", "ok"]
    assert answers[1].error == "no answer within 0.05 s"
    assert calls == [3, 1, 1, 1]


def test_models_are_asked_without_gradients(ask):
    torch = pytest.importorskip("torch")
    seen = []

    class Looks:
        def predict(self, queries):
            seen.append(torch.is_inference_mode_enabled())
            return [Prediction(query.sample_id, "ok") for query in queries]

    ask(Looks(), ["s"])
    assert seen == [True]
