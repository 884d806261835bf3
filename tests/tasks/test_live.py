import numpy as np
import pytest

from results.intervals import intervals
from tasks import kinds
from tasks.live import Estimate, Rows, can_be_estimated, ratio
from tasks.meter import Meter
from tasks.models.oracle import Oracle


def test_the_estimate_is_the_number_of_what_is_there_and_its_interval_that_of_the_bootstrap(toy, tmp_path):
    """Linearisation and 1,000 draws agree to a few percent of the width with 150 images."""
    kind = kinds.find("rec")
    samples = toy.make_split(tmp_path, 300).samples
    answers = [kind.perfect(sample) for sample in samples]
    answers = [toy.Prediction(a.sample_id, "failed") if n % 3 == 0 else a for n, a in enumerate(answers)]
    rows = Rows(kind, kind.metrics[0])
    rows.add(samples, answers)
    found = rows.estimate()
    measured = kind.rows(samples, answers)[kind.metrics[0].name]
    assert found.value == pytest.approx(kind.metrics[0].aggregate(measured)[found.key])
    ends = intervals(kind.metrics[0], measured, [sample.image_id for sample in samples])[found.key]
    assert (found.low, found.high) == pytest.approx(ends, abs=0.01)
    assert found.n == len(rows) == 300


def test_a_later_answer_replaces_an_earlier_one(toy, tmp_path):
    kind, samples = kinds.find("rec"), toy.make_split(tmp_path, 4).samples
    rows = Rows(kind, kind.metrics[0])
    rows.add(samples, [toy.Prediction(sample.id, "failed") for sample in samples])
    rows.add(samples[:2], [kind.perfect(sample) for sample in samples[:2]])
    assert (rows.estimate().value, len(rows)) == (0.5, 4)


def test_nothing_is_said_of_one_image_or_none(toy, tmp_path):
    kind, samples = kinds.find("rec"), toy.make_split(tmp_path, 2).samples
    rows = Rows(kind, kind.metrics[0])
    assert rows.estimate() is None
    rows.add(samples, [kind.perfect(sample) for sample in samples])
    assert rows.estimate() is None


def test_ranked_scores_are_not_told_from_a_part():
    assert can_be_estimated(kinds.find("rec")) and can_be_estimated(kinds.find("res"))
    assert not can_be_estimated(kinds.find("detection"))


def test_the_error_of_a_mean_is_the_usual_one():
    values = np.array([1.0, 2.0, 4.0, 5.0])
    assert ratio(values, np.ones(4)) == pytest.approx((3.0, values.std(ddof=1) / 2))


def test_fractions_are_shown_times_100_and_other_units_as_they_are():
    assert str(Estimate("acc", 0.5, 0.4, 0.6, 9, "fraction")) == "acc 50.0 [40.0, 60.0] so far"
    assert str(Estimate("rmse", 0.5, 0.4, 0.6, 9, "metres")) == "rmse 0.500 [0.400, 0.600] so far"


def test_a_long_run_tells_its_number_while_it_works(go, toy, tmp_path, monkeypatch):
    told = []

    class Note(Meter):
        def _estimated(self, found):
            told.append(found)

    times = iter(range(0, 10_000, 2))
    monkeypatch.setattr("tasks.watching.Watcher.__init__.__defaults__", (lambda: float(next(times)),))
    model = Oracle()
    go(entry=toy.make_entry(model, sees_truth=True), split=toy.make_split(tmp_path, 30), meter=Note())
    assert told and {found.value for found in told} == {1.0}
    assert [found.n for found in told] == sorted(found.n for found in told)
