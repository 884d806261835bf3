"""COCO AP from file to figures against pycocotools, faster-coco-eval and hotcoco; run with -m bench -s.

Every tool reads the same two files and must print the same figures. Sizes are those of COCO val2017 with a detector's
results: 5,000 images, about 35,000 objects, 180,000 detections, 80 categories.
"""

import contextlib
import io
import json
import time

import numpy as np
import pytest
from pycocotools import mask as rle

from metrics.detection import SCORERS as DETECTION
from metrics.keypoints import SCORERS as KEYPOINTS

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]
SCORE = {scorer.name: scorer.score for scorer in (*DETECTION, *KEYPOINTS)}
IMAGES, CATEGORIES, OBJECTS, RESULTS = 5000, 80, 7, 36
HEIGHT, WIDTH = 480, 640


def boxes(rng, count):
    size = np.exp(rng.uniform(np.log(8), np.log(300), (count, 2)))
    corner = rng.uniform(0, 1, (count, 2)) * np.maximum([WIDTH, HEIGHT] - size, 1)
    return np.concatenate((corner, size), axis=1).round(2)


def outline(box):
    angle = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    x, y, w, h = box
    points = np.stack((x + w / 2 * (1 + np.cos(angle)), y + h / 2 * (1 + np.sin(angle))), axis=1)
    return [points.round(2).ravel().tolist()]


def compressed(box):
    packed = rle.merge(rle.frPyObjects(outline(box), HEIGHT, WIDTH))
    return {"size": packed["size"], "counts": packed["counts"].decode()}


def instances(rng, kind):
    """Make objects and, around some of them, detections; the rest of the detections lie anywhere."""
    popularity = 1 / np.arange(1, CATEGORIES + 1)
    popularity /= popularity.sum()
    annotations, results = [], []
    for image in range(1, IMAGES + 1):
        true = boxes(rng, rng.poisson(OBJECTS))
        category = rng.choice(CATEGORIES, len(true), p=popularity) + 1
        for box, name in zip(true.tolist(), category.tolist(), strict=True):
            crowd = int(rng.random() < 0.01)
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": name, "bbox": box, "iscrowd": crowd,
                 "area": box[2] * box[3] * 0.7, "segmentation": outline(box)}
            )  # fmt: skip
        near = rng.integers(len(true), size=RESULTS // 2) if len(true) else np.zeros(0, dtype=int)
        jitter = rng.normal(0, 0.1, (len(near), 4)) * true[near][:, [2, 3, 2, 3]]
        found = np.concatenate((np.maximum(true[near] + jitter, 1), boxes(rng, RESULTS - len(near)))).round(2)
        found[:, 2:] = np.minimum(found[:, 2:], np.maximum([WIDTH, HEIGHT] - found[:, :2], 1)).round(2)
        names = np.concatenate((category[near], rng.choice(CATEGORIES, RESULTS - len(near), p=popularity) + 1))
        score = rng.random(RESULTS).round(3)
        for box, name, value in zip(found.tolist(), names.tolist(), score.tolist(), strict=True):
            shape = {"bbox": box} if kind == "bbox" else {"segmentation": compressed(box)}
            results.append({"image_id": image, "category_id": name, "score": value, **shape})
    return annotations, results


def persons(rng, kind):
    """Make poses of about two persons an image, and two answers each."""
    annotations, results = [], []
    for image in range(1, IMAGES + 1):
        for box in boxes(rng, rng.poisson(2.2)).tolist():
            x, y, w, h = box
            joints = np.column_stack((rng.uniform(x, x + w, 17), rng.uniform(y, y + h, 17))).round(1)
            seen = rng.integers(0, 3, 17)
            pose = np.column_stack((joints * (seen[:, None] > 0), seen))
            annotations.append(
                {"id": len(annotations) + 1, "image_id": image, "category_id": 1, "bbox": box, "iscrowd": 0,
                 "area": w * h * 0.6, "num_keypoints": int((seen > 0).sum()), "keypoints": pose.ravel().tolist()}
            )  # fmt: skip
            for spread in (0.05, 0.15):
                guess = np.column_stack((joints + rng.normal(0, spread, (17, 2)) * [w, h], np.ones(17))).round(2)
                value = round(float(rng.random()), 3)
                results.append(
                    {"image_id": image, "category_id": 1, "score": value, "keypoints": guess.ravel().tolist()}
                )
    return annotations, results


def write(folder, make, kind):
    annotations, results = make(np.random.default_rng(0), kind)
    images = [{"id": i, "height": HEIGHT, "width": WIDTH} for i in range(1, IMAGES + 1)]
    names = ["person"] if kind == "keypoints" else [f"thing {c}" for c in range(1, CATEGORIES + 1)]
    categories = [{"id": c, "name": name} for c, name in enumerate(names, start=1)]
    truth, found = folder / "truth.json", folder / "results.json"
    truth.write_text(json.dumps({"images": images, "categories": categories, "annotations": annotations}))
    found.write_text(json.dumps(results))
    print(f"\n{kind}: {IMAGES} images, {len(annotations)} objects, {len(results)} results")
    return truth, found


def ours(kind, truth, found):
    values = SCORE[kind](truth, found, {}).metrics.values()
    return [-1 if value is None else value for value in values]


def pycocotools(kind, truth, found):
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return peer(COCO, COCOeval, kind, truth, found)


def faster_coco_eval(kind, truth, found):
    from faster_coco_eval import COCO, COCOeval_faster

    return peer(COCO, COCOeval_faster, kind, truth, found)


def hotcoco(kind, truth, found):
    import hotcoco as package

    with contextlib.redirect_stdout(io.StringIO()):
        truth_file = package.COCO(str(truth))
        evaluator = package.COCOeval(truth_file, truth_file.load_res(str(found)), kind)
        evaluator.run()
    return list(evaluator.stats)


def peer(coco, coco_eval, kind, truth, found):
    with contextlib.redirect_stdout(io.StringIO()):
        truth_file = coco(str(truth))
        evaluator = coco_eval(truth_file, truth_file.loadRes(str(found)), kind)
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return list(evaluator.stats)


@pytest.mark.parametrize(("kind", "make"), [("bbox", instances), ("segm", instances), ("keypoints", persons)])
def test_coco_from_files_to_figures(kind, make, tmp_path):
    truth, found = write(tmp_path, make, kind)
    seconds, figures = {}, {}
    for tool in (ours, hotcoco, faster_coco_eval, pycocotools):
        wall, cpu = time.perf_counter(), time.process_time()
        figures[tool.__name__] = tool(kind, truth, found)
        seconds[tool.__name__] = time.process_time() - cpu
        print(f"  {tool.__name__}: {time.perf_counter() - wall:.2f} s, {seconds[tool.__name__]:.2f} s of CPU")
    for name in ("pycocotools", "faster_coco_eval", "hotcoco"):
        print(f"  {name} / refbench: {seconds[name] / seconds['ours']:.2f} x CPU")
    assert figures["ours"] == pytest.approx(figures["pycocotools"], abs=1e-12)
    for name in ("faster_coco_eval", "hotcoco"):
        size = len(figures["ours"])
        assert figures["ours"] == pytest.approx(figures[name][:size], abs=1e-10)
