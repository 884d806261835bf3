"""What detection and instance tasks make of answers: categories from phrases, scores, federated judgement.

Whole results are held to `refbench score bbox|segm|lvis`, which is held to the official tools elsewhere.
"""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from benchmarks.errors import ConfigError, DataError, UnknownName
from benchmarks.lvis import LvisTarget
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample
from benchmarks.truth import Category, ObjectsTarget, TrueObject
from metrics.detection import SCORERS as COCO_SCORERS
from metrics.lvis import SCORERS as LVIS_SCORERS
from results import rows as row_files
from tasks import kinds
from tasks.coco_results import read_results
from tasks.score import score

SIDE = 160
SCORE = {scorer.name: scorer.score for scorer in (*COCO_SCORERS, *LVIS_SCORERS)}
CATEGORIES = tuple(Category(k, name, frequency=f) for k, name, f in ((2, "cat", "r"), (5, "dog", "c"), (9, "cow", "f")))
CAT = (10.0, 10.0, 60.0, 60.0)


def true(number=1, box=CAT, category=2, crowd=False):
    x1, y1, x2, y2 = box
    return TrueObject(number, category, box, (x2 - x1) * (y2 - y1), rle(box), crowd)


def rle(box):
    x1, y1, x2, y2 = box
    polygon = [[x1, y1, x2, y1, x2, y2, x1, y2]]
    counts = coco_mask.merge(coco_mask.frPyObjects(polygon, SIDE, SIDE))["counts"]
    return {"size": [SIDE, SIDE], "counts": counts.decode()}


def sample(*objects, number=1, target=None):
    names = tuple(category.name for category in CATEGORIES)
    target = target or ObjectsTarget(objects, CATEGORIES)
    return Sample(f"b/s/{number}", ImageRef(Path("x.jpg"), (SIDE, SIDE)), str(number), "", target, categories=names)


def said(*objects, number=1, status="ok"):
    """Answer with (phrase, box, score) triples, as boxes and as masks."""
    groups = [Group(p, "box", (Instance(s, box, box and rle(box)),)) for p, box, s in objects]
    return Prediction(f"b/s/{number}", status, groups=tuple(groups))


def configured(kind="detection", **options):
    return kinds.find(kind).configure(options)


def scored(samples, predictions, kind="detection", **options):
    return score(configured(kind, **options), samples, predictions).metrics


@pytest.mark.parametrize("kind", ["detection", "instance"])
def test_open_words_find_their_category(kind):
    answer = said(("a small kitten", CAT, 0.9), ("Dogs", (80.0, 80.0, 120.0, 120.0), 0.8))
    asked = sample(true(), true(2, (80.0, 80.0, 120.0, 120.0), 5))
    assert scored([asked], [answer], kind)["ap"] == pytest.approx(1)
    strict = scored([asked], [answer], kind, phrases="exact")
    assert (strict["ap"], strict["unmapped"]) == (0, 1)


def test_an_object_of_no_category_finds_nothing_and_is_counted():
    asked = sample(true(), true(2, (80.0, 80.0, 120.0, 120.0)))
    found = scored([asked], [said(("cat", CAT, 0.9), ("spaceship", (80.0, 80.0, 120.0, 120.0), 0.8))])
    assert found["ar100"] == 0.5
    assert found["unmapped"] == 0.5
    assert found["ap"] == pytest.approx(51 / 101)  # full precision up to recall 0.5: levels 0 to 50 of 101


def test_an_answer_without_all_its_scores_is_refused_unless_the_protocol_says_how_to_rank():
    box = (80.0, 80.0, 120.0, 120.0)
    asked, answer = sample(true()), said(("cat", CAT, None), ("cat", box, 0.9))
    assert scored([asked], [answer])["ap"] == 0
    assert scored([asked], [answer])["unscored"] == 1
    in_order, alike = (scored([asked], [answer], scores=source) for source in ("answer_order", "constant"))
    assert in_order["ap"] == pytest.approx(1)  # the cat comes first, whatever the second one's score is
    assert alike["ap"] == pytest.approx(1)
    backwards = said(("cat", box, None), ("cat", CAT, None))
    assert scored([asked], [backwards], scores="answer_order")["ap"] == pytest.approx(0.5)
    assert "unscored" not in in_order


