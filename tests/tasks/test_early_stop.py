import json
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.errors import ConfigError, UnknownName
from results.table import rows_table
from tasks import early_stop, kinds, predictions
from tasks.early_stop import Baseline, interval, looks
from tasks.models.oracle import Oracle
from tasks.run import RunOptions, evaluate


@pytest.fixture
def half():
    """The truth for half of the samples, nothing for the others."""

    class Half(Oracle):
        asked = 0

        def predict(self, queries):
            type(self).asked += len(queries)
            found = super().predict(queries)
            wrong = [int(each.sample_id.split("/")[-1]) % 2 == 1 for each in found]
            return [replace(each, groups=()) if bad else each for each, bad in zip(found, wrong, strict=True)]

    Half.asked = 0
    return Half()


def run(go, toy, tmp_path, model, baseline, count=300, **options):
    """Three samples to a batch, so that there are a hundred of them."""
    entry = toy.make_entry(model, sees_truth=True)
    stop = None if baseline is None else Baseline.read(baseline)
    return go(entry=entry, split=toy.make_split(tmp_path, count), early_stop=stop, **options)


def test_a_run_that_is_clearly_worse_is_stopped_and_never_looks_whole(go, toy, tmp_path, half):
    record = run(go, toy, tmp_path, half, "acc@0.5=0.9")
    stopped = record.stopped_early
    assert stopped.high < 0.9 < 1
    assert stopped.n == record.n == record.coverage.seen < record.coverage.expected == 300
    assert half.asked == record.n
    table = rows_table([record])
    assert f"{record.n} of 300, stopped early" in table
    assert "coverage: exact" not in table
    content = json.loads((tmp_path / "runs" / record.run / "run.json").read_text())
    assert content["state"] == "stopped early"
    assert json.loads((tmp_path / "runs" / record.run / "result.json").read_text())["stopped_early"]["of"] == 300


def test_without_the_option_the_same_run_goes_on_to_the_whole(go, toy, tmp_path, half):
    part = run(go, toy, tmp_path, half, "acc@0.5=0.9")
    whole = run(go, toy, tmp_path, half, None)
    assert part.run == whole.run
    assert (whole.n, whole.stopped_early, whole.coverage.is_exact, half.asked) == (300, None, True, 300)
    assert run(go, toy, tmp_path, half, None, out="other").to_json() == whole.to_json()


def test_overlays_are_drawn_of_whole_runs_only(toy, tmp_path, half):
    drawn = []
    for stop in (Baseline("acc@0.5", 0.9), None):
        options = RunOptions(out=tmp_path / "runs", batch_size=3, early_stop=stop)
        entry = toy.make_entry(half, sees_truth=True)
        evaluate(toy.make_task("rec"), toy.make_split(tmp_path, 300), entry, options, after=drawn.append)
    assert [len(job.samples) for job in drawn] == [300]


def test_the_decision_is_repeated_without_asking_again(go, toy, tmp_path, half):
    first = run(go, toy, tmp_path, half, "acc@0.5=0.9")
    lines = (tmp_path / "runs" / first.run / "predictions.jsonl").read_bytes()
    asked = half.asked
    assert run(go, toy, tmp_path, half, "acc@0.5=0.9") == first
    assert half.asked == asked
    assert (tmp_path / "runs" / first.run / "predictions.jsonl").read_bytes() == lines


@pytest.mark.parametrize("baseline", ["acc@0.5=0.5", "acc@0.5=0.1"])
def test_a_run_that_is_as_good_or_better_is_run_whole(go, toy, tmp_path, half, baseline):
    record = run(go, toy, tmp_path, half, baseline)
    assert (record.n, record.stopped_early) == (300, None)


def test_a_perfect_or_useless_start_is_not_taken_for_certainty(go, toy, tmp_path):
    record = run(go, toy, tmp_path, Oracle(), "acc@0.5=0.9999", count=60)
    assert record.stopped_early is None


def test_another_run_is_a_baseline_on_the_same_samples_only(go, toy, tmp_path, half):
    good = run(go, toy, tmp_path, Oracle(), None, out="good")
    folder = str(tmp_path / "good" / good.run)
    assert run(go, toy, tmp_path, half, folder).stopped_early.baseline == 1.0
    with pytest.raises(ConfigError, match=r"has 300 samples .* run it on the same ones"):
        run(go, toy, tmp_path, half, folder, count=40)
    bad = run(go, toy, tmp_path, half, "acc@0.5=0.9")
    with pytest.raises(ConfigError, match="no final number"):
        Baseline.read(str(tmp_path / "runs" / bad.run))


def test_a_baseline_that_cannot_be_used_is_refused(go, toy, tmp_path):
    for text in ("nowhere", "acc@0.5=high"):
        with pytest.raises(ConfigError, match="neither a run directory nor KEY=VALUE"):
            Baseline.read(text)
    with pytest.raises(UnknownName, match=r"acc@0\.5"):
        Baseline.read("acc@0.55=0.9").check([kinds.find("rec")])
    Baseline.read("acc@0.5=0.9").check([kinds.find("rec")])


def test_looks_share_the_error_that_is_allowed():
    plan = looks(100)
    assert [count for count, _ in plan] == list(range(5, 100, 5))
    assert 0.04 < sum(spent for _, spent in plan) < early_stop.ALPHA
    assert looks(5) == []


def test_the_interval_is_that_of_a_ratio_drawn_without_replacement():
    """By hand: mean 0.5, s = sqrt(1/3), fpc = 1/2, t(3, 0.975) = 3.1824."""
    over, under = np.array([0.0, 1.0, 0.0, 1.0]), np.ones(4)
    value, low, high = interval(over, under, 8, 0.05, bounded=False)
    half = 3.182446 * np.sqrt((1 / 3) / 4 * (1 - 4 / 8))
    assert (value, low, high) == pytest.approx((0.5, 0.5 - half, 0.5 + half), abs=1e-6)
    assert interval(np.ones(4), under, 8, 0.05, bounded=False)[1:] == (-np.inf, np.inf)


def test_runs_as_good_as_the_baseline_are_hardly_ever_stopped():
    """400 splits of 60 batches whose whole number is the baseline itself: 5 % may miss, half of them below."""
    random, stopped = np.random.default_rng(0), 0
    for _ in range(400):
        hits = random.binomial(8, random.uniform(0.2, 0.8), 60).astype(float)
        under = np.full(60, 8.0)
        truth = hits.sum() / under.sum()
        stopped += any(interval(hits[:k], under[:k], 60, spent, True)[2] < truth for k, spent in looks(60))
    assert stopped <= 0.025 * 400


def test_several_processes_stop_at_the_same_samples(toy, tmp_path):
    """Only whole prefixes of one order count, so what finished first does not matter."""
    split = toy.make_split(tmp_path, 90)
    from tasks import order

    batches = order.plan(split.samples, 3)
    verdicts = []
    for arrival in (list(reversed(batches)), early_stop.in_random_order(batches)):
        job = type("Job", (), {"task": toy.make_task("rec"), "split": split, "samples": split.samples, "title": "toy"})
        judge, found = Baseline("acc@0.5", 0.9).judge(job, batches), None
        for batch in arrival:
            judge.add(batch, [predictions.Prediction(sample.id, "failed") for sample in batch.samples])
            found = found or judge.verdict()
        verdicts.append(found)
    assert verdicts[0] == verdicts[1] is not None
