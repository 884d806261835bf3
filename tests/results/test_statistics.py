"""Every quick way to take a score again gives, draw by draw, what the metric says of the drawn rows themselves.

Tolerance 1e-9: the same sums in another order.
"""

from functools import partial

import numpy as np
import pytest

from metrics import ap_rows, keypoints, match_rows, panoptic, pck_mpii, semantic
from metrics.base import Card, Metric
from metrics.captions import CAPTIONS
from metrics.detection import BBOX, Objects, measure_image
from metrics.gres import GRES
from metrics.matching import join
from metrics.meteor import FIELDS
from metrics.phrases import PHRASES
from metrics.pope import POPE
from metrics.pope import measure as measure_pope
from metrics.registry import metrics
from metrics.res import RES
from metrics.salient import ROW_KEYS
from results.resampling import Again, count
from results.statistics import statistics

KNOWN = {metric.name: metric for metric in metrics()}
IMAGES, PER_IMAGE, DRAWS = 9, 2, 25
ON_OCCASION = {"t_acc_penalised": "t_acc"}
"""Keys that are printed only where they differ from another."""


def segments(random):
    row = {}
    for name in ("thing/1", "thing/2", "stuff/7"):
        if random.random() < 0.6:
            tp = int(random.integers(0, 3))
            row |= {f"{name}/tp": tp, f"{name}/iou": float(tp * random.uniform(0.5, 1))}
            row |= {f"{name}/fp": int(random.integers(0, 2)), f"{name}/fn": int(random.integers(0, 2))}
    return row


def pixels(random):
    row = {"unknown": 0}
    for c in np.flatnonzero(random.random(4) < 0.6).tolist():
        tp = int(random.integers(0, 50))
        row[f"{c}/tp"], row[f"{c}/pred"] = tp, tp + int(random.integers(0, 40))
        row[f"{c}/target"] = tp + int(random.integers(0, 40)) if c < 3 else 0
        row[f"{c}/tp"] = min(tp, row[f"{c}/target"])
    return row


def caption(random):
    words = int(random.integers(4, 12))
    row = {"words": words, "reference_words": int(random.integers(4, 12)), "cider": float(random.random())}
    row |= {f"match{n}": int(random.integers(0, words - n + 2)) for n in range(1, 5)}
    return row | {
        "rouge_l": float(random.random()),
        **{f"meteor_{name}": float(random.integers(1, 9)) for name in FIELDS},
    }


def expression(random):
    absent, refused, union = int(random.random() < 0.4), int(random.random() < 0.4), int(random.integers(0, 90))
    inter = 0 if absent or refused else int(random.integers(0, union + 1))
    missing = int(not refused and random.random() < 0.2)
    return {"inter": inter, "union": union, "no_target": absent, "says_no_target": refused, "missing": missing}


def saliency(random):
    return {key: float(random.random()) for key in ROW_KEYS}


def named(random):
    count = int(random.integers(0, 5))
    return {"named": count, "unmapped": int(random.integers(0, count + 1))}


def pose(random):
    true = random.uniform(0, 50, (16, 2))
    found = None if random.random() < 0.2 else true + random.normal(0, 3, (16, 2))
    return pck_mpii.measure(found, true, random.random(16) < 0.9, 0.0 if random.random() < 0.2 else 8.0)


def answer(random):
    return measure_pope(str(random.choice(["yes", "no"])), "yes" if random.random() < 0.5 else "no")


def overlap(random):
    union = int(random.integers(1, 90))
    return {"inter": int(random.integers(0, union + 1)), "union": union, "missing": 0}


def each(measure, random):
    return [measure(random) for _ in range(IMAGES * PER_IMAGE)]


def boxes(random, shape):
    """Rows of detections in images with a few objects of three categories; all scores differ."""
    found = []
    for _ in range(IMAGES * PER_IMAGE):
        true = np.column_stack([random.uniform(0, 300, (4, 2)), random.uniform(8, 120, (4, 2))])
        near = np.concatenate([true + random.normal(0, 4, true.shape), random.uniform(5, 90, (2, 4))])
        kinds = random.integers(0, 3, 4)
        guess = np.concatenate([kinds, random.integers(0, 3, 2)])
        found.append(
            measure_image(
                Objects(guess, np.abs(near), score=random.random(6)), Objects(kinds, true, crowd=random.random(4) < 0.2)
            )
        )
    rows = ap_rows.to_rows(join(found), range(len(found)))
    return (
        [row | {"true_frequency": [c % 2 for c in row["true_category"]]} for row in rows] if shape == "lvis" else rows
    )


