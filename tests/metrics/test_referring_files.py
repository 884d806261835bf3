"""Readers of referring files: what they accept, and one clear line for what they do not."""

import copy
import json

import numpy as np
import pytest
from pycocotools import mask as coco

from metrics import referring_boxes, referring_masks
from metrics.errors import DataError
from metrics.referring_files import read_answers

SCORERS = {scorer.name: scorer for scorer in [*referring_boxes.SCORERS, *referring_masks.SCORERS]}


def rle(*rows):
    """Draw a mask: '#' is the object."""
    encoded = coco.encode(np.asfortranarray([[char == "#" for char in row] for row in rows], dtype=np.uint8))
    return {"size": encoded["size"], "counts": encoded["counts"].decode()}


LEFT, RIGHT, NOTHING = rle("##..", "##.."), rle("..##", "..##"), rle("....", "....")
INSTANCES = {
    "images": [{"id": 7, "height": 2, "width": 4}],
    "annotations": [
        {"id": 70, "image_id": 7, "bbox": [0, 0, 2, 2], "segmentation": LEFT},
        {"id": 71, "image_id": 7, "bbox": [2, 0, 2, 2], "segmentation": [[2, 0, 4, 0, 4, 2, 2, 2]]},
    ],
}


def ref(ref_id, ann_id, *sent_ids, split="val", **more):
    sentences = [{"sent_id": each, "sent": f"sentence {each}"} for each in sent_ids]
    return {"ref_id": ref_id, "ann_id": ann_id, "image_id": 7, "split": split, "sentences": sentences, **more}


REFS = [ref(1, 70, 10, 11), ref(2, 71, 12, split="testA")]
GREFS = [ref(1, [70, 71], 10), ref(2, [-1], 11, no_target=True), ref(3, [], 12, no_target=True, split="testA")]


@pytest.fixture
def folder(tmp_path):
    """Write a folder of targets and its answers, and hand back how to score them."""

    def score(name, answers, refs=None, instances=INSTANCES, **options):
        file = "grefs.json" if name == "gres" else "refs.json"
        default = GREFS if name == "gres" else REFS
        (tmp_path / file).write_text(json.dumps(default if refs is None else refs))
        (tmp_path / "instances.json").write_text(json.dumps(instances))
        predictions = tmp_path / "predictions.jsonl"
        predictions.write_text(answers if isinstance(answers, str) else "\n".join(map(json.dumps, answers)))
        return SCORERS[name].score(tmp_path, predictions, options)

    return score


def box(ref_id, sent_id, bbox, **more):
    return {"ref_id": ref_id, "sent_id": sent_id, "bbox": bbox, **more}


def masked(ref_id, sent_id, segmentation, **more):
    return {"ref_id": ref_id, "sent_id": sent_id, "segmentation": segmentation, **more}


PERFECT_BOXES = [box(1, 10, [0, 0, 2, 2]), box(1, 11, [0, 0, 2, 2]), box(2, 12, [2, 0, 2, 2])]
PERFECT_MASKS = [masked(1, 10, LEFT), masked(1, 11, LEFT), masked(2, 12, RIGHT)]
PERFECT_REFUSALS = [
    masked(1, 10, [LEFT, RIGHT], no_target=False),
    masked(2, 11, None, no_target=True),
    masked(3, 12, NOTHING, no_target=True),
]


@pytest.mark.parametrize(
    ("name", "answers"), [("rec", PERFECT_BOXES), ("res", PERFECT_MASKS), ("gres", PERFECT_REFUSALS)]
)
def test_perfect_answers_score_one(folder, name, answers):
    report = folder(name, answers)
    assert (report.n, report.missing, report.malformed) == (3, 0, 0)
    assert set(report.metrics.values()) == {1.0}
    assert report.protocol == f"{name}/1"


@pytest.mark.parametrize("name", ["rec", "res", "gres"])
def test_a_json_list_and_a_file_of_lines_say_the_same(folder, name):
    answers = {"rec": PERFECT_BOXES, "res": PERFECT_MASKS, "gres": PERFECT_REFUSALS}[name][1:]
    assert folder(name, answers) == folder(name, json.dumps(answers))


