"""The kind `gcg` through the command line, held to `refbench score gcg` and to the golden figures of GLaMM's script."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.errors import ConfigError, UnknownName
from benchmarks.registry import benchmark
from benchmarks.schema import Group, Instance, Prediction
from metrics import gcg as metric
from metrics import meteor
from metrics.errors import DataError
from tasks import kinds
from tasks.gcg import measure_all, perfect

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
GOLDEN = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics")) / "gcg"
CLOSE = 1e-9
"""Both sides sum the same doubles; only the order of a sum may differ."""


@pytest.fixture(autouse=True)
def no_java(monkeypatch):
    """METEOR starts a Java process; its numbers are held to the jar's elsewhere."""
    monkeypatch.setattr(meteor, "unavailable", lambda: "not in this test")
    monkeypatch.setattr("metrics.gcg_files.unavailable", lambda: "not in this test")


@pytest.fixture
def samples(small_world):
    return benchmark("grandf").open(small_world, "test", "sample").samples


def lines(samples):
    """GLaMM's form of half-right answers: half of the objects, the last phrase wrong."""
    for sample in samples:
        truth, kept = sample.target, slice(0, None, 2)
        phrases = list(truth.labels[kept])
        phrases[-1] = "nothing of the kind"
        masks = [dict(mask) for mask in truth.masks[kept]]
        caption = " ".join(truth.caption.split()[:5])
        yield {"image_id": sample.image_id, "caption": caption, "phrases": phrases, "pred_masks": masks}


def test_a_list_and_a_folder_of_answers_score_as_the_metric_does(refbench, small_world, samples, tmp_path):
    answers = list(lines(samples))[1:]
    (listing := tmp_path / "answers.json").write_text(json.dumps(answers))
    (folder := tmp_path / "answers").mkdir()
    for each in answers:
        (folder / f"{each['image_id']}.json").write_text(json.dumps(each))
    targets = small_world / "GranDf/annotations/val_test/test_gcg_coco_mask_gt.json"
    official = refbench("score", "gcg", "--targets", targets, "--predictions", listing, "--json").json
    for path in (listing, folder):
        words = ("--predictions", path, "--split", "test", "--data-root", small_world, "--json")
        done = refbench("score", "--task", "grandf_gcg", *words).json
        assert (done["n"], done["missing"], done["protocol"]) == (len(samples), 1, official["protocol"])
        want = {key: value for key, value in official["metrics"].items() if value is not None}
        assert done["metrics"] == pytest.approx(want, abs=CLOSE)
    assert 0 < done["metrics"]["ap50"] < 1
    assert 0 < done["metrics"]["recall"] < 1


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="golden files are absent")
def test_golden_answers_score_through_the_task_as_glamms_script_does(refbench, tmp_path):
    (annotations := tmp_path / "GranDf/annotations/val_test").mkdir(parents=True)
    (photos := tmp_path / "GranDf_HA_images/val_test").mkdir(parents=True)
    for what in ("mask", "caption"):
        content = (GOLDEN / f"gcg_coco_{what}_gt.json").read_text()
        (annotations / f"val_gcg_coco_{what}_gt.json").write_text(content)
    for image in json.loads(content)["images"]:
        Image.new("RGB", (image["width"], image["height"])).save(photos / f"{image['id']}.jpg")
    answers = [json.loads(line) for line in (GOLDEN / "predictions.jsonl").read_text().splitlines()]
    (path := tmp_path / "answers.json").write_text(json.dumps(answers))
    done = refbench("score", "--task", "grandf_gcg", "--predictions", path, "--data-root", tmp_path, "--json").json
    want = json.loads((GOLDEN / "expected.json").read_text())
    names = {"ap50": "AP50", "miou": "mIoU", "recall": "recall", "cider": "CIDEr"}
    assert {key: done["metrics"][key] for key in names} == pytest.approx(
        {key: want[name] for key, name in names.items()}, abs=CLOSE
    )


def test_a_failed_answer_keeps_its_objects_unfound(samples):
    answers = [perfect(sample) for sample in samples]
    answers[0] = Prediction(samples[0].id, "failed", text=samples[0].target.caption, groups=answers[0].groups)
    rows = measure_all(samples, answers)["gcg"]
    assert (rows[0]["hits"], rows[0]["objects"], rows[0]["category"]) == (0, len(samples[0].target.labels), [])
    scores = metric.aggregate(rows)
    assert scores["recall"] == pytest.approx(1 - rows[0]["objects"] / sum(row["objects"] for row in rows))
    assert scores["miou"] == pytest.approx(1 - 1 / len(rows))


def test_several_masks_of_a_phrase_are_masks_of_their_own(samples):
    truth = samples[0].target
    group = Group(truth.labels[0], "mask", tuple(Instance(mask_rle=mask) for mask in truth.masks))
    row = measure_all(samples[:1], [Prediction(samples[0].id, "ok", groups=(group,))])["gcg"][0]
    assert (row["iou_mean"], len(row["category"])) == (1.0, len(truth.masks))
    assert row["hits"] < len(truth.masks)


def test_the_constant_describes_nothing(refbench, small_world):
    words = ("eval", "--task", "grandf_gcg", "--model", "constant", "--data-root", small_world, "--json")
    for row in refbench(*words).json["rows"]:
        assert row["metrics"]["recall"] == row["metrics"]["cider"] == 0
        assert {"miou", "miou_penalised", "recall"} <= set(row["intervals"])
        assert max(row["metrics"][key] for key in ("ap50", "miou_penalised")) < 0.3


def test_answers_of_unknown_photos_are_refused(refbench, small_world, samples, tmp_path):
    answers = [{**each, "image_id": "sa_1"} for each in list(lines(samples))[:1]]
    (path := tmp_path / "answers.json").write_text(json.dumps(answers))
    words = ("--predictions", path, "--split", "test", "--data-root", small_world)
    done = refbench("score", "--task", "grandf_gcg", *words)
    assert (done.code, "1 of 1 ids are not of grandf test" in done.err) == (2, True)


def test_phrases_can_be_compared_by_a_local_bert(samples, tmp_path):
    kind = kinds.find("gcg").configure({"text": "bert", "bert": str(tmp_path)})
    assert kind.metrics[0].protocol == "gcg/1 text=bert"
    with pytest.raises(DataError, match="holds no BERT model"):
        kind.rows(samples, [perfect(sample) for sample in samples])


def test_options_that_do_not_fit_are_refused():
    configure = kinds.find("gcg").configure
    assert configure({"text": "jaccard"}) is kinds.find("gcg")
    with pytest.raises(UnknownName, match="did you mean text"):
        configure({"texts": "bert"})
    with pytest.raises(UnknownName, match="did you mean bert"):
        configure({"text": "brt"})
    for options in ({"text": "bert"}, {"bert": "folder"}):
        with pytest.raises(ConfigError, match="belong together"):
            configure(options)


def test_the_caption_is_what_an_answer_in_the_triplet_grammar_says(samples):
    truth = [perfect(sample) for sample in samples]
    body = [f"<Phrase>{each.text}</Phrase>(<Unit>mask</Unit>[0]<REF>)" for each in truth]
    written = [
        replace(each, text=f"<Task>\nUnit decode (True).\n</Task>\n{own}")
        for each, own in zip(truth, body, strict=True)
    ]
    assert measure_all(samples, written) == measure_all(samples, truth)
