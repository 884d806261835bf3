"""Panoptic quality on cases one can count, its properties, and its agreement with an independent engine."""

import contextlib
import io
import json
import math
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from metrics.errors import DataError
from metrics.panoptic import PanopticMap, Segment, aggregate, category_counts, measure, pair_areas
from metrics.panoptic_files import score

THINGS = {1: True, 2: True, 3: False, 4: False}


def panoptic(ids, *segments):
    """Segments are (id, category) or (id, category, "crowd"); the area is counted."""
    ids = np.array(ids, np.uint32)
    made = (Segment(s[0], s[1], int((ids == s[0]).sum()), len(s) > 2) for s in segments)
    return PanopticMap(ids, tuple(made), "case")


def counts(row):
    return {c: (v["tp"], v["fp"], v["fn"]) for (_, c), v in category_counts([row]).items()}


def test_one_match_one_miss_and_one_false_segment():
    target = panoptic([[7, 7, 7, 8]], (7, 1), (8, 3))
    pred = panoptic([[5, 5, 6, 6]], (5, 1), (6, 4))
    row = measure(pred, target, THINGS)
    assert counts(row) == {1: (1, 0, 0), 3: (0, 0, 1), 4: (0, 1, 0)}
    assert row["thing/1/iou"] == 2 / 3
    scores = aggregate([row])
    assert scores["pq"] == pytest.approx(2 / 9)
    assert (scores["pq_things"], scores["pq_stuff"]) == (pytest.approx(2 / 3), 0.0)


def test_iou_of_exactly_one_half_is_no_match():
    target = panoptic([[7, 7, 0, 0]], (7, 1))
    pred = panoptic([[5, 0, 0, 0]], (5, 1))
    assert counts(measure(pred, target, THINGS)) == {1: (0, 1, 1)}


def test_predicted_pixels_on_void_leave_the_union():
    target = panoptic([[7, 7, 0, 0, 0]], (7, 1))
    pred = panoptic([[5, 5, 5, 5, 5]], (5, 1))
    assert measure(pred, target, THINGS)["thing/1/iou"] == 1.0


@pytest.mark.parametrize(("on_void", "false"), [(2, 1), (3, 0)])
def test_a_segment_is_forgiven_when_more_than_half_of_it_is_void(on_void, false):
    target = panoptic([[0] * on_void + [7] * (4 - on_void) + [7] * 9], (7, 3))
    pred = panoptic([[5] * 4 + [0] * 9], (5, 1))
    assert counts(measure(pred, target, THINGS)).get(1, (0, 0, 0))[1] == false


def test_crowds_are_never_missed_and_forgive_their_own_category_only():
    target = panoptic([[9, 9, 9, 9]], (9, 1, "crowd"))
    pred = panoptic([[5, 5, 6, 6]], (5, 1), (6, 2))
    assert counts(measure(pred, target, THINGS)) == {2: (0, 1, 0)}


def test_of_two_crowds_of_a_category_the_last_listed_forgives():
    ids = [[8, 8, 9, 9]]
    pred = panoptic([[5, 5, 0, 0]], (5, 1))
    assert counts(measure(pred, panoptic(ids, (8, 1, "crowd"), (9, 1, "crowd")), THINGS)) == {1: (0, 1, 0)}
    assert counts(measure(pred, panoptic(ids, (9, 1, "crowd"), (8, 1, "crowd")), THINGS)) == {}


def test_a_missing_prediction_misses_every_target_but_crowds():
    target = panoptic([[7, 8, 9, 9]], (7, 1), (8, 3), (9, 2, "crowd"))
    assert counts(measure(None, target, THINGS)) == {1: (0, 0, 1), 3: (0, 0, 1)}


