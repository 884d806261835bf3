"""Captioning tasks through the command line: NoCaps by domain, and the real captions with real models' results."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.errors import ConfigError, DataError
from benchmarks.schema import ImageRef, Prediction, Sample, TextTarget
from tasks.caption import configure

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data"
MINI = SHARED / "coco_captions_mini"


@pytest.fixture(autouse=True)
def without_meteor(monkeypatch):
    """Leave METEOR out: its program takes seconds to start, and other tests hold it to the official one."""
    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "left out for speed")


def computed(outcome):
    return {key: value for key, value in outcome.json["metrics"].items() if value is not None}


@pytest.fixture
def nocaps(small_world):
    content = json.loads((small_world / "nocaps" / "nocaps_val_4500_captions.json").read_text())
    images = {image["id"]: image for image in content["images"]}
    first = {each["image_id"]: each["caption"] for each in reversed(content["annotations"])}
    # every photo gets the caption of the next one
    said = dict(zip(images, [*list(first.values())[-2::-1], first[max(images)]], strict=True))
    return content, images, [{"image_id": number, "caption": text} for number, text in said.items()]


def test_a_domain_scores_as_its_own_official_files_do(refbench, small_world, nocaps, tmp_path):
    content, images, results = nocaps
    (path := tmp_path / "results.json").write_text(json.dumps(results))
    done = refbench("score", "--task", "nocaps", "--predictions", path, "--data-root", small_world, "--json")
    for domain, key in (("in", "cider_in"), ("near", "cider_near"), ("out", "cider_out"), (None, "cider")):
        own = {number for number, image in images.items() if domain is None or image["domain"] == f"{domain}-domain"}
        truth = {
            "images": [image for image in content["images"] if image["id"] in own],
            "annotations": [each for each in content["annotations"] if each["image_id"] in own],
        }
        (targets := tmp_path / "truth.json").write_text(json.dumps(truth))
        words = ("--targets", targets, "--predictions", path, "--option", "meteor=no", "--json")
        official = refbench("score", "captions", *words).json["metrics"]
        assert done.json["metrics"][key] == pytest.approx(official["cider"], abs=1e-12)  # the same arithmetic
    assert done.json["metrics"]["cider"] > 0


def test_domains_need_tags_and_there_is_no_other_way():
    sample = Sample("a/b/image-1", ImageRef(Path("a.jpg"), (1, 1)), "1", "", TextTarget(("A cat.",)))
    with pytest.raises(DataError, match="a/b/image-1 has no domain"):
        configure({"domains": "own"}).measure_all([sample], [Prediction(sample.id, "ok", "A cat.")])
    with pytest.raises(ConfigError, match="protocol option domains is 'all'"):
        configure({"domains": "all"})


@pytest.mark.parametrize("task", ["nocaps", "flickr30k_captions", "textcaps"])
def test_the_constant_gains_nothing(refbench, small_world, task):
    words = ("--model", "constant", "--data-root", small_world, "--json")
    for row in refbench("eval", "--task", task, *words).json["rows"]:
        assert max(value for value in row["metrics"].values() if value is not None) < 1e-9  # BLEU begins at 1e-15


@pytest.fixture
def real_coco(tmp_path):
    """Forty photos with their real captions in the layout of Karpathy's split; the photos are blank."""
    content = json.loads((MINI / "captions_val2014_subset.json").read_text())
    (photos := tmp_path / "data" / "images" / "val2014").mkdir(parents=True)
    images = {
        image["id"]: {"cocoid": image["id"], "filename": image["file_name"], "split": "test", "sentences": []}
        for image in content["images"]
    }
    for each in content["annotations"]:
        images[each["image_id"]]["sentences"].append({"raw": each["caption"]})
    for image in images.values():
        Image.new("L", (5, 4)).save(photos / image["filename"])
    (tmp_path / "data" / "karpathy").mkdir()
    (tmp_path / "data" / "karpathy" / "dataset_coco.json").write_text(json.dumps({"images": list(images.values())}))
    return tmp_path / "data"


@pytest.mark.skipif(not MINI.is_dir(), reason="the official files are not here")
@pytest.mark.parametrize(
    ("name", "answered", "strange"),
    [("results_gpt4_detail", 15, 0), ("captions_val2014_fakecap_results", 2, 998)],
)
def test_real_results_score_as_the_metric_scores_them(refbench, real_coco, name, answered, strange):
    path = MINI / f"{name}.json"
    words = ("--predictions", path, "--data-root", real_coco, "--split", "test", "--json")
    done = refbench("score", "--task", "coco_captions", *words)
    truth = ("--targets", MINI / "captions_val2014_subset.json", "--predictions", path, "--option", "meteor=no")
    official = refbench("score", "captions", *truth, "--json")
    assert (done.json["n"], done.json["missing"]) == (40, 40 - answered)
    assert computed(done) == pytest.approx(computed(official), abs=1e-12)  # the same arithmetic
    assert done.json["metrics"]["bleu1"] > 0
    assert (f"{strange} answers belong to no sample of the split" in done.err) == bool(strange)


@pytest.mark.skipif(not MINI.is_dir(), reason="the official files are not here")
def test_real_output_lines_are_read_as_they_are(refbench, real_coco):
    path = SHARED / "vlm_raw_outputs" / "pope_Instruction2_instructblip.json"
    words = ("--predictions", path, "--data-root", real_coco, "--split", "test", "--json")
    done = refbench("score", "--task", "coco_captions", *words)
    assert (done.json["n"], done.json["missing"]) == (40, 38)
    assert "1998 answers belong to no sample" in done.err


@pytest.mark.skipif(not MINI.is_dir(), reason="the official files are not here")
def test_the_head_of_the_real_textcaps_file_is_evaluated(refbench, tmp_path):
    content = json.loads((SHARED / "vqa_samples" / "TextCaps_0.1_val.sample.json").read_text())
    (photos := tmp_path / "data" / "textvqa" / "train_images").mkdir(parents=True)
    (tmp_path / "data" / "textvqa" / "TextCaps_0.1_val.json").write_text(json.dumps(content))
    for image_id in {each["image_id"] for each in content["data"]}:
        Image.new("RGB", (8, 6)).save(photos / f"{image_id}.jpg")
    words = ("eval", "--task", "textcaps", "--data-root", tmp_path / "data", "--model", "oracle", "--json")
    [row] = refbench(*words).json["rows"]
    assert (row["n"], row["data"], row["metrics"]["bleu4"]) == (99, "official", pytest.approx(1, abs=1e-6))