def poses(random):
    number = IMAGES * PER_IMAGE
    image = np.repeat(np.arange(number), 2)
    xy = random.uniform(0, 200, (len(image), 17, 2))
    xyv = np.concatenate([xy, np.full((len(image), 17, 1), 2.0)], axis=2)
    no = np.zeros(len(image), dtype=bool)
    box = np.column_stack([xy.min(axis=1), np.ptp(xy, axis=1)])
    true = keypoints.Persons(image, xyv, box, random.uniform(2000, 20000, len(image)), no, no, no)
    guess = xy + random.normal(0, 9, xy.shape)
    found = keypoints.Poses(image, guess, random.random(len(image)), keypoints.extent(guess), no)
    matches, kept = keypoints.match_poses(found, true)
    return match_rows.to_rows(matches, image[kept], image, np.arange(number))


CASES = {
    "panoptic": (panoptic.PANOPTIC, partial(each, segments)),
    "semantic": (semantic.SEMANTIC, partial(each, pixels)),
    "semantic_mmseg": (semantic.SEMANTIC_MMSEG, partial(each, pixels)),
    "captions": (CAPTIONS, partial(each, caption)),
    "gres": (GRES, partial(each, expression)),
    "salient": (KNOWN["salient"], partial(each, saliency)),
    "phrases": (PHRASES, partial(each, named)),
    "pckh": (pck_mpii.PCKH, partial(each, pose)),
    "pckh_fixed": (pck_mpii.metric("fixed"), partial(each, pose)),
    "pope": (POPE, partial(each, answer)),
    "res": (RES, partial(each, overlap)),
    "bbox": (BBOX, partial(boxes, shape="coco")),
    "lvis": (KNOWN["lvis_bbox"], partial(boxes, shape="lvis")),
    "keypoints": (keypoints.KEYPOINTS, poses),
}


def drawn(rows, counts):
    """Rows of the images that a draw holds, repeated as often as it holds them."""
    return [row for image, times in enumerate(counts.astype(int)) for _ in range(times) for row in rows[image::IMAGES]]


@pytest.mark.parametrize("name", CASES)
def test_every_draw_is_what_the_metric_says_of_its_rows(name):
    metric, make = CASES[name]
    random = np.random.default_rng(7)
    rows, place = make(random), np.tile(np.arange(IMAGES), PER_IMAGE)
    found = statistics(metric, [rows], [place], IMAGES)
    assert not any(isinstance(every, Again) for every in found)
    chosen = random.integers(IMAGES, size=(DRAWS, IMAGES), dtype=np.int32)
    scores = {key: values for every in found for key, values in every.resampled(chosen).items()}
    assert set(scores) == {key for key, value in metric.aggregate(rows).items() if np.isfinite(value)}
    for number, counts in enumerate(count(chosen, IMAGES)):
        again = metric.aggregate(drawn(rows, counts))
        want = {key: again.get(key, again.get(ON_OCCASION.get(key, ""), np.nan)) for key in scores}
        assert {key: values[number] for key, values in scores.items()} == pytest.approx(want, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", ["res", "panoptic", "bbox"])
def test_of_two_runs_each_part_is_that_run_alone_and_swaps_exchange_images(name):
    metric, make = CASES[name]
    sides = [make(np.random.default_rng(seed)) for seed in (1, 2)]
    place = np.tile(np.arange(IMAGES), PER_IMAGE)
    swap = np.arange(IMAGES) % 2 == 0
    weights = np.concatenate([1.0 - swap, swap])[None]
    mixed = [row for image in range(IMAGES) for row in sides[int(swap[image])][image::IMAGES]]
    for every in statistics(metric, sides, [place, place], IMAGES):
        for number, rows in enumerate(sides):
            alone = every.part(number * IMAGES, (number + 1) * IMAGES).weighted(np.ones((1, IMAGES)))
            whole = metric.aggregate(rows)
            assert {key: float(value[0]) for key, value in alone.items()} == pytest.approx(
                {key: whole[key] for key in every.scored}, abs=1e-9
            )
        scores = {key: float(value[0]) for key, value in every.weighted(weights).items()}
        again = metric.aggregate(mixed)
        assert scores == pytest.approx({key: again[key] for key in every.scored}, abs=1e-9, nan_ok=True)


def test_a_formula_that_does_not_give_the_score_is_not_used():
    """A metric of somebody's with columns named like ours and rules of its own."""
    own = Metric("odd", "odd", "odd/1", lambda rows: {"unmapped": float(max(r["unmapped"] for r in rows))}, "unmapped",
                 Card("odd", "nobody", (), {}))  # fmt: skip
    rows = each(named, np.random.default_rng(3))
    [found] = statistics(own, [rows], [np.tile(np.arange(IMAGES), PER_IMAGE)], IMAGES)
    assert isinstance(found, Again)
    assert found.weighted(np.ones((1, IMAGES)))["unmapped"][0] == own.aggregate(rows)["unmapped"]