def test_missing_and_null_boxes_stay_in_the_denominator(folder):
    report = folder("rec", [box(1, 10, [0, 0, 2, 2]), box(1, 11, None)])
    assert (report.n, report.missing, report.metrics["acc@0.5"]) == (3, 2, pytest.approx(1 / 3))


def test_an_inverted_box_is_counted_as_malformed_and_not_swapped(folder):
    report = folder("rec", [box(1, 10, [2, 2, -2, -2]), *PERFECT_BOXES[1:]])
    assert (report.malformed, report.missing, report.metrics["acc@0.5"]) == (1, 0, pytest.approx(2 / 3))
    corners = [box(1, 10, [2, 0, 0, 2]), box(1, 11, [0, 0, 2, 2]), box(2, 12, [2, 0, 4, 2])]
    report = folder("rec", corners, box="xyxy")
    assert (report.malformed, report.metrics["acc@0.5"]) == (1, pytest.approx(2 / 3))


def test_only_the_top_ranked_box_counts(folder):
    good, bad = [0, 0, 2, 2], [3, 0, 1, 1]
    many = [bad] * 24 + [good]
    for answer in (box(1, 10, many), {"ref_id": 1, "sent_id": 10, "ranked_boxes": many}):
        assert folder("rec", [answer]).metrics["miou"] == 0.0
    assert folder("rec", [box(1, 10, [good, *many])]).metrics["miou"] == pytest.approx(1 / 3)
    assert folder("rec", [box(1, 10, bad, ranked_boxes=[good])]).metrics["miou"] == 0.0
    assert folder("rec", [box(1, 10, [])]).missing == 3


def test_a_tie_is_a_hit_by_default_and_a_miss_by_variant(folder):
    half = [box(1, 10, [0, 0, 1, 2]), box(1, 11, [0, 0, 1, 2]), box(2, 12, [2, 0, 1, 2])]
    default, strict = folder("rec", half), folder("rec", half, variant="gt")
    assert (default.metrics["acc@0.5"], default.metrics["acc@0.5_gt"]) == (1.0, 0.0)
    assert (strict.metrics["acc@0.5"], strict.metrics["acc@0.5_ge"]) == (0.0, 1.0)
    assert strict.protocol == "rec/1 variant=gt"


def test_mdetr_looks_at_the_first_boxes_and_at_answered_expressions(folder):
    report = folder("rec", [box(1, 10, [[3, 0, 1, 1], [0, 0, 2, 2]]), box(2, 12, None)], variant="mdetr")
    assert (report.n, report.missing) == (2, 1)
    assert report.metrics == {"p@1": 0.0, "p@5": 0.5, "p@10": 0.5}
    assert "(1 here)" in report.notes[0]
    with pytest.raises(DataError, match="there is none"):
        folder("rec", [box(2, 12, None)], variant="mdetr", split="val")


def test_a_split_alone_is_scored_and_named(folder):
    report = folder("rec", PERFECT_BOXES[1:], split="val")
    assert (report.n, report.missing, report.protocol) == (2, 1, "rec/1 split=val")
    with pytest.raises(DataError, match="no such split; choose all or one of testA, val"):
        folder("rec", PERFECT_BOXES, split="test")


def test_several_masks_of_an_answer_are_joined(folder):
    report = folder("res", [masked(1, 10, [LEFT, RIGHT])], refs=[ref(1, [70, 71], 10)])
    assert report.metrics["ciou"] == 1.0


def test_an_answer_may_be_polygons_or_uncompressed_runs(folder):
    polygon = masked(2, 12, [[2, 0, 4, 0, 4, 2, 2, 2]])
    runs = masked(1, 10, {"size": [2, 4], "counts": [0, 4, 4]})
    assert folder("res", [polygon, runs, PERFECT_MASKS[1]]).metrics["ciou"] == 1.0


