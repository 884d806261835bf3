"""The kind `ordinal` through the command line, its one option, and answers that cannot be scored."""

import numpy as np
import pytest

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import ConfigError, DataError, UnknownName
from benchmarks.registry import benchmark
from benchmarks.schema import Prediction
from metrics.ordinal import draw
from tasks.ordinal import configure
from tasks.registry import find

TASK = "hrwsi_ordinal"


@pytest.fixture
def samples(small_world):
    return benchmark("hrwsi").open(small_world, "val", "sample").samples


@pytest.fixture
def noisy(samples, tmp_path):
    """A folder of maps for the photos of the sample world, named as they are."""
    (folder := tmp_path / "maps").mkdir()
    rng = np.random.default_rng(5)
    for sample in samples:
        disparity = sample.target.load()
        depth = rng.uniform(0.7, 1.4, disparity.shape) * 1000 / np.nan_to_num(disparity, nan=1)
        np.save(folder / f"{sample.target.names[0]}.npy", depth.astype(np.float32))
    return folder


def answer_of(sample, values):
    return Prediction(sample.id, "ok", depth=DepthMap(values=values))


def test_the_oracle_never_errs_and_the_constant_does(refbench, small_world):
    words = ("eval", "--task", TASK, "--data-root", small_world, "--json", "--model")
    [oracle] = refbench(*words, "oracle").json["rows"]
    [constant] = refbench(*words, "constant").json["rows"]
    assert oracle["metrics"]["ordinal_error"] == 0
    assert constant["metrics"]["ordinal_error"] > 0.4


def test_the_sample_world_has_holes_and_different_units(samples):
    assert len(samples) >= 2
    for sample in samples:
        holes = np.isnan(sample.target.load())
        assert 0.05 < holes.mean() < 0.15
        assert np.nanmax(sample.target.load()) > 10_000


def test_a_run_and_a_folder_give_what_the_pairs_say(refbench, small_world, noisy, samples):
    words = ("score", "--task", TASK, "--predictions", noisy, "--json", "--data-root", small_world)
    done = refbench(*words).json
    errors = []
    for sample in samples:
        disparity = sample.target.load()
        valid = ~np.isnan(disparity)
        first, second = draw(sample.id, int(valid.sum()))
        told = 1 / np.load(noisy / f"{sample.target.names[0]}.npy").astype(np.float64)
        orders = [
            np.select([a >= 1.03 * b, b >= 1.03 * a], [1, -1])
            for a, b in ((each[valid][first], each[valid][second]) for each in (disparity.astype(np.float64), told))
        ]
        errors.append(np.mean(orders[0] != orders[1]))
    # a pair at the very edge may fall on the other side in float64: one of 50,000 is 2e-5
    assert done["metrics"]["ordinal_error"] == pytest.approx(np.mean(errors), abs=1e-4)
    assert 0.05 < np.mean(errors) < 0.6


def test_a_missing_map_errs_on_every_pair(refbench, small_world, noisy, samples):
    kind = find(TASK).kind
    for name in (sample.target.names[0] for sample in samples[1:]):
        (noisy / f"{name}.npy").unlink()
    words = ("score", "--task", TASK, "--predictions", noisy, "--json", "--data-root", small_world)
    done = refbench(*words).json
    depth = np.load(noisy / f"{samples[0].target.names[0]}.npy")
    own = kind.measure(samples[0], answer_of(samples[0], depth))["ordinal"]["ordinal_error"]
    assert done["missing"] == len(samples) - 1
    assert done["metrics"]["ordinal_error"] == pytest.approx((own + len(samples) - 1) / len(samples), abs=1e-12)
    for failed in (Prediction(samples[0].id, "ok"), Prediction(samples[0].id, "failed")):
        assert kind.measure(samples[0], failed)["ordinal"]["ordinal_error"] == 1


def test_another_size_is_refused_unless_the_protocol_resizes(refbench, small_world, noisy, samples):
    sample, strict, lenient = samples[0], find(TASK).kind, configure({"resize": "half_pixel"})
    depth = np.load(noisy / f"{sample.target.names[0]}.npy")
    small = answer_of(sample, depth[::2, ::2])
    query = sample.query("", "depth")
    assert strict.refuse(query, small) == "the depth map is (64, 64) but its photo (128, 128) (rows, columns)"
    assert strict.refuse(query, answer_of(sample, depth)) == lenient.refuse(query, small) == ""
    with pytest.raises(DataError, match=rf"{sample.id}: the prediction is \(64, 64\)"):
        strict.measure(sample, small)
    assert lenient.measure(sample, small)["ordinal"]["ordinal_error"] < 0.6
    assert (strict.metrics[0].protocol, lenient.metrics[0].protocol) == ("ordinal/1", "ordinal/1 resize=half_pixel")
    np.save(path := noisy / f"{sample.target.names[0]}.npy", depth[::2, ::2])
    done = refbench("score", "--task", TASK, "--predictions", noisy, "--data-root", small_world)
    assert (done.code, f"{path.name}: the prediction is (64, 64)" in done.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"size": "none"}, UnknownName, "no protocol option is called 'size'"),
        ({"resize": "paste_kb"}, ConfigError, "protocol option resize is 'paste_kb', not one of none"),
    ],
)
def test_options_there_are_not_are_told(options, error, said):
    with pytest.raises(error, match=said):
        configure(options)


def test_what_the_numbers_compare_with_is_said_wherever_the_task_is_shown():
    task = find(TASK)
    assert "compares only between runs of refbench" in task.description
    assert "compare only between runs of refbench" in task.kind.metrics[0].card.source
