"""Failed samples of a finished or an interrupted run are asked again, and nothing else is."""

import json

import pytest

from benchmarks.errors import DataError
from benchmarks.schema import Prediction
from tasks.allowance import Allowance
from tasks.run import Interrupted, TooManyFailures


class Moody:
    """Fails on some samples until it is mended; may be stopped before a sample. Remembers what it was asked."""

    def __init__(self, bad=(), stop_at=None):
        self.bad, self.stop_at, self.asked = set(bad), stop_at, []

    def predict(self, queries):
        numbers = [int(query.sample_id.split("/")[-1]) for query in queries]
        if self.stop_at in numbers:
            raise KeyboardInterrupt
        self.asked.append(numbers)
        if self.bad & set(numbers):
            raise ValueError(f"no answer to {min(self.bad & set(numbers))}")
        return [Prediction(query.sample_id, "ok", f"answer {query.seed}", query.prompt) for query in queries]

    def fingerprint(self):
        return "moody"


@pytest.fixture
def files(toy, tmp_path):
    """What a run directory holds."""

    def read(out="runs"):
        run = toy.folder_of(tmp_path / out)
        names = ("predictions.jsonl", "rows.npz", "result.json")
        return {name: (run / name).read_bytes() for name in names}, json.loads((run / "run.json").read_text())

    return read


def test_only_the_failed_samples_of_a_finished_run_are_asked_again_into_the_same_record(go, files):
    before = go(model=Moody({1, 4, 8}))
    mended = Moody()
    after = go(model=mended, retry_failed=True)
    assert mended.asked == [[1, 4, 8]]
    assert (before.failed, after.failed, after.run) == (3, 0, before.run)
    go("undisturbed", model=Moody())
    assert files()[0] == files("undisturbed")[0]
    assert files()[1]["identity"] == files("undisturbed")[1]["identity"]


def test_a_finished_run_with_edited_answers_is_not_asked_again(go, toy, tmp_path):
    go(model=Moody({1}))
    answers = toy.folder_of(tmp_path / "runs") / "predictions.jsonl"
    answers.write_bytes(answers.read_bytes().replace(b'"text":"answer', b'"text":"better answer', 1))
    with pytest.raises(DataError, match=r"predictions\.jsonl was edited.*--fresh"):
        go(model=Moody(), retry_failed=True)
    assert go(model=Moody(), fresh=True).failed == 0


def test_the_history_says_when_and_why_samples_were_asked_again(go, files):
    go(model=Moody({1, 4}))
    go(model=Moody({4}), retry_failed=True)
    record = go(model=Moody(), retry_failed=True)
    first, second = files()[1]["retried"]
    assert (first["samples"], second["samples"], record.failed) == (2, 1, 0)
    assert first["failures"][0]["reason"] == "ValueError: no answer to N"
    assert second["failures"][0]["examples"] == ["toy/test/4"]
    assert files()[1]["state"] == "done"


def test_without_failed_samples_nothing_is_loaded_or_changed(go, files):
    go(model=Moody())
    before, model = files(), Moody()
    go(model=model, retry_failed=True)
    assert (files(), model.asked) == (before, [])


def test_an_interrupted_run_goes_on_and_asks_what_failed_before(go, files):
    with pytest.raises(Interrupted):
        go(model=Moody({1}, stop_at=6))
    mended = Moody()
    record = go(model=mended, retry_failed=True)
    assert mended.asked == [[6, 7, 8], [9], [1]]
    assert record.failed == 0
    go("undisturbed", model=Moody())
    assert files()[0] == files("undisturbed")[0]


def test_an_interrupted_round_goes_on_where_it_stopped(go, files):
    go(model=Moody({0, 1, 2, 3, 9}))
    with pytest.raises(Interrupted, match="13 of 15 samples"):
        go(model=Moody(stop_at=9), retry_failed=True)
    rest = Moody()
    assert go(model=rest).failed == 0
    assert rest.asked == [[3, 9]]
    go("undisturbed", model=Moody())
    assert files()[0] == files("undisturbed")[0]
    assert len(files()[1]["retried"]) == 1


def test_a_second_round_leaves_what_the_first_has_not_come_to(go):
    go(model=Moody({0, 1, 2, 3, 9}))
    with pytest.raises(Interrupted):
        go(model=Moody({1}, stop_at=9), retry_failed=True)
    rest = Moody()
    assert go(model=rest, retry_failed=True).failed == 0
    assert rest.asked == [[3, 9], [1]]


def test_failures_of_earlier_sessions_count_until_they_are_asked_again(go):
    few = Allowance(1)
    with pytest.raises(TooManyFailures, match="2 of 10 samples failed"):
        go(model=Moody({0, 1}), max_failures=few)
    with pytest.raises(TooManyFailures, match="2 of 10 samples failed"):
        go(model=Moody(), max_failures=few)
    assert go(model=Moody({5}), max_failures=few, retry_failed=True).failed == 1
