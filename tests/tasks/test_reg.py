"""Region captions through the command line, on the sample world and on real photos."""

import json
import os
from pathlib import Path

import pytest

REAL = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data/refcoco_mini"


@pytest.fixture(autouse=True)
def without_meteor(monkeypatch):
    """Leave METEOR out: its program takes seconds to start, and other tests hold it to the official one."""
    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "left out for speed")


@pytest.mark.parametrize(("task", "split"), [("refcocog_reg", "test"), ("vg_reg", "test")])
def test_results_by_ref_or_region_score_as_the_metric_scores_them(refbench, small_world, tmp_path, task, split):
    from benchmarks.registry import benchmark
    from tasks.registry import find

    samples = benchmark(find(task).benchmark).open(small_world, split, "sample").samples
    numbers = [int(sample.id.rpartition("-")[2]) for sample in samples]
    references = [sample.target.answers for sample in samples]
    said = [own[0] if k % 2 else references[k - 1][0] for k, own in enumerate(references)]
    results = [{"image_id": number, "caption": text} for number, text in zip(numbers, said, strict=True)][1:]
    truth = {
        "images": [{"id": number} for number in numbers],
        "annotations": [
            {"image_id": number, "caption": text}
            for number, own in zip(numbers, references, strict=True)
            for text in own
        ],
    }
    (path := tmp_path / "results.json").write_text(json.dumps(results))
    (targets := tmp_path / "truth.json").write_text(json.dumps(truth))
    words = ("--predictions", path, "--data-root", small_world, "--split", split, "--json")
    done = refbench("score", "--task", task, *words).json
    official = refbench(
        "score", "captions", "--targets", targets, "--predictions", path, "--option", "meteor=no", "--json"
    ).json
    computed = {key: value for key, value in official["metrics"].items() if value is not None}
    assert done["missing"] == official["missing"] == 1
    assert done["metrics"] == pytest.approx(computed, abs=1e-12)  # the same arithmetic
    assert done["metrics"]["cider"] > 0


@pytest.mark.parametrize("task", ["refcocog_reg", "vg_reg"])
def test_the_constant_gains_nothing(refbench, small_world, task):
    words = ("--model", "constant", "--data-root", small_world, "--json")
    for row in refbench("eval", "--task", task, *words).json["rows"]:
        assert max(row["metrics"].values()) < 1e-9  # BLEU begins at 1e-15


@pytest.mark.skipif(not REAL.is_dir(), reason="the real photos are not here")
def test_real_objects_are_evaluated(refbench):
    words = ("--model", "oracle", "--data-root", REAL, "--json")
    rows = refbench("eval", "--task", "refcocog_reg", *words).json["rows"]
    assert sum(row["n"] for row in rows) == 3
    assert all(row["metrics"]["bleu1"] == pytest.approx(1, abs=1e-6) for row in rows)  # official BLEU's small constants