def test_res_compares_expressions_without_target_with_an_empty_mask(folder):
    answers = [masked(1, 10, [LEFT, RIGHT]), masked(2, 11, NOTHING)]
    report = folder("res", answers, refs=GREFS)
    assert (report.n, report.missing, report.metrics["giou"]) == (3, 1, pytest.approx(2 / 3))
    assert "2 expressions have no target and were compared with an empty mask" in report.notes[0]
    assert folder("res", answers, refs=GREFS, variant="lavt").metrics["giou"] == pytest.approx(1 / 3)
    assert folder("res", answers, refs=GREFS, variant="lisa").metrics["giou"] == pytest.approx(1, abs=1e-5)
    only = folder("res", answers, refs=GREFS, samples="targets")
    assert (only.n, only.metrics["giou"], only.protocol) == (1, 1.0, "res/1 samples=targets")
    with pytest.raises(DataError, match="no expression of split testA"):
        folder("res", answers, refs=GREFS, samples="targets", split="testA")


def test_the_refusal_is_the_field_unless_empty_masks_are_declared_to_be(folder):
    unflagged = [{**answer, "no_target": False} for answer in PERFECT_REFUSALS]
    report = folder("gres", unflagged)
    assert (report.metrics["n_acc"], report.missing) == (0.0, 1)
    assert "counts the 1 missing answers as ReLA does" in report.notes[0]
    declared = folder("gres", unflagged, no_target="empty")
    assert (declared.metrics["n_acc"], declared.protocol) == (1.0, "gres/1 no_target=empty")
    without = [{k: v for k, v in answer.items() if k != "no_target"} for answer in PERFECT_REFUSALS]
    with pytest.raises(DataError, match=r'jsonl:1: "no_target" is None but must be true or false.*no_target=empty'):
        folder("gres", without)


BAD_ANSWERS = {
    "unknown reference": ("rec", [box(9, 10, [0, 0, 1, 1])], "jsonl:1 answers ref_id 9 with sent_id 10, which"),
    "sentence of another reference": ("rec", [box(2, 10, [0, 0, 1, 1])], "answers ref_id 2 with sent_id 10, which"),
    "repeated": ("rec", [PERFECT_BOXES[0]] * 2, r"jsonl:2 answers ref_id 1 with sent_id 10 again, after .*jsonl:1"),
    "no id": ("rec", [{"ref_id": 1, "bbox": None}], 'jsonl:1 has no "sent_id"'),
    "list as id": ("rec", [box([1], 10, None)], "jsonl:1: its ids .* must be integers or texts"),
    "no box": ("rec", [{"ref_id": 1, "sent_id": 10}], 'jsonl:1 has neither "bbox" nor "ranked_boxes"'),
    "three numbers": ("rec", [box(1, 10, [0, 0, 1])], r"jsonl:1: bbox is \[0, 0, 1\] but must be a list of 4 numbers"),
    "text as box": ("rec", [box(1, 10, "left")], "jsonl:1: bbox is 'left' but must be a list of 4 numbers"),
    "text in box": ("rec", [box(1, 10, [0, 0, "1", 1])], "jsonl:1: bbox is .* must be a list of 4 numbers"),
    "not a number": ("rec", [box(1, 10, [0, 0, float("nan"), 1])], "jsonl:1: bbox is .* but must be finite"),
    "infinite": ("rec", [PERFECT_BOXES[1], box(1, 10, [0, 0, float("inf"), 1])], "jsonl:2: bbox .* must be finite"),
    "beyond any float": ("rec", [box(1, 10, [0, 0, 10**400, 1])], "jsonl:1: bbox"),
    "truncated": ("rec", '{"ref_id": 1, "sent_id": 10, "bbox": [0, 0', "jsonl:1: not a JSON object"),
    "line of something else": ("rec", json.dumps(PERFECT_BOXES[0]) + "\n7", "jsonl:2: holds int instead of a JSON"),
    "empty file": ("rec", " \n", "predictions.jsonl is empty"),
    "truncated list": ("rec", "[" + json.dumps(PERFECT_BOXES[0]), "predictions.jsonl:1: not JSON"),
    "list of something else": ("rec", "[3]", "entry 0 of the list is no JSON object"),
    "no mask": ("res", [box(1, 10, [0, 0, 1, 1])], 'jsonl:1 has no "segmentation"'),
    "other size": ("res", [masked(1, 10, rle("#"))], r"jsonl:1 \(image 7\): its mask is 1 x 1 but the image is 2 x 4"),
    "broken runs": ("res", [masked(1, 10, {"size": [2, 4], "counts": "04"})], r"jsonl:1 \(image 7\).*runs of its mask"),
    "text as mask": ("res", [masked(1, 10, "left")], r"jsonl:1 \(image 7\)"),
    "flag as text": ("gres", [masked(1, 10, LEFT, no_target="no")], "jsonl:1: \"no_target\" is 'no' but must be true"),
}


