"""Referring metrics equal their official evaluators on the golden files; tolerances are those that the files state.

The plain rows of whole official splits check them at full scale, with answers whose score is known beforehand.
"""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest

from metrics import gres, referring_boxes, referring_masks
from metrics.boxes import box_iou_xywh, mattnet_iou_xywh
from metrics.masks import area, empty, inter_union

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[1] / "../shared"))
GOLDEN = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics"))
ROWS = SHARED / "data/rec_full_json"
MINI = SHARED / "data/refcoco_mini"
SCORE = {scorer.name: scorer.score for scorer in [*referring_boxes.SCORERS, *referring_masks.SCORERS]}
IOUS = {"coco": box_iou_xywh, "torchvision_f32": box_iou_xywh, "mattnet_plus1": mattnet_iou_xywh}


def expected(family):
    path = GOLDEN / family / "expected.json"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return json.loads(path.read_text())


def report(name, folder, **options):
    return SCORE[name](GOLDEN / folder, GOLDEN / folder / "predictions.jsonl", options)


def refs(folder, name):
    content = json.loads((GOLDEN / folder / name).read_text())
    return [(ref, sentence["sent_id"]) for ref in content for sentence in ref["sentences"]]


def test_every_box_iou_equals_the_official_one():
    want = expected("rec")
    pairs = referring_boxes.read_pairs(GOLDEN / "rec", GOLDEN / "rec/predictions.jsonl", "all", "xywh")
    sentences = [str(sent_id) for _, sent_id in refs("rec", "refs.json")]
    assert set(sentences) == set(want["per_sentence_iou"])
    for sentence, pair in zip(sentences, pairs, strict=True):
        for tool, iou in IOUS.items():
            # The float32 tool is met at its own, coarser tolerance by the float64 IoU.
            ours = 0.0 if pair.top_xywh is None else iou(pair.top_xywh, pair.target_xywh)
            assert ours == pytest.approx(want["per_sentence_iou"][sentence][tool], abs=want["tolerance"][tool]), (
                sentence
            )


def test_pixel_counts_of_every_expression_are_exact():
    want = expected("res")["per_sentence"]
    pairs = referring_masks.read_pairs(GOLDEN / "res", GOLDEN / "res/predictions.jsonl", "all")
    sentences = [str(sent_id) for _, sent_id in refs("res", "grefs.json")]
    assert set(sentences) == set(want)
    for sentence, pair in zip(sentences, pairs, strict=True):
        blank = empty(pair.size_hw)
        pred, target = pair.pred or blank, pair.target or blank
        union = gres.measure(pair.pred, pair.target, pair.flag())["union"]
        ours = {"I": inter_union(pred, target)[0], "U": union, "gt_area": area(target), "pred_area": area(pred)}
        assert {**ours, "gt_nt": pair.target is None, "pred_nt": pair.flag()} == want[sentence], sentence


def test_our_rules_differ_from_lisa_by_the_unanswered_empty_union_only():
    want, ours = expected("res"), report("res", "res")
    lines = map(json.loads, (GOLDEN / "res/predictions.jsonl").read_text().splitlines())
    answered = {(line["ref_id"], line["sent_id"]) for line in lines}
    absent = {(ref["ref_id"], sent_id) for ref, sent_id in refs("res", "grefs.json") if ref["no_target"]}
    lisa = want["LISA_all_samples"]["giou"] - len(absent - answered) / ours.n
    assert ours.metrics["giou"] == pytest.approx(lisa, abs=want["tolerance"]["LISA"])


def whole_splits():
    return sorted(ROWS.glob("*.json")) if ROWS.is_dir() else []


@pytest.fixture
def full(tmp_path):
    """Answer every row of an official split by a rule and score it."""

    def score(path, answer, **options):
        rows = json.loads(path.read_text())
        lines = [json.dumps({"index": i, "bbox": answer(row)}) for i, row in enumerate(rows)]
        (tmp_path / "answers.jsonl").write_text("\n".join(lines))
        return SCORE["rec"](path, tmp_path / "answers.jsonl", options), rows

    return score


def shifted(row):
    """Move the box right by a third of its width: IoU (2/3) / (4/3) = 1/2 for every box."""
    x, y, w, h = row["bbox"]
    return [x + w / 3, y, w, h]


@pytest.mark.parametrize("path", whole_splits(), ids=lambda path: path.stem)
class TestWholeSplits:
    def test_the_true_box_is_always_right(self, full, path):
        result, rows = full(path, lambda row: row["bbox"])
        assert (result.n, result.missing, result.malformed) == (len(rows), 0, 0)
        assert [result.metrics[f"acc@{t}"] for t in (0.25, 0.5, 0.75)] == [1.0, 1.0, 1.0]
        # x + w - x differs from w in the last bits, as it does in pycocotools.
        assert result.metrics["miou"] == pytest.approx(1, abs=1e-12)

    def test_a_box_shifted_by_a_third_is_one_half(self, full, path):
        result, _ = full(path, shifted)
        assert (result.metrics["acc@0.25"], result.metrics["acc@0.75"]) == (1.0, 0.0)
        assert result.metrics["miou"] == pytest.approx(0.5, abs=1e-12)

    def test_the_whole_image_scores_the_share_that_the_target_fills(self, full, path):
        result, rows = full(path, lambda row: [0, 0, row["width"], row["height"]])
        filled = [row["bbox"][2] * row["bbox"][3] / (row["width"] * row["height"]) for row in rows]
        # Boxes that reach over the image's edge by a rounding error move the mean by less than 1e-6.
        assert result.metrics["miou"] == pytest.approx(math.fsum(filled) / len(filled), abs=1e-6)
        assert result.metrics["acc@0.5"] == pytest.approx(np.mean(np.array(filled) >= 0.5), abs=1e-4)

    def test_many_boxes_never_beat_the_first_of_them(self, full, path):
        image = [[0, 0, 10, 10]]
        one, _ = full(path, lambda row: image[0])
        many, _ = full(path, lambda row: image + [row["bbox"]] * 24)
        assert many == one

    def test_silence_scores_zero(self, full, path):
        result, rows = full(path, lambda row: None)
        assert (result.n, result.missing, set(result.metrics.values())) == (len(rows), len(rows), {0.0})


@pytest.mark.parametrize("name", ["refcoco", "refcoco+", "refcocog"])
def test_real_references_answered_with_their_annotations_score_one(name, tmp_path):
    if not (MINI / name).is_dir():
        pytest.skip(f"{MINI / name} is absent")
    path = next((MINI / name).glob("refs(*.json"))
    annotations = {a["id"]: a for a in json.loads((MINI / name / "instances.json").read_text())["annotations"]}
    lines = [
        {"ref_id": ref["ref_id"], "sent_id": sentence["sent_id"], **annotations[ref["ann_id"]], "no_target": False}
        for ref in json.loads(path.read_text())
        for sentence in ref["sentences"]
    ]
    (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, lines)))
    rec = SCORE["rec"](MINI / name, tmp_path / "answers.jsonl", {})
    res = SCORE["res"](path, tmp_path / "answers.jsonl", {})
    assert (rec.metrics["acc@0.75"], rec.n, rec.missing) == (1.0, len(lines), 0)
    assert (set(res.metrics.values()), res.n) == ({1.0}, len(lines))
