import numpy as np
import pytest
from scipy.stats import binom

from results.regression.latency import FEWEST, interval_depth, slowdown

COUNT, BATCH = 120, 4


def batches(scale, seed, spikes=0):
    """Seconds per sample in batches of four, with log-normal noise of 10 % and a few interrupted batches."""
    random = np.random.default_rng(seed)
    each = 0.1 * scale * np.exp(random.normal(0, 0.1, COUNT // BATCH))
    each[random.choice(len(each), spikes, replace=False)] *= 30
    return np.repeat(each, BATCH)


@pytest.fixture
def pair(write_run, tmp_path):
    """Two runs with these seconds."""

    def make(old, new, **facts):
        right = np.ones(COUNT)
        return (write_run(tmp_path / "a", right, seconds=old),
                write_run(tmp_path / "b", right, seconds=new, facts=facts))  # fmt: skip

    return make


def test_the_same_speed_is_a_ratio_of_one_within_its_interval(pair):
    found = slowdown(*pair(batches(1, 1), batches(1, 2)))
    assert found.batches == COUNT // BATCH
    assert found.low < 1 < found.high
    assert found.ratio == pytest.approx(1, abs=0.08)  # three standard errors of a median of 30 ratios with 14 % noise


def test_twice_as_long_is_found_although_some_batches_were_interrupted(pair):
    found = slowdown(*pair(batches(1, 1, spikes=4), batches(2, 2, spikes=4)))
    assert found.low > 1.8
    assert found.ratio == pytest.approx(2, abs=0.16)
    assert found.candidate_s / found.baseline_s == pytest.approx(2, abs=0.3)


def test_a_few_slow_batches_are_no_slow_down(pair):
    found = slowdown(*pair(batches(1, 1), batches(1, 2, spikes=8)))
    assert found.ratio < 1.2
    assert found.low < 1.05


@pytest.mark.parametrize("count", [FEWEST, 7, 9, 17, 30, 500])
def test_the_interval_of_the_median_covers_95_of_100(count):
    depth = interval_depth(count)
    assert 1 - 2 * binom.cdf(depth, count, 0.5) >= 0.95
    assert 1 - 2 * binom.cdf(depth + 1, count, 0.5) < 0.95


def test_samples_of_one_batch_are_one_observation(pair):
    few = np.repeat(np.arange(1.0, FEWEST), COUNT // (FEWEST - 1))
    assert "too few batches" in slowdown(*pair(few, few))


@pytest.mark.parametrize(
    ("facts", "named"),
    [
        ({"host": {"cpus": 64, "machine": "x86_64", "platform": "toy"}}, "host"),
        ({"accelerator": "NVIDIA H200"}, "accelerator"),
        ({"identity": {"device": "cpu", "dtype": "float32", "batch_size": 8}}, "batch_size 4 and 8"),
        ({"ranks": [{}, {}]}, "processes 1 and 2"),
        ({"host": None}, "does not say on which machine"),
        ({"host": 7, "identity": "?", "ranks": 3}, "does not say on which machine"),
    ],
)
def test_runs_on_other_machines_are_not_compared(pair, facts, named):
    assert named in slowdown(*pair(batches(1, 1), batches(1, 2), **facts))


@pytest.mark.parametrize("content", ["", "no json\n", '{"sample_id": 1}\n', '[]\n"x"\nnull\n', "\xff"])
def test_timings_that_cannot_be_read_are_no_timings(pair, content):
    old, new = pair(batches(1, 1), batches(1, 2))
    (new.folder / "timings.jsonl").write_bytes(content.encode("latin-1"))
    assert slowdown(old, new) == "no sample was timed in both runs"
    (new.folder / "timings.jsonl").unlink()
    assert slowdown(old, new) == "no sample was timed in both runs"


def test_samples_without_a_time_are_left_out(pair):
    new = batches(1, 2)
    new[:8] = 0, -1, np.nan, np.inf, 0, 0, 0, 0
    assert slowdown(*pair(batches(1, 1), new)).batches == COUNT // BATCH - 2
