"""Video captions through the command line, on the sample world."""

import json

import pytest


@pytest.fixture(autouse=True)
def without_meteor(monkeypatch):
    """Leave METEOR out: its program takes seconds to start, and other tests hold it to the official one."""
    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "left out for speed")


def test_results_by_video_score_as_the_metric_scores_them(refbench, small_world, tmp_path):
    content = json.loads((small_world / "msrvtt" / "test_videodatainfo.json").read_text())
    names = [video["video_id"] for video in content["videos"]]
    own = {name: [each["caption"] for each in content["sentences"] if each["video_id"] == name] for name in names}
    said = {name: own[names[k - 1]][k] for k, name in enumerate(names)}
    rows = [{"video_id": name, "caption": text} for name, text in said.items()]
    (path := tmp_path / "results.json").write_text(json.dumps(rows))
    done = refbench("score", "--task", "msrvtt_captions", "--predictions", path, "--data-root", small_world, "--json")
    (coco := tmp_path / "coco.json").write_text(
        json.dumps([{"image_id": row["video_id"], "caption": row["caption"]} for row in rows])
    )
    truth = {
        "images": [{"id": name} for name in names],
        "annotations": [{"image_id": name, "caption": text} for name in names for text in own[name]],
    }
    (targets := tmp_path / "truth.json").write_text(json.dumps(truth))
    words = ("--targets", targets, "--predictions", coco, "--option", "meteor=no", "--json")
    official = refbench("score", "captions", *words).json["metrics"]
    computed = {key: value for key, value in official.items() if value is not None}
    assert len(own[names[0]]) == 20
    assert done.json["metrics"] == pytest.approx(computed, abs=1e-12)  # the same arithmetic


@pytest.mark.parametrize("task", ["msrvtt_captions", "tgif_captions"])
def test_the_constant_gains_nothing(refbench, small_world, task):
    words = ("--model", "constant", "--data-root", small_world, "--json")
    [row] = refbench("eval", "--task", task, *words).json["rows"]
    assert max(row["metrics"].values()) < 1e-9  # BLEU begins at 1e-15
