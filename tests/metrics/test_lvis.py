"""LVIS federated AP: by hand, and equal to faster-coco-eval's LVIS mode where that follows lvis-api."""

import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as rle

from metrics.errors import DataError
from metrics.lvis import SCORERS

SCORE = SCORERS[0].score
SIDE = 64
CATEGORIES = [{"id": i, "name": f"thing {i}", "frequency": f} for i, f in ((1, "f"), (2, "c"), (3, "r"), (5, "f"))]
PEER_KEYS = {
    "ap": "AP_all", "ap50": "AP_50", "ap75": "AP_75", "ap_small": "AP_small", "ap_medium": "AP_medium",
    "ap_large": "AP_large", "apr": "APr", "apc": "APc", "apf": "APf", "ar": "AR_all", "ar_small": "AR_small",
    "ar_medium": "AR_medium", "ar_large": "AR_large",
}  # fmt: skip


def image(number, absent=(), partial=()):
    return {
        "id": number, "height": SIDE, "width": SIDE, "neg_category_ids": list(absent),
        "not_exhaustive_category_ids": list(partial),
    }  # fmt: skip


def thing(x, number=1, category=1, **more):
    return {"image_id": number, "category_id": category, "bbox": [x, 0, 10, 10], **more}


def truth_of(images, annotations, first_id=1):
    rows = [{"area": 100, **row, "id": number} for number, row in enumerate(annotations, start=first_id)]
    return {"images": images, "categories": CATEGORIES, "annotations": rows}


def ours(truth, results, options=(("type", "bbox"),)):
    with tempfile.TemporaryDirectory() as folder:
        gt, dt = Path(folder, "gt.json"), Path(folder, "dt.json")
        gt.write_text(json.dumps(truth))
        dt.write_text(json.dumps(results))
        return SCORE(gt, dt, dict(options))


def test_results_of_categories_an_image_says_nothing_about_are_left_out():
    truth = truth_of([image(1)], [thing(0)])
    answer = [thing(0, score=0.5), thing(30, category=2, score=0.9), thing(30, category=5, score=0.9)]
    report = ours(truth, answer)
    assert report.metrics["ap"] == pytest.approx(1)
    assert any(note.startswith("2 results of categories") for note in report.notes)


def test_results_of_absent_categories_are_wrong():
    truth = truth_of([image(1, absent=[1]), image(2)], [thing(0, number=2)])
    answer = [thing(0, number=2, score=0.5), thing(0, number=1, score=0.9)]
    assert ours(truth, answer).metrics["ap"] == pytest.approx(0.5)


def test_unmatched_results_are_ignored_where_annotation_is_not_exhaustive():
    answer = [thing(0, score=0.5), thing(30, score=0.9)]
    assert ours(truth_of([image(1)], [thing(0)]), answer).metrics["ap"] == pytest.approx(0.5)
    assert ours(truth_of([image(1, partial=[1])], [thing(0)]), answer).metrics["ap"] == pytest.approx(1)


def test_the_best_300_results_of_an_image_are_kept_over_all_categories():
    truth = truth_of([image(1, absent=[2])], [thing(0)])
    crowd = [thing(30, category=2, score=0.9)] * 299
    kept = ours(truth, [*crowd, thing(0, score=0.5)])
    assert kept.metrics["ap"] == pytest.approx(1)
    lost = ours(truth, [*crowd, thing(30, category=99, score=0.8), thing(0, score=0.5)])
    assert lost.metrics["ap"] == 0
    assert any("1 results beyond the best 300" in note for note in lost.notes)


def test_frequency_groups_average_their_own_categories():
    truth = truth_of([image(1)], [thing(0), thing(0, category=2), thing(0, category=3), thing(20, category=5)])
    answer = [thing(0, score=0.5), thing(0, category=2, score=0.5), thing(40, category=5, score=0.5)]
    metrics = ours(truth, answer).metrics
    assert (metrics["apr"], metrics["apc"], metrics["apf"]) == (0, pytest.approx(1), pytest.approx(0.5))
    assert metrics["ap"] == pytest.approx(0.5)
    assert metrics["ar"] == pytest.approx(0.5)


def test_an_ignored_object_counts_for_neither_side_and_area_zero_is_left_out():
    truth = truth_of([image(1)], [thing(0, ignore=1), thing(20), thing(40, area=0)])
    answer = [thing(0, score=0.9), thing(20, score=0.5)]
    assert ours(truth, answer).metrics["ap"] == pytest.approx(1)


def test_masks_are_the_default():
    pixels = np.zeros((SIDE, SIDE), dtype=np.uint8, order="F")
    pixels[:10, :10] = 1
    packed = rle.encode(pixels)
    segmentation = {"size": packed["size"], "counts": packed["counts"].decode()}
    truth = truth_of([image(1)], [{"image_id": 1, "category_id": 1, "segmentation": segmentation}])
    report = ours(truth, [{"image_id": 1, "category_id": 1, "segmentation": segmentation, "score": 0.5}], ())
    assert report.protocol == "lvis-segm/1"
    assert report.metrics["ap"] == pytest.approx(1)
    assert list(report.metrics) == list(SCORERS[0].card.keys)


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ({"images": [{"id": 1}]}, "image 1 has no list neg_category_ids of ids"),
        ({"categories": [{"id": 1}]}, "category 1 needs a frequency"),
    ],
)
def test_plain_coco_files_are_refused(broken, message):
    with pytest.raises(DataError, match=message):
        ours({**truth_of([image(1)], [thing(0)]), **broken}, [thing(0, score=1)])


box = st.tuples(st.sampled_from([0, 10, 20]), st.sampled_from([10, 12, 20, 40])).map(
    lambda b: [b[0], 0, b[1], 10 + b[1] // 4]
)
category = st.sampled_from([1, 2, 3, 5])
annotation = st.fixed_dictionaries(
    {
        "image_id": st.sampled_from([1, 2]),
        "category_id": category,
        "bbox": box,
        "area": st.sampled_from([100, 1024, 2000]),
    }
)
result = st.fixed_dictionaries(
    {
        "image_id": st.sampled_from([1, 2]), "category_id": category, "bbox": box,
        "score": st.sampled_from([0.1, 0.5, 0.9]),
    }
)  # fmt: skip
lists = st.lists(category, max_size=3, unique=True)


@settings(max_examples=60, deadline=None)
@given(
    annotations=st.lists(annotation, min_size=1, max_size=10),
    results=st.lists(result, min_size=1, max_size=14),
    absent=lists,
    partial=lists,
)
def test_figures_equal_faster_coco_eval(annotations, results, absent, partial):
    from faster_coco_eval import COCO, COCOeval_faster

    images = [image(1, absent, partial), image(2, partial, absent)]
    # That library gives crowds and ids of 0 their COCO meaning, so neither occurs here.
    truth = truth_of(images, annotations)
    gt = COCO(json.loads(json.dumps(truth)))
    evaluator = COCOeval_faster(
        gt, gt.loadRes(json.loads(json.dumps(results))), "bbox", lvis_style=True, print_function=lambda *_: None
    )
    evaluator.params.maxDets = [300]
    evaluator.evaluate()
    evaluator.accumulate()
    evaluator.summarize()
    want = evaluator.stats_as_dict
    got = {key: -1 if value is None else value for key, value in ours(truth, results).metrics.items()}
    assert got == pytest.approx({key: want[theirs] for key, theirs in PEER_KEYS.items()}, abs=1e-12)
