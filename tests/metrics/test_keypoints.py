"""AP of poses: equal to pycocotools on random inputs, and right where one can check by eye."""

import contextlib
import io
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from metrics.coco_overlap import COCO_SIGMAS
from metrics.errors import DataError
from metrics.keypoints import SCORERS, aggregate, measure_image

SCORE = SCORERS[0].score
IMAGES = [{"id": image} for image in (5, 1, 3)]
CATEGORIES = [{"id": 1, "name": "person"}, {"id": 2, "name": "dog"}]


def pose_of(seed, spread=0.0):
    """Make a pose from a small seed: equal seeds give equal poses, so that ties and duplicates occur."""
    rng = np.random.default_rng(seed)
    xy = rng.uniform(10, 90, (17, 2)).round(1)
    visible = rng.choice([0, 1, 2], 17) * (seed % 5 > 0)
    xy += np.random.default_rng(seed + 1000).normal(0, 1, (17, 2)) * spread
    return np.column_stack((xy, visible)).ravel().tolist()


annotation = st.fixed_dictionaries(
    {
        "image_id": st.sampled_from([5, 1, 3]),
        "category_id": st.sampled_from([1, 1, 2]),
        "keypoints": st.integers(0, 7).map(pose_of),
        "num_keypoints": st.sampled_from([0, 3, 17]),
        "bbox": st.sampled_from([[10, 10, 80, 80], [0, 0, 30, 50], [40, 40, 0, 20]]),
        "area": st.sampled_from([0, 500, 1024, 4000.5, 9216, 12000]),
        "iscrowd": st.sampled_from([0, 0, 0, 1]),
    }
)
result = st.fixed_dictionaries(
    {
        "image_id": st.sampled_from([5, 1, 3]),
        "category_id": st.sampled_from([1, 1, 2, 9]),
        "keypoints": st.tuples(st.integers(0, 7), st.sampled_from([0.0, 1.0, 3.0, 8.0])).map(lambda a: pose_of(*a)),
        "score": st.sampled_from([0.1, 0.5, 0.9]),
    }
)


def official(truth, results):
    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO()
        gt.dataset = json.loads(json.dumps(truth))
        gt.createIndex()
        evaluator = COCOeval(gt, gt.loadRes(json.loads(json.dumps(results))), "keypoints")
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return list(evaluator.stats)


def ours(truth, results, options=()):
    with tempfile.TemporaryDirectory() as folder:
        gt, dt = Path(folder, "gt.json"), Path(folder, "dt.json")
        gt.write_text(json.dumps(truth))
        dt.write_text(json.dumps(results))
        return SCORE(gt, dt, dict(options))


def numbers(report):
    return [-1 if value is None else value for value in report.metrics.values()]


def truth_of(annotations, first_id=1):
    rows = [{**row, "id": number} for number, row in enumerate(annotations, start=first_id)]
    return {"images": IMAGES, "categories": CATEGORIES, "annotations": rows}


@settings(max_examples=80, deadline=None)
@given(
    annotations=st.lists(annotation, min_size=1, max_size=8),
    results=st.lists(result, min_size=1, max_size=25),
    first_id=st.sampled_from([0, 1]),
    boxes=st.booleans(),
)
def test_figures_equal_pycocotools(annotations, results, first_id, boxes):
    truth = truth_of(annotations, first_id)
    if boxes:
        results = [{**row, "bbox": [0, 0, 50, 100 * row["score"]]} for row in results]
    # Equal to the last bit: every sum runs over the same numbers in the same order.
    assert numbers(ours(truth, results)) == official(truth, results)


def person(seed=1, image=1, **more):
    return {
        "image_id": image, "category_id": 1, "keypoints": pose_of(seed), "num_keypoints": 10,
        "bbox": [10, 10, 80, 80], "area": 5000, "iscrowd": 0, **more,
    }  # fmt: skip