def test_the_recorded_area_is_used_even_when_the_png_disagrees():
    target = PanopticMap(np.array([[7, 7, 0, 0]], np.uint32), (Segment(7, 1, area=3),), "case")
    row = measure(panoptic([[5, 5, 0, 0]], (5, 1)), target, THINGS)
    assert (row["thing/1/iou"], row["area_differs"]) == (2 / 3, 1)


def test_a_group_without_categories_is_undefined():
    scores = aggregate([measure(None, panoptic([[7]], (7, 1)), THINGS)])
    assert scores["pq_things"] == 0.0
    assert math.isnan(scores["pq_stuff"])
    assert math.isnan(aggregate([])["pq"])


@pytest.mark.parametrize(
    ("pred", "text"),
    [
        (panoptic([[5, 6]], (5, 1)), "segment 6 is in the PNG but not in segments_info"),
        (panoptic([[5, 5]], (5, 1), (6, 1)), "segment 6 is in segments_info but has no pixel"),
        (panoptic([[5, 5]], (5, 77)), "segment 5 has category_id 77"),
        (panoptic([[5, 5]], (5, 1), (5, 2)), "segment 5 is listed twice"),
        (panoptic([[5], [5]], (5, 1)), "bring the prediction to the size"),
    ],
)
def test_contradictions_are_named(pred, text):
    with pytest.raises(DataError, match=text):
        measure(pred, panoptic([[7, 7]], (7, 1)), THINGS)


repeatable = settings(deadline=None, derandomize=True)
maps = st.integers(0, 2**32 - 1).map(lambda seed: np.random.default_rng(seed))


def random_panoptic(rng, size=(17, 23), crowds=True):
    """Rectangles painted over each other on void, with random ids and categories."""
    ids = np.zeros(size, np.uint32)
    chosen = rng.choice(np.arange(1, 2**24), int(rng.integers(0, 7)), replace=False)
    for i in chosen:
        y, x = rng.integers(0, size[0] - 1), rng.integers(0, size[1] - 1)
        ids[y : y + rng.integers(1, 12), x : x + rng.integers(1, 12)] = i
    seen = [(int(i), int(rng.integers(1, 5))) for i in chosen if (ids == i).any()]
    return panoptic(ids, *((*s, "crowd") if crowds and rng.random() < 0.3 else s for s in seen))


def perturbed(target, rng):
    """A prediction that overlaps the target: shifted, with new ids, some categories changed."""
    ids = np.roll(target.ids, rng.integers(-2, 3, 2), (0, 1))
    new = {s.id: int(i) for s, i in zip(target.segments, rng.choice(2**24 - 1, 9, replace=False) + 1, strict=False)}
    mapped = np.zeros_like(ids)
    for old, fresh in new.items():
        mapped[ids == old] = fresh
    kept = [(new[s.id], s.category_id if rng.random() < 0.8 else int(rng.integers(1, 5))) for s in target.segments]
    return panoptic(mapped, *(k for k in kept if (mapped == k[0]).any()))


@repeatable
@given(maps)
def test_pair_areas_equal_a_plain_count(rng):
    a, b = random_panoptic(rng).ids, random_panoptic(rng).ids
    plain = {}
    for key in zip(b.ravel().tolist(), a.ravel().tolist(), strict=True):
        plain[key] = plain.get(key, 0) + 1
    assert pair_areas(a, b) == plain


@repeatable
@given(maps)
def test_the_truth_itself_scores_one(rng):
    target = random_panoptic(rng, crowds=False)
    values = [v for v in aggregate([measure(target, target, THINGS)]).values() if not math.isnan(v)]
    assert set(values) <= {1.0}


@repeatable
@given(maps)
def test_ids_and_the_order_of_images_do_not_matter(rng):
    targets = [random_panoptic(rng) for _ in range(4)]
    preds = [perturbed(t, rng) for t in targets]
    rows = [measure(p, t, THINGS) for p, t in zip(preds, targets, strict=True)]
    flip = 0x5A5A5A
    renamed = [
        PanopticMap(np.where(p.ids, p.ids ^ flip, 0), tuple(Segment(s.id ^ flip, s.category_id) for s in p.segments))
        for p in preds
    ]
    assert [measure(p, t, THINGS) for p, t in zip(renamed, targets, strict=True)] == rows
    assert aggregate(rows[::-1]) == pytest.approx(aggregate(rows), abs=0, nan_ok=True)


