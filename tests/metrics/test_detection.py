"""AP of boxes and masks: equal to pycocotools on random inputs, and right where one can check by eye."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from metrics.coco_files import read_truth
from metrics.coco_options import Options
from metrics.coco_results import read_results
from metrics.coco_score import evaluate, select
from metrics.detection import RULES, SCORERS, Objects, aggregate, measure_image
from metrics.errors import DataError

SCORE = {scorer.name: scorer.score for scorer in SCORERS}
SIDE = 64
CATEGORIES = [{"id": 3, "name": "cat"}, {"id": 1, "name": "dog"}, {"id": 7, "name": "bird"}]
IMAGES = [{"id": image, "height": SIDE, "width": SIDE} for image in (9, 2, 4)]

# Coarse grids and few scores make ties, duplicates and overlaps of exactly a threshold common.
side = st.integers(0, 4).map(lambda step: step * 10)
length = st.sampled_from([0, 5, 10, 20, 24, 40])
box = st.tuples(side, side, length, length).map(lambda b: [b[0], b[1], min(b[2], SIDE - b[0]), min(b[3], SIDE - b[1])])
annotation = st.fixed_dictionaries(
    {
        "image_id": st.sampled_from([9, 2, 4]),
        "category_id": st.sampled_from([1, 3, 7]),
        "bbox": box,
        "area": st.sampled_from([0, 100, 1023.5, 1024, 1600, 9216, 9216.5]),
        "iscrowd": st.sampled_from([0, 0, 0, 1]),
    }
)
result = st.fixed_dictionaries(
    {
        "image_id": st.sampled_from([9, 2, 4]),
        "category_id": st.sampled_from([1, 3, 7, 99]),
        "bbox": box,
        "score": st.sampled_from([0.1, 0.5, 0.5, 0.9, -1.0, 0]),
    }
)


def filled(box_xywh):
    x, y, w, h = box_xywh
    pixels = np.zeros((SIDE, SIDE), dtype=np.uint8, order="F")
    pixels[y : y + h, x : x + w] = 1
    packed = rle.encode(pixels)
    return {"size": packed["size"], "counts": packed["counts"].decode()}


def with_masks(rows):
    return [{**{k: v for k, v in row.items() if k != "bbox"}, "segmentation": filled(row["bbox"])} for row in rows]


def official(truth, results, kind, change=lambda params: None):
    """Run pycocotools in silence, on an empty list of results too, which its own reader cannot take."""
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = json.loads(json.dumps(truth))
        gt.createIndex()
        if results:
            dt = gt.loadRes(json.loads(json.dumps(results)))
        else:
            dt = COCO()
            dt.dataset = {**gt.dataset, "annotations": []}
            dt.createIndex()
        evaluator = COCOeval(gt, dt, kind)
        change(evaluator.params)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator


def ours(truth, results, kind, options=()):
    with tempfile.TemporaryDirectory() as folder:
        gt, dt = Path(folder, "gt.json"), Path(folder, "dt.json")
        gt.write_text(json.dumps(truth))
        dt.write_text(json.dumps(results))
        return SCORE[kind](gt, dt, dict(options))


def numbers(report, count=12):
    return [-1 if value is None else value for value in report.metrics.values()][:count]


def truth_of(annotations, first_id):
    rows = [{**row, "id": number} for number, row in enumerate(annotations, start=first_id)]
    return {"images": IMAGES, "categories": CATEGORIES, "annotations": rows}


def no_cats(params):
    params.useCats = 0


def other_limits(params):
    params.maxDets = [1, 2, 100]


def two_images(params):
    params.imgIds = [9, 4]


def one_category(params):
    params.catIds = [7]


VARIANTS = [
    ({}, lambda params: None),
    ({"class_agnostic": "yes"}, no_cats),
    ({"max_dets": "1,2,100"}, other_limits),
    ({"images": "4,9"}, two_images),
    ({"categories": "7"}, one_category),
]


@settings(max_examples=120, deadline=None)
@given(
    annotations=st.lists(annotation, max_size=10),
    results=st.lists(result, max_size=14),
    first_id=st.sampled_from([0, 1, 5]),
    variant=st.sampled_from(VARIANTS),
    kind=st.sampled_from(["bbox", "segm"]),
)
def test_figures_equal_pycocotools(annotations, results, first_id, variant, kind):
    options, change = variant
    truth = truth_of(annotations, first_id)
    if kind == "segm":
        truth["annotations"], results = with_masks(truth["annotations"]), with_masks(results)
    want = official(truth, results, kind, change)
    # Equal to the last bit: the same numbers are averaged in the same order.
    assert numbers(ours(truth, results, kind, options)) == list(want.stats)


@settings(max_examples=40, deadline=None)
@given(annotations=st.lists(annotation, min_size=1, max_size=10), results=st.lists(result, min_size=1, max_size=14))
def test_curves_equal_pycocotools(annotations, results):
    truth = truth_of(annotations, 1)
    want = official(truth, results, "bbox").eval
    with tempfile.TemporaryDirectory() as folder:
        gt, dt = Path(folder, "gt.json"), Path(folder, "dt.json")
        gt.write_text(json.dumps(truth))
        dt.write_text(json.dumps(results))
        file = read_truth(gt, "bbox")
        _, curves = evaluate(select(file, read_results(dt, file), Options()), RULES)
    for name in ("precision", "recall", "scores"):
        np.testing.assert_array_equal(getattr(curves, name), want[name])


@settings(max_examples=30, deadline=None)
@given(annotations=st.lists(annotation, min_size=1, max_size=8), results=st.lists(result, min_size=1, max_size=8))
def test_results_with_boxes_and_masks_take_areas_from_the_boxes_as_pycocotools_does(annotations, results):
    truth = truth_of(annotations, 1)
    truth["annotations"] = with_masks(truth["annotations"])
    both = [{**row, "segmentation": filled(row["bbox"]), "bbox": [0, 0, 40, 40]} for row in results]
    report = ours(truth, both, "segm")
    assert numbers(report) == list(official(truth, both, "segm").stats)
    assert any("areas come from the boxes" in note for note in report.notes)
    plain = [{k: v for k, v in row.items() if k != "bbox"} for row in both]
    assert numbers(ours(truth, both, "segm", {"result_area": "shape"})) == numbers(ours(truth, plain, "segm"))


@settings(max_examples=30, deadline=None)
@given(
    annotations=st.lists(annotation, min_size=1, max_size=8),
    results=st.lists(result.filter(lambda row: row["category_id"] != 99), max_size=10),
)
def test_rows_of_images_give_the_same_figures_as_files(annotations, results):
    place = {1: 0, 3: 1, 7: 2}
    rows = []
    for image in (2, 4, 9):
        true = [row for row in annotations if row["image_id"] == image]
        found = [row for row in results if row["image_id"] == image]
        rows.append(
            measure_image(
                Objects(
                    category=np.array([place[row["category_id"]] for row in found], dtype=int),
                    box_xywh=np.array([row["bbox"] for row in found], dtype=float).reshape(-1, 4),
                    score=np.array([row["score"] for row in found], dtype=float),
                ),
                Objects(
                    category=np.array([place[row["category_id"]] for row in true], dtype=int),
                    box_xywh=np.array([row["bbox"] for row in true], dtype=float).reshape(-1, 4),
                    area=np.array([row["area"] for row in true], dtype=float),
                    crowd=np.array([row["iscrowd"] for row in true], dtype=bool),
                ),
            )
        )
    report = ours(truth_of(annotations, 1), results, "bbox")
    assert aggregate(rows, 3) == report.metrics


def thing(x, image=2, category=1, **more):
    return {"image_id": image, "category_id": category, "bbox": [x, 0, 10, 10], **more}


def object_at(x, image=2, category=1, **more):
    return thing(x, image, category, area=100, iscrowd=0, **more)


def test_perfect_answer_scores_one_and_empty_answer_zero():
    truth = truth_of([object_at(0), object_at(20), object_at(0, image=4, category=7)], 1)
    answer = [thing(0, score=0.9), thing(20, score=0.8), thing(0, image=4, category=7, score=0.7)]
    assert ours(truth, answer, "bbox").metrics["ap"] == pytest.approx(1)
    nothing = ours(truth, [], "bbox")
    assert nothing.metrics["ap"] == 0
    assert (nothing.n, nothing.missing) == (3, 2)


def test_one_hit_and_one_wrong_box_above_it_give_half_precision():
    truth = truth_of([object_at(0)], 1)
    report = ours(truth, [thing(30, score=0.9), thing(0, score=0.8)], "bbox")
    assert report.metrics["ap"] == pytest.approx(0.5)
    assert report.metrics["ar1"] == 0
    assert report.metrics["ar10"] == 1
    assert report.metrics["ap_large"] is None
    assert report.per_class["dog"]["ap"] == report.metrics["ap"]
    assert report.per_class["cat"]["ap"] is None


def test_masks_rows_equal_files():
    true = [object_at(0), object_at(20)]
    found = [thing(0, score=0.9), thing(22, score=0.8)]
    row = measure_image(
        Objects(np.zeros(2, int), masks=[filled(f["bbox"]) for f in found], score=np.array([0.9, 0.8])),
        Objects(np.zeros(2, int), masks=[filled(t["bbox"]) for t in true]),
    )
    truth = {**truth_of(with_masks(true), 1), "categories": [{"id": 1, "name": "dog"}]}
    assert aggregate([row], 1) == ours(truth, with_masks(found), "segm").metrics


def test_an_image_drawn_twice_counts_twice():
    hit = measure_image(
        Objects(np.zeros(1, int), np.array([[0.0, 0, 10, 10]]), score=np.array([0.5])),
        Objects(np.zeros(1, int), np.array([[0.0, 0, 10, 10]])),
    )
    miss = measure_image(
        Objects(np.zeros(0, int), score=np.zeros(0)), Objects(np.zeros(1, int), np.array([[0.0, 0, 10, 10]]))
    )
    assert aggregate([hit, miss], 1)["ar100"] == pytest.approx(1 / 2)
    assert aggregate([hit, hit, miss], 1)["ar100"] == pytest.approx(2 / 3)


def test_matches_split_by_image_and_join_again():
    truth = truth_of([object_at(0), object_at(20, image=4), object_at(0, image=9)], 1)
    found = [thing(0, score=0.9), thing(21, image=4, score=0.8), thing(40, image=9, score=0.7)]
    with tempfile.TemporaryDirectory() as folder:
        gt, dt = Path(folder, "gt.json"), Path(folder, "dt.json")
        gt.write_text(json.dumps(truth))
        dt.write_text(json.dumps(found))
        file = read_truth(gt, "bbox")
        matches, _ = evaluate(select(file, read_results(dt, file), Options()), RULES)
    rows = matches.per_image(3)
    assert [len(row.score) for row in rows] == [1, 1, 1]
    assert aggregate(rows, 3) == ours(truth, found, "bbox").metrics
    assert aggregate(rows[:1], 3)["ap"] == pytest.approx(1)


def test_scores_are_needed_unless_a_ranking_is_declared():
    truth = truth_of([object_at(0)], 1)
    answer = [thing(30), thing(0)]
    with pytest.raises(DataError, match=r"has no score \(2 of 2 results\).*score_source"):
        ours(truth, answer, "bbox")
    order = ours(truth, answer, "bbox", {"score_source": "order"})
    assert order.metrics["ap"] == pytest.approx(0.5)
    assert "score_source=order" in order.protocol
    constant = ours(truth, answer[::-1], "bbox", {"score_source": "constant"})
    assert constant.metrics["ap"] == pytest.approx(1)
    with pytest.raises(ValueError, match="score"):
        measure_image(Objects(np.zeros(0, int)), Objects(np.zeros(0, int)))


def test_malformed_boxes_stay_as_false_positives_in_every_size_range():
    truth = truth_of([object_at(0)], 1)
    upside_down = {"image_id": 2, "category_id": 1, "bbox": [30, 30, -10, 20], "score": 0.9}
    report = ours(truth, [upside_down, thing(0, score=0.5)], "bbox")
    assert report.malformed == 1
    assert report.metrics["ap"] == report.metrics["ap_small"] == pytest.approx(0.5)
    assert any("malformed" in note for note in report.notes)


def test_masks_of_another_size_stay_as_false_positives():
    truth = truth_of(with_masks([object_at(0)]), 1)
    small = {"size": [2, 2], "counts": rle.encode(np.ones((2, 2), np.uint8, order="F"))["counts"].decode()}
    odd = {"image_id": 2, "category_id": 1, "segmentation": small, "score": 0.9}
    report = ours(truth, [odd, *with_masks([thing(0, score=0.5)])], "segm")
    assert report.malformed == 1
    assert report.metrics["ap"] == pytest.approx(0.5)


def test_unknown_categories_and_repeats_are_reported():
    truth = truth_of([object_at(0)], 1)
    answer = [thing(0, score=0.9), thing(0, score=0.9), thing(0, category=99, score=0.9)]
    notes = " | ".join(ours(truth, answer, "bbox").notes)
    assert "1 results of dt.json name a category that the truth lacks (99)" in notes
    assert "1 results repeat an earlier one exactly" in notes


def test_other_limits_leave_ap_undefined_as_the_official_summary_does():
    truth = truth_of([object_at(0)], 1)
    report = ours(truth, [thing(0, score=0.9)], "bbox", {"max_dets": "1,10,300"})
    assert report.metrics["ap"] is None
    assert report.metrics["ap@300dets"] == pytest.approx(1)


def test_cards_list_every_key():
    truth = truth_of([object_at(0)], 1)
    for scorer in SCORERS:
        rows = with_masks if scorer.name == "segm" else list
        report = ours({**truth, "annotations": rows(truth["annotations"])}, rows([thing(0, score=1)]), scorer.name)
        assert list(report.metrics) == list(scorer.card.keys)
