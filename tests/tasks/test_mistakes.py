"""Kinds of mistakes of runs: planted answers are what they were planted as."""

from types import SimpleNamespace

import numpy as np
import pytest

from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample, Target, TextTarget
from benchmarks.truth import Category, ObjectsTarget, TrueObject
from metrics import masks
from tasks import mistakes
from tasks.kinds import all_kinds
from tasks.stored import Stored

BOX, OTHER = (0.0, 0.0, 10.0, 10.0), (20.0, 20.0, 30.0, 30.0)
CATEGORIES = (Category(7, "cat"), Category(9, "dog"))


def mask(box):
    plane = np.zeros((40, 40), dtype=bool)
    x1, y1, x2, y2 = map(int, box)
    plane[y1:y2, x1:x2] = True
    return masks.encode(plane)


def sample(number, target, image="a"):
    return Sample(f"toy/{number}", ImageRef("none.png", (40, 40)), image, "q", target)


def stored(kind, samples, said, protocol=None):
    task = SimpleNamespace(kind=all_kinds()[kind], protocol=protocol or {})
    record = SimpleNamespace(record=None, rows={}, sample_ids=[each.id for each in samples])
    metric = SimpleNamespace(name="none", headline="none")
    return Stored(record, metric, task, {each.id: each for each in samples}, {each.sample_id: each for each in said})


def boxed(number, box):
    return Prediction(f"toy/{number}", "ok", groups=(Group("x", "box", (Instance(0.5, box_xyxy=box),)),))


PLANTED = [
    ("right", BOX),
    ("badly placed", (0.0, 0.0, 10.0, 4.0)),
    ("wrong object", OTHER),
    ("nothing there", (32.0, 0.0, 40.0, 8.0)),
    ("nothing there", (10.0, 10.0, 0.0, 0.0)),
]


@pytest.mark.parametrize("kind, box", PLANTED)
def test_an_answer_to_an_expression_is_what_was_planted(kind, box):
    samples = [sample(0, Target(BOX, mask(BOX))), sample(1, Target(OTHER, mask(OTHER)))]
    run = stored("rec", samples, [boxed(0, box), boxed(1, OTHER)])
    counts = mistakes.referring(run, samples)
    expected = {"right": 2} if kind == "right" else {"right": 1, kind: 1}
    assert dict(counts) == expected


@pytest.mark.parametrize("kind, box", PLANTED[:4])
def test_masks_are_judged_alike(kind, box):
    samples = [sample(0, Target(BOX, mask(BOX))), sample(1, Target(OTHER, mask(OTHER)))]
    said = Prediction("toy/0", "ok", groups=(Group("x", "mask", (Instance(0.5, mask_rle=mask(box)),)),))
    assert mistakes.referring(stored("res", samples, [said]), samples)[kind] == 1


def test_the_other_object_must_be_in_the_same_picture():
    samples = [sample(0, Target(BOX, mask(BOX))), sample(1, Target(OTHER, mask(OTHER)), "b")]
    counts = mistakes.referring(stored("rec", samples, [boxed(0, OTHER)]), samples)
    assert dict(counts) == {"nothing there": 1, "no answer": 1}


@pytest.mark.parametrize("said", [[], [Prediction("toy/0", "failed")], [Prediction("toy/0", "ok")]])
def test_no_answer_is_its_own_kind(said):
    samples = [sample(0, Target(BOX, mask(BOX)))]
    assert mistakes.referring(stored("rec", samples, said), samples) == {"no answer": 1}


def detected(*found):
    groups = [Group(name, "box", (Instance(score, box_xyxy=box),)) for name, box, score in found]
    return Prediction("toy/0", "ok", groups=tuple(groups))


def test_objects_are_compared_by_their_categories_and_crowds_are_known():
    true = (TrueObject(1, 9, BOX, 100.0), TrueObject(2, 7, OTHER, 100.0, crowd=True))
    seen = sample(0, ObjectsTarget(true, CATEGORIES))
    seen = Sample(seen.id, seen.image, "a", "", seen.target, categories=("cat", "dog"))
    run = stored(
        "detection", [seen], [detected(("dog", BOX, 0.9), ("cat", (20, 20, 30, 25), 0.8), ("house", BOX, 0.7))]
    )
    [scene], names = mistakes.scenes(run, [seen])
    assert names == ["cat", "dog"]
    assert scene.category.tolist() == [1, 0] and scene.true_category.tolist() == [1, 0]
    assert scene.overlap.tolist() == [[1, 0], [0, 1]]  # with a crowd the share of the found object that lies in it
    assert scene.crowd.tolist() == [False, True]


def test_plots_say_what_they_count():
    samples = [sample(0, Target(BOX, mask(BOX)))]
    lead, [figure] = mistakes.figures([stored("rec", samples, [boxed(0, BOX)])], ["m"])
    assert "Wrong object" in lead and "m: right 1," in figure.caption


def test_answers_in_words_are_compared_without_case_and_full_stop():
    samples = [sample(n, TextTarget(("yes",) if n else ("no",))) for n in range(3)]
    said = [Prediction("toy/0", "ok", "Yes."), Prediction("toy/1", "ok", "YES"), Prediction("toy/2", "ok", "maybe")]
    _, [figure] = mistakes.figures([stored("vqa", samples, said)], ["m"])
    assert "no called yes: 1 of 1" in figure.svg
    assert "yes called yes: 1 of 2" in figure.svg and "yes called another answer: 1 of 2" in figure.svg


def test_kinds_without_kinds_of_mistakes_have_no_plots():
    samples = [sample(0, TextTarget(("a long caption",)))]
    assert mistakes.figures([stored("caption", samples, [Prediction("toy/0", "ok", "x")])], ["m"]) == ("", [])