@pytest.mark.parametrize("case", BAD_ANSWERS)
def test_a_bad_answer_is_named(folder, case):
    name, answers, text = BAD_ANSWERS[case]
    with pytest.raises(DataError, match=text):
        folder(name, answers)


def without(content, *path):
    """Copy nested JSON, leaving one value out."""
    changed = copy.deepcopy(content)
    place = changed
    for step in path[:-1]:
        place = place[step]
    del place[path[-1]]
    return changed


BAD_TARGETS = {
    "no list": ({"refs": []}, INSTANCES, "refs.json must be a JSON list"),
    "no reference": ([], INSTANCES, "refs.json holds no expression"),
    "number as reference": ([3], INSTANCES, "entry 0 of the list is no JSON object"),
    "no annotation id": (without(REFS, 0, "ann_id"), INSTANCES, 'reference 1 has no "ann_id"'),
    "no sentence id": (without(REFS, 0, "sentences", 0, "sent_id"), INSTANCES, "reference 1: its sentences must be"),
    "unknown annotation": (
        [ref(1, 99, 10)],
        INSTANCES,
        "reference 1, sentence 10 names annotation 99, which .*instances",
    ),
    "repeated sentence": ([*REFS, REFS[0]], INSTANCES, "reference 1, sentence 10 is listed twice"),
    "flag against ids": ([ref(1, [70], 10, no_target=True)], INSTANCES, "no_target is True but ann_id is"),
    "other image": ([{**REFS[0], "image_id": 8}], INSTANCES, "about image 8 but its annotation 70 .* lies on image 7"),
    "no box": (REFS, without(INSTANCES, "annotations", 0, "bbox"), 'annotation 70 has no "bbox"'),
    "no images": (REFS, without(INSTANCES, "images"), 'instances.json has no list "images"'),
    "several objects": ([ref(1, [70, 71], 10)], INSTANCES, "sentence 10 refers to 2 objects: rec needs one"),
}


@pytest.mark.parametrize("case", BAD_TARGETS)
def test_a_bad_target_is_named(folder, case):
    refs, instances, text = BAD_TARGETS[case]
    with pytest.raises(DataError, match=text):
        folder("rec", PERFECT_BOXES[:1], refs=refs, instances=instances)


def test_a_target_box_or_mask_that_cannot_be_is_named(folder):
    inverted = copy.deepcopy(INSTANCES)
    inverted["annotations"][1]["bbox"] = [2, 0, -2, 2]
    with pytest.raises(DataError, match="annotation 71: its bbox has a negative width or height"):
        folder("rec", PERFECT_BOXES, instances=inverted)
    resized = copy.deepcopy(INSTANCES)
    resized["annotations"][0]["segmentation"] = rle("#")
    with pytest.raises(DataError, match="annotation 70: its mask is 1 x 1 but the image is 2 x 4"):
        folder("res", PERFECT_MASKS, instances=resized)
    with pytest.raises(DataError, match="image 7 has no positive integer height and width"):
        folder("res", PERFECT_MASKS, instances=without(INSTANCES, "images", 0, "height"))


def test_files_that_are_not_there_are_named(tmp_path, folder):
    rec = SCORERS["rec"].score
    with pytest.raises(DataError, match=r"must hold one refs\*.json or grefs\*.json, found none"):
        rec(tmp_path, tmp_path / "answers.jsonl", {})
    (tmp_path / "refs(unc).json").write_text(json.dumps(REFS))
    with pytest.raises(DataError, match=r"answers\.jsonl is missing"):
        rec(tmp_path, tmp_path / "answers.jsonl", {})
    (tmp_path / "refs(unc).json").unlink()
    folder("rec", PERFECT_BOXES)
    (tmp_path / "instances.json").unlink()
    with pytest.raises(DataError, match=r"instances\.json is missing"):
        rec(tmp_path / "refs.json", tmp_path / "predictions.jsonl", {})