@pytest.mark.parametrize("wrong", [None, (60.0, 10.0, 10.0, 60.0)])
def test_what_is_no_box_is_a_false_positive(wrong):
    answer = Prediction("b/s/1", "ok", groups=(Group("cat", "box", (Instance(0.9, wrong), Instance(0.5, CAT))),))
    assert scored([sample(true())], [answer])["ap"] == pytest.approx(0.5)


def test_what_is_no_mask_is_a_false_positive():
    answer = Prediction("b/s/1", "ok", groups=(Group("cat", "mask", (Instance(0.9), Instance(0.5, None, rle(CAT)))),))
    assert scored([sample(true())], [answer], "instance")["ap"] == pytest.approx(0.5)


def test_crowds_are_neither_missed_nor_answered_by_the_oracle():
    asked = sample(true(), true(2, (80.0, 80.0, 120.0, 120.0), crowd=True))
    for kind in ("detection", "instance"):
        perfect = configured(kind).perfect(asked)
        assert [len(group.instances) for group in perfect.groups] == [1]
        assert scored([asked], [perfect], kind)["ap"] == pytest.approx(1)


@pytest.mark.parametrize("status", ["failed", "parse_error"])
def test_an_answer_that_failed_finds_nothing(status):
    found = scored([sample(true())], [said(("cat", CAT, 0.9), status=status)])
    assert found["ap"] == 0


def test_masks_need_a_truth_with_masks():
    bare = TrueObject(1, 2, CAT, 2500)
    with pytest.raises(DataError, match="annotation 1 has no segmentation"):
        scored([sample(bare)], [said()], "instance")
    assert scored([sample(bare)], [said(("cat", CAT, 0.9))])["ap"] == pytest.approx(1)


def test_lvis_judges_only_what_is_known_of_an_image():
    def asked(absent=(), partial=()):
        return sample(target=LvisTarget((true(),), CATEGORIES, frozenset(absent), frozenset(partial)))

    answer = said(("dog", CAT, 0.95), ("cat", (80.0, 80.0, 120.0, 120.0), 0.9), ("cat", CAT, 0.8))
    for known, ap in ((asked(), 0.5), (asked(partial=[2]), 1.0)):
        found = scored([known], [answer], rules="lvis")
        assert (found["ap"], found["apr"], found["apc"]) == (pytest.approx(ap), pytest.approx(ap), None)
    two = [asked(), sample(true(2, category=5), number=2, target=LvisTarget((true(2, category=5),), CATEGORIES))]
    dogs = [said(("cat", CAT, 0.5), ("dog", CAT, 0.9)), said(("dog", CAT, 0.6), number=2)]
    assert scored(two, dogs, rules="lvis")["apc"] == pytest.approx(1)
    two[0] = asked(absent=[5])
    assert scored(two, dogs, rules="lvis")["apc"] == pytest.approx(0.5)


def test_lvis_keeps_the_best_300_of_an_image():
    asked = sample(target=LvisTarget((true(),), CATEGORIES, frozenset([5])))
    dogs = [("dog", (0.0, 0.0, 20.0, 20.0), 0.9)] * 300
    assert scored([asked], [said(*dogs, ("cat", CAT, 0.8))], rules="lvis")["ap"] == 0
    assert scored([asked], [said(*dogs[1:], ("cat", CAT, 0.8))], rules="lvis")["ap"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"phrase": "exact"}, UnknownName, "no protocol option is called 'phrase'; did you mean phrases?"),
        ({"phrases": "exakt"}, UnknownName, "no phrase mapper is called 'exakt'; did you mean exact?"),
        ({"scores": "random"}, ConfigError, "scores is 'random', not one of required, answer_order, constant"),
        ({"rules": "voc"}, ConfigError, "rules is 'voc', not one of coco, lvis"),
    ],
)
def test_a_protocol_that_there_is_not_is_refused(options, error, words):
    with pytest.raises(error, match=words):
        configured(**options)


