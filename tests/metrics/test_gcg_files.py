import json

import numpy as np
import pytest
from pycocotools import mask as coco

from metrics.errors import DataError
from metrics.gcg_files import score

SIZE = (8, 10)


def rle(top, left, bottom, right, size=SIZE):
    pixels = np.zeros(size, np.uint8, order="F")
    pixels[top:bottom, left:right] = 1
    encoded = coco.encode(pixels)
    return {"size": list(size), "counts": encoded["counts"].decode()}


LEFT, RIGHT = rle(0, 0, 4, 4), rle(4, 5, 8, 10)


def truth():
    images = [{"id": name, "height": 8, "width": 10} for name in ("a", "b")]
    boxes = [("a", LEFT), ("a", RIGHT), ("b", LEFT)]
    annotations = [
        {"id": n, "image_id": i, "category_id": 1, "iscrowd": 0, "area": 16, "bbox": [0, 0, 4, 4], "segmentation": m}
        for n, (i, m) in enumerate(boxes, start=1)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "object"}]}


def described():
    rows = [("a", "a dog and a cat", ["a dog", "a cat"]), ("b", "one big bird", ["one big bird"])]
    annotations = [{"id": n, "image_id": i, "caption": c, "labels": own} for n, (i, c, own) in enumerate(rows)]
    return {"images": [], "annotations": annotations}


def good():
    return [
        {"image_id": "a", "caption": "a dog and a cat", "phrases": ["a cat", "a dog"], "pred_masks": [RIGHT, LEFT]},
        {"image_id": "b", "caption": "one big bird", "phrases": ["one big bird"], "pred_masks": [LEFT]},
    ]


@pytest.fixture
def scored(tmp_path):
    def run(masks=None, captions=None, answers=None, **options):
        (tmp_path / "gt_mask.json").write_text(json.dumps(masks or truth()))
        (tmp_path / "gt_caption.json").write_text(json.dumps(captions or described()))
        path = tmp_path / "answers.json"
        path.write_text(json.dumps(good() if answers is None else answers))
        return score(tmp_path / "gt_mask.json", path, {"meteor": "no", **options})

    return run


def test_the_truth_itself_scores_perfectly(scored):
    report = scored()
    assert (report.n, report.missing, report.malformed) == (2, 0, 0)
    # 1e-6: CIDEr is 10 up to rounding, AP 1 up to the official epsilon
    assert report.metrics == pytest.approx(
        {"ap50": 1.0, "miou": 1.0, "recall": 1.0, "meteor": None, "cider": 10 * 3.5 / 4, "miou_penalised": 1.0},
        abs=1e-6,
    )
    assert report.protocol == "gcg/1 text=jaccard"


def test_a_missing_image_finds_nothing_and_stays(scored):
    report = scored(answers=good()[:1])
    assert (report.n, report.missing) == (2, 1)
    assert report.metrics["miou"] == report.metrics["miou_penalised"] == 0.5
    assert report.metrics["recall"] == pytest.approx(2 / 3)
    assert "first: 'b'" in report.notes[0]


def test_a_mask_of_another_size_is_malformed_and_overlaps_nothing(scored):
    answers = good()
    answers[1]["pred_masks"] = [rle(0, 0, 2, 2, (4, 5))]
    report = scored(answers=answers)
    assert report.malformed == 1
    assert report.metrics["miou"] == 0.5
    assert report.metrics["ap50"] < 1


def test_unknown_images_are_noted(scored):
    extra = {"image_id": "z", "caption": "", "phrases": [], "pred_masks": []}
    assert any("first: 'z'" in note for note in scored(answers=[*good(), extra]).notes)


def test_a_folder_of_files_and_json_lines_are_read_alike(scored, tmp_path):
    want = scored()
    folder = tmp_path / "answers"
    folder.mkdir()
    for row in good():
        row = dict(row)
        (folder / f"{row.pop('image_id')}.json").write_text(json.dumps(row))
    lines = tmp_path / "answers.jsonl"
    lines.write_text("".join(json.dumps(row) + "\n" for row in good()))
    for path in (folder, lines):
        assert score(tmp_path / "gt_mask.json", path, {"meteor": "no"}) == want


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda rows: rows[0].pop("caption"), "entry 0: needs image_id and caption"),
        (lambda rows: rows[0].pop("phrases"), "needs the lists phrases and pred_masks"),
        (lambda rows: rows[0]["phrases"].pop(), "has 2 pred_masks but 1 phrases"),
        (lambda rows: rows[0]["pred_masks"].__setitem__(0, {"size": [8, 10], "counts": "0"}), "do not cover"),
        (lambda rows: rows[0]["pred_masks"].__setitem__(0, 3), "mask 0"),
        (lambda rows: rows.append(rows[0]), "image 'a' is predicted twice"),
        (lambda rows: rows.append(3), "entry 2 of the list is no JSON object"),
    ],
)
def test_broken_predictions_are_named(scored, change, message):
    answers = good()
    change(answers)
    with pytest.raises(DataError, match=message):
        scored(answers=answers)


def test_files_that_do_not_belong_together_are_refused(scored, tmp_path):
    captions = described()
    captions["annotations"][0]["labels"].pop()
    with pytest.raises(DataError, match="image 'a' has 2 masks but 1 labels"):
        scored(captions=captions)
    captions["annotations"].pop()
    with pytest.raises(DataError, match=r"different images \(first: b\)"):
        scored(captions=captions)
    with pytest.raises(DataError, match="names no image"):
        scored(answers=[{"image_id": "z", "caption": "", "phrases": [], "pred_masks": []}])
    with pytest.raises(DataError, match="needs image_id and caption"):
        scored(answers={})
    (tmp_path / "truth.json").write_text(json.dumps(truth()))
    with pytest.raises(DataError, match="does not have 'mask' in its name"):
        score(tmp_path / "truth.json", tmp_path / "answers.json", {})
    assert scored(captions=described()).metrics["recall"] == 1.0


def test_a_caption_file_with_twins_or_holes_is_refused(scored):
    captions = described()
    captions["annotations"].append(captions["annotations"][0])
    with pytest.raises(DataError, match="image 'a' has two captions"):
        scored(captions=captions)
    captions["annotations"] = [{"image_id": "a", "caption": "x"}]
    with pytest.raises(DataError, match="needs image_id, caption and a list of labels"):
        scored(captions=captions)