def test_an_option_of_another_value_is_named(folder):
    with pytest.raises(DataError, match="option variant=iou"):
        folder("rec", PERFECT_BOXES, variant="iou")


def test_lines_end_at_newlines_only(tmp_path):
    path = tmp_path / "answers.jsonl"
    path.write_bytes('{"sents": "left\u2028right"}\r\n\n{"sents": "b"}\n'.encode())
    assert [(a.where, a.record["sents"]) for a in read_answers(path)] == [
        (f"{path}:1", "left\u2028right"),
        (f"{path}:3", "b"),
    ]


ROWS = [
    {"img_id": "COCO_train2014_000000000007_1", "sents": "left", "bbox": [0, 0, 2, 2], "height": 2, "width": 4},
    {"img_id": "COCO_train2014_000000000007_1", "sents": "left", "bbox": [0, 0, 2, 2], "height": 2, "width": 4},
    {"img_id": "COCO_train2014_000000000007_2", "sents": "right", "bbox": [2, 0, 2, 2], "height": 2, "width": 4},
]
LEFT_ROW = {"img_id": ROWS[0]["img_id"], "sents": "left"}


@pytest.fixture
def plain(tmp_path):
    """Score answers to plain rows."""

    def score(answers, name="rec", rows=ROWS, **options):
        (tmp_path / "refcoco_val.json").write_text(json.dumps(rows))
        (tmp_path / "answers.jsonl").write_text("\n".join(map(json.dumps, answers)))
        return SCORERS[name].score(tmp_path / "refcoco_val.json", tmp_path / "answers.jsonl", options)

    return score


def test_plain_rows_are_answered_by_index_or_by_sentence(plain):
    by_index = [{"index": i, "bbox": row["bbox"]} for i, row in enumerate(ROWS)]
    by_text = [{**LEFT_ROW, "bbox": [0, 0, 2, 2]}, {**ROWS[2]}]
    for answers in (by_index, by_text, ROWS):
        assert (plain(answers).metrics["miou"], plain(answers).missing) == (1.0, 0)


def test_answers_to_a_repeated_sentence_go_in_order(plain):
    report = plain([{**LEFT_ROW, "bbox": [0, 0, 2, 2]}, {**LEFT_ROW, "bbox": [3, 0, 1, 1]}])
    assert (report.missing, report.metrics["miou"]) == (1, pytest.approx(1 / 3))


@pytest.mark.parametrize(
    ("answers", "text"),
    [
        ([{**LEFT_ROW, "bbox": None}] * 3, "answers.jsonl:3 answers 'left' on .* again, after .*jsonl:1"),
        ([{"index": 1, "bbox": None}] * 2, "answers.jsonl:2 answers row 1 of .* again, after .*jsonl:1"),
        ([{"index": 3, "bbox": None}], "answers row 3, but .* has rows 0 to 2"),
        ([{"index": True, "bbox": None}], "answers row True"),
        ([{**LEFT_ROW, "sents": "top", "bbox": None}], "answers 'top' on .*, which .* does not ask"),
        ([{"bbox": None}], 'has neither "index" nor "img_id" and "sents"'),
    ],
)
def test_bad_answers_to_plain_rows_are_named(plain, answers, text):
    with pytest.raises(DataError, match=text):
        plain(answers)


def test_plain_rows_hold_one_split_and_no_masks(plain):
    with pytest.raises(DataError, match="holds plain rows of one split"):
        plain([{"index": 0, "bbox": None}], split="val")
    with pytest.raises(DataError, match="holds plain rows with boxes only"):
        plain([{"index": 0, "segmentation": None}], name="res")
    with pytest.raises(DataError, match='row 1 has no "bbox"'):
        plain([{"index": 0, "bbox": None}], rows=without(ROWS, 1, "bbox"))