boxes = st.tuples(*[st.sampled_from([0, 7.25, 30, 31.1])] * 2, *[st.sampled_from([10, 31.9, 32, 40.4, 96, 100.5])] * 2)
things = st.tuples(st.integers(1, 3), st.sampled_from([2, 5, 9]), boxes, st.sampled_from([0, 0, 0, 1]))
answers = st.tuples(
    st.integers(1, 3), st.sampled_from([2, 5, 9, 77]), boxes, st.sampled_from([0.1, 0.1, 0.5, 0.7, 0.9])
)
lists = st.lists(st.sampled_from([2, 5, 9]), unique=True)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(things, min_size=1, max_size=7), st.lists(answers, max_size=12), lists, lists, st.data())
def test_results_files_score_as_the_scorer_of_official_files_does(tmp_path_factory, own, found, absent, partial, data):
    metric = data.draw(st.sampled_from(["bbox", "segm", "lvis"]))
    first_id = data.draw(st.sampled_from([0, 1]))  # annotation id 0 never counts, in both
    folder = tmp_path_factory.mktemp("files")
    kind = "detection" if metric == "bbox" else "instance"
    records, samples = [], []
    for k, (image, category, (x, y, w, h), crowd) in enumerate(own, start=first_id):
        shape = rle((x, y, x + w, y + h))
        record = {"id": k, "image_id": image, "category_id": category, "bbox": [x, y, w, h], "area": w * h / 2}
        records.append({**record, "segmentation": shape, "iscrowd": 0 if metric == "lvis" else crowd})
    for image in (1, 2, 3):
        objects = tuple(
            TrueObject(r["id"], r["category_id"], corners, r["area"], r["segmentation"], bool(r["iscrowd"]))
            for r in records if r["image_id"] == image
            for x, y, w, h in [r["bbox"]] for corners in [(x, y, x + w, y + h)]
        )  # fmt: skip
        target = LvisTarget(objects, CATEGORIES, frozenset(absent), frozenset(partial))
        samples.append(sample(number=image, target=target))
    federated = {"neg_category_ids": absent, "not_exhaustive_category_ids": partial}
    images = [{"id": image, "height": SIDE, "width": SIDE, **federated} for image in (1, 2, 3)]
    categories = [{"id": each.id, "name": each.name, "frequency": each.frequency} for each in CATEGORIES]
    results = [
        {"image_id": image, "category_id": category, "score": value}
        | ({"bbox": [x, y, w, h]} if metric == "bbox" else {"segmentation": rle((x, y, x + w, y + h))})
        for image, category, (x, y, w, h), value in found
    ]
    (folder / "gt.json").write_text(json.dumps({"images": images, "annotations": records, "categories": categories}))
    (folder / "dt.json").write_text(json.dumps(results))
    official = SCORE[metric](folder / "gt.json", folder / "dt.json", {}).metrics
    read = read_results("box" if metric == "bbox" else "mask", folder / "dt.json", samples)
    predictions = [read.get(each.id, Prediction(each.id, "failed")) for each in samples]
    ours = scored(samples, predictions, kind, rules="lvis" if metric == "lvis" else "coco")
    assert {key: ours[key] for key in official} == pytest.approx(official, abs=1e-12)


def test_images_without_numbers_are_taken_in_the_order_of_their_names():
    named = [replace(sample(true(), number=k), image_id=f"town_{k}") for k in (2, 1)]
    rows = configured().rows(named, [said(number=2), said(number=1)])["bbox"]
    assert [row["image"] for row in rows] == [1, 0]


def test_rows_survive_their_file(tmp_path):
    samples = [sample(true(), number=1), sample(number=2)]
    kind = configured()
    rows = kind.rows(samples, [said(("cat", CAT, 0.9)), said(("cat", CAT, None), number=2)])
    (tmp_path / "rows.npz").write_bytes(row_files.to_bytes(["a", "b"], ["1", "2"], rows))
    _, _, again = row_files.read(tmp_path / "rows.npz")
    for metric in kind.metrics:
        assert metric.aggregate(again[metric.name]) == pytest.approx(metric.aggregate(rows[metric.name]), nan_ok=True)
    assert np.isclose(kind.metrics[0].aggregate(again["bbox"])["unscored"], 1)