def answer(seed=1, image=1, score=0.9, **more):
    return {"image_id": image, "category_id": 1, "keypoints": pose_of(seed), "score": score, **more}


def test_perfect_answer_scores_one_and_the_visibility_of_answers_is_not_read():
    unseen = np.array(pose_of(1)).reshape(17, 3)
    unseen[:, 2] = 0
    report = ours(truth_of([person()]), [answer(keypoints=unseen.ravel().tolist())])
    assert report.metrics["ap"] == pytest.approx(1)
    assert report.metrics["ap_large"] is None
    assert (report.n, report.missing) == (3, 0)


def test_one_joint_at_twice_its_sigma():
    # One labelled joint, error d with d^2 = 2 (2 sigma)^2 area: OKS = exp(-1) = 0.37, no match at 0.5.
    pose = np.zeros((17, 3))
    pose[0] = [50, 50, 2]
    shifted = pose.copy()
    shifted[0, 0] += np.sqrt(2 * (2 * COCO_SIGMAS[0]) ** 2 * 5000)
    truth = truth_of([person(keypoints=pose.ravel().tolist())])
    assert ours(truth, [answer(keypoints=shifted.ravel().tolist())]).metrics["ap50"] == 0
    # At a quarter of that squared error OKS = exp(-1/4) = 0.78: thresholds .50 to .75 are reached.
    shifted[0, 0] = 50 + np.sqrt(2 * (2 * COCO_SIGMAS[0]) ** 2 * 5000) / 2
    assert ours(truth, [answer(keypoints=shifted.ravel().tolist())]).metrics["ap"] == pytest.approx(0.6)


def test_num_keypoints_decides_what_is_ignored():
    report = ours(truth_of([person(num_keypoints=0)]), [answer()])
    assert report.metrics["ap"] is None


def test_rows_of_images_give_the_same_figures_as_files():
    truth = [person(1, 1), person(2, 1), person(3, 3)]
    found = [answer(1, 1, 0.9), answer(3, 1, 0.8), answer(3, 3, 0.7)]
    rows = []
    for image in (1, 3, 5):
        true = [row for row in truth if row["image_id"] == image]
        mine = [row for row in found if row["image_id"] == image]
        rows.append(
            measure_image(
                np.array([row["keypoints"] for row in mine]).reshape(-1, 17, 3)[:, :, :2],
                np.array([row["score"] for row in mine]),
                np.array([row["keypoints"] for row in true]).reshape(-1, 17, 3),
                np.array([row["bbox"] for row in true], dtype=float).reshape(-1, 4),
                np.array([row["area"] for row in true], dtype=float),
            )
        )
    want = ours(truth_of(truth), found, {"categories": "1"}).metrics
    assert aggregate(rows) == want
    assert 0 < want["ap"] < 1


def test_other_skeletons_need_sigmas():
    truth = truth_of([person(keypoints=[1, 1, 2, 30, 30, 2])])
    found = [answer(keypoints=[1, 1, 1, 30, 30, 1])]
    with pytest.raises(DataError, match="2 joints a pose, not 17"):
        ours(truth, found)
    report = ours(truth, found, {"sigmas": "0.05,0.1"})
    assert report.metrics["ap"] == pytest.approx(1)
    assert "sigmas=0.05,0.1" in report.protocol


def test_answers_without_scores_or_with_other_joints_are_refused():
    bare = {key: value for key, value in answer().items() if key != "score"}
    with pytest.raises(DataError, match="no score"):
        ours(truth_of([person()]), [bare])
    with pytest.raises(DataError, match=r"result 0 \(image_id 1\): keypoints is .* list of 51 numbers"):
        ours(truth_of([person()]), [answer(keypoints=[1, 2, 3])])
    with pytest.raises(DataError, match="must be finite"):
        ours(truth_of([person()]), [answer(keypoints=[float("nan")] * 51)])


def test_the_card_lists_every_key():
    assert list(ours(truth_of([person()]), [answer()]).metrics) == list(SCORERS[0].card.keys)