def write(folder, name, images):
    """Write panoptic maps in the official format."""
    (folder / name).mkdir()
    annotations = []
    for number, image in enumerate(images):
        rgb = np.stack([image.ids >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8)
        Image.fromarray(rgb).save(folder / name / f"{number}.png")
        info = [{"id": s.id, "category_id": s.category_id, "area": int(s.area), "iscrowd": int(s.iscrowd),
                 "bbox": [0, 0, 1, 1]} for s in image.segments]
        annotations.append({"image_id": number, "file_name": f"{number}.png", "segments_info": info})
    height, width = images[0].ids.shape
    content = {
        "images": [{"id": n, "height": height, "width": width, "file_name": f"{n}.jpg"} for n in range(len(images))],
        "annotations": annotations,
        "categories": [{"id": c, "name": f"c{c}", "isthing": int(thing)} for c, thing in THINGS.items()],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content))
    return path


@contextlib.contextmanager
def random_files(rng):
    """Five random targets and predictions as official files, and our report on them."""
    targets = [random_panoptic(rng) for _ in range(5)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth, answer = write(folder, "gt", targets), write(folder, "pred", [perturbed(t, rng) for t in targets])
        yield truth, answer, score(truth, answer, {})


@settings(repeatable, max_examples=40)
@given(maps)
def test_random_files_score_as_panopticapi_does(rng):
    """Runs where panopticapi is installed from its repository; sums of IoU differ in order only, hence 1e-12."""
    evaluation = pytest.importorskip("panopticapi.evaluation")
    with random_files(rng) as (truth, answer, ours), contextlib.redirect_stdout(io.StringIO()):
        contents = [json.loads(path.read_text()) for path in (truth, answer)]
        pairs = list(zip(contents[0]["annotations"], contents[1]["annotations"], strict=True))
        categories = {c["id"]: c for c in contents[0]["categories"]}
        folders = [str(path.with_suffix("")) for path in (truth, answer)]
        stat = evaluation.pq_compute_single_core(0, pairs, *folders, categories)
    for suffix, is_thing in {"": None, "_things": True, "_stuff": False}.items():
        if ours.metrics[f"pq{suffix}"] is None:
            with pytest.raises(ZeroDivisionError):
                stat.pq_average(categories, isthing=is_thing)
            continue
        theirs, _ = stat.pq_average(categories, isthing=is_thing)
        for key in ("pq", "sq", "rq"):
            assert ours.metrics[key + suffix] == pytest.approx(theirs[key], abs=1e-12)


@settings(repeatable, max_examples=40)
@given(maps)
def test_random_files_score_as_hotcoco_does(rng):
    """Another engine on the same files; sums of IoU differ in order only, hence 1e-12."""
    engine = pytest.importorskip("hotcoco.panoptic")
    with random_files(rng) as (truth, answer, ours), contextlib.redirect_stdout(io.StringIO()):
        theirs = engine.PanopticEval(str(truth), str(answer))
        theirs.evaluate()
    results = theirs.results()
    for suffix, group in {"": "All", "_things": "Things", "_stuff": "Stuff"}.items():
        for key in ("pq", "sq", "rq"):
            got = ours.metrics[key + suffix]
            assert got is None if not results[group]["n"] else got == pytest.approx(results[group][key], abs=1e-12)
    for category, theirs_c in results["per_class"].items():
        own = ours.per_class[f"c{category}"]
        assert [own[k] for k in ("tp", "fp", "fn")] == [theirs_c[k] for k in ("tp", "fp", "fn")]
