import math

import pytest

from benchmarks.schema import Group, Instance, Prediction
from metrics.base import Card, Metric
from tasks.base import TaskKind, answer
from tasks.score import score

CARD = Card("a share", "nobody", (), {})


def test_slices_cover_every_value_and_are_scored_alone(toy, tmp_path):
    samples = toy.make_split(tmp_path, 4).samples
    right = Instance(box_xyxy=samples[0].target.box_xyxy)
    answers = [Prediction(samples[0].id, "ok", groups=(Group("thing", "box", (right,)),))]
    answers += [Prediction(sample.id, "failed") for sample in samples[1:]]
    scores = score(toy.make_task("rec").kind, samples, answers)
    assert scores.metrics["acc@0.5"] == 0.25
    assert {value: (part.n, part.metrics["acc@0.5"]) for value, part in scores.slices["kind"].items()} == {
        "even": (2, 0.5),
        "odd": (2, 0.0),
    }
    assert scores.units["acc@0.5"] == "fraction"


def test_two_metrics_with_the_same_key_stay_apart_and_undefined_is_none(toy, tmp_path):
    samples = toy.make_split(tmp_path, 4).samples
    metrics = (
        Metric("one", "toy", "one/1", lambda rows: {"mean": 1.0, "only": math.nan}, "mean", CARD),
        Metric("two", "toy", "two/1", lambda rows: {"mean": 0.0}, "mean", CARD),
    )
    rows = {"one": {"x": 1}, "two": {"x": 2}}
    kind = TaskKind("toy", "box", metrics, perfect=answer, measure=lambda sample, prediction: rows)
    scores = score(kind, samples, [Prediction(sample.id, "failed") for sample in samples])
    assert scores.metrics == {"mean": 1.0, "only": None, "two.mean": 0.0}
    assert scores.intervals == {"mean": (1.0, 1.0), "two.mean": (0.0, 0.0)}


def test_predictions_in_another_order_are_a_bug(toy, tmp_path):
    samples = toy.make_split(tmp_path, 2).samples
    with pytest.raises(AssertionError, match="same order"):
        score(toy.make_task("rec").kind, samples, [Prediction(sample.id, "ok") for sample in samples[::-1]])
