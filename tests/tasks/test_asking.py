from benchmarks.schema import ImageRef, Query
from tasks.asking import ask, tidy


class Dice:
    """Fails on whole batches, and says in its text what it drew."""

    def predict(self, queries):
        import random

        if len(queries) > 1:
            raise RuntimeError("too large a batch")
        raise ValueError(f"drew {random.random()}")


def query(tmp_path, name="s"):
    return Query(name, ImageRef(tmp_path / "deep" / "a.png", (4, 4)), "thing", "Find thing.", "box")


def test_the_same_batch_draws_the_same_numbers_and_samples_of_a_batch_different_ones(tmp_path):
    queries = [query(tmp_path, "s"), query(tmp_path, "t")]
    first, again = (ask(Dice(), queries, "dice", [0, 5]) for _ in range(2))
    assert first == again
    assert first[0].error != first[1].error
    assert ask(Dice(), queries, "dice", [0, 6])[0].error != first[0].error
    assert ask(Dice(), queries, "dice", [1, 5])[0].error != first[0].error


def test_a_failed_sample_keeps_its_prompt_and_says_why(tmp_path):
    (answer,) = ask(Dice(), [query(tmp_path)], "dice", [0, 0])
    assert (answer.status, answer.prompt) == ("failed", "Find thing.")
    assert answer.error.startswith("ValueError: drew 0.")


def test_reasons_hold_nothing_that_differs_between_machines(tmp_path):
    place = tmp_path / "deep" / "a.png"
    reason = f"{place} and '/homes/someone/x y/b.bin' at 0x7fA0: see https://example.org/a/b, 3/4"
    assert tidy(reason, query(tmp_path)) == "a.png and '…/x y/b.bin' at 0x…: see https://example.org/a/b, 3/4"
    assert len(tidy("x" * 10_000, query(tmp_path))) == 500
