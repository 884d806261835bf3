"""The kind `gres` against counts by hand, and the task `grefcoco_res` through the command line."""

import json

import pytest

from benchmarks.registry import benchmark
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample, Target
from metrics.gres import aggregate
from tasks import kinds
from tasks.gres import measure
from tasks.models.oracle import Oracle
from tasks.predictions import to_json

WORDS = ("eval", "--task", "grefcoco_res", "--split", "val,testA,testB,shifted", "--json")


@pytest.fixture
def sample(toy, tmp_path):
    """Means the box 0, 0, 9, 8 (72 pixels), or nothing."""

    def make(targets):
        box = (0, 0, 9, 8) if targets != "none" else (0, 0, 0, 0)
        image = ImageRef(tmp_path / "none.jpg", toy.SIZE_HW)
        return Sample("s", image, "7", "cats", Target(box, toy.rle_of(box)), {"targets": targets})

    return make


def answer(*masks, status="ok"):
    return Prediction("s", status, groups=tuple(Group("cats", "mask", (Instance(mask_rle=mask),)) for mask in masks))


def test_several_masks_count_as_their_union(sample, toy):
    row = measure(sample("many"), answer(toy.rle_of((0, 0, 5, 8)), toy.rle_of((4, 0, 10, 8))))["gres"]
    assert row == {"inter": 72, "union": 80, "no_target": 0, "says_no_target": 0, "missing": 0}


def test_no_mask_says_that_nothing_is_meant(sample):
    right = measure(sample("none"), answer())["gres"]
    assert right == {"inter": 0, "union": 0, "no_target": 1, "says_no_target": 1, "missing": 0}
    wrong = measure(sample("one"), answer())["gres"]
    assert wrong == {"inter": 0, "union": 72, "no_target": 0, "says_no_target": 1, "missing": 0}


def test_a_mask_for_nothing_joins_the_union(sample, toy):
    row = measure(sample("none"), answer(toy.rle_of((0, 0, 2, 3))))["gres"]
    assert row == {"inter": 0, "union": 6, "no_target": 1, "says_no_target": 0, "missing": 0}


@pytest.mark.parametrize("status", ["failed", "parse_error"])
@pytest.mark.parametrize("targets", ["none", "one"])
def test_an_answer_that_is_not_ok_says_nothing_whatever_it_holds(sample, toy, status, targets):
    for groups in ((), (toy.rle_of((0, 0, 9, 8)),)):
        row = measure(sample(targets), answer(*groups, status=status))["gres"]
        assert (row["inter"], row["says_no_target"], row["missing"]) == (0, 0, 1)
        assert row["union"] == (72 if targets == "one" else 0)


def test_scores_are_those_of_a_count_by_hand(sample, toy):
    whole, half = toy.rle_of((0, 0, 9, 8)), toy.rle_of((0, 0, 9, 4))
    asked = [
        ("one", answer(whole)), ("many", answer(half)), ("none", answer()), ("none", answer(half)), ("one", answer()),
    ]  # fmt: skip
    scores = aggregate([measure(sample(targets), given)["gres"] for targets, given in asked])
    # intersections 72, 36, 0, 0, 0 over unions 72, 72, 0, 36, 72; IoU 1, 1/2, 1, 0, 0
    assert scores == pytest.approx(
        {"ciou": 108 / 252, "giou": 0.5, "pr@0.7": 1 / 3, "pr@0.8": 1 / 3, "pr@0.9": 1 / 3, "n_acc": 1 / 2,
         "t_acc": 2 / 3}
    )  # fmt: skip


def test_the_oracle_is_perfect_on_every_split(refbench, small_world):
    rows = refbench(*WORDS, "--model", "oracle", "--data-root", small_world).json["rows"]
    assert [(row["split"], row["data"]) for row in rows] == [
        (split, "sample") for split in ("val", "testA", "testB", "shifted")
    ]
    for row in rows:
        assert set(row["metrics"]) == {"ciou", "giou", "pr@0.7", "pr@0.8", "pr@0.9", "n_acc", "t_acc"}
        assert set(row["metrics"].values()) == {1.0}


def test_the_constant_never_refuses_and_scores_low(refbench, small_world):
    for row in refbench(*WORDS, "--model", "constant", "--data-root", small_world).json["rows"]:
        assert (row["metrics"]["n_acc"], row["metrics"]["t_acc"]) == (0.0, 1.0)
        assert all(row["metrics"][key] < 0.5 for key in ("ciou", "giou", "pr@0.7"))


def test_answers_of_another_program_are_scored_and_an_absent_one_is_no_refusal(refbench, small_world, tmp_path):
    samples = benchmark("grefcoco/unc").open(small_world, "testB", "sample").samples
    oracle = Oracle()
    oracle.attach(kinds.find("gres"), samples)
    lines = [to_json(each) for each in oracle.predict([sample.query("", "mask") for sample in samples])]
    dropped = next(row for row, sample in enumerate(samples) if sample.tags["targets"] == "none")
    absent = sum(sample.tags["targets"] == "none" for sample in samples)
    del lines[dropped]
    (path := tmp_path / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    words = ("--predictions", path, "--split", "testB", "--data-root", small_world, "--json")
    done = refbench("score", "--task", "grefcoco_res", *words).json
    assert (done["n"], done["missing"], done["malformed"]) == (len(samples), 1, 0)
    assert done["metrics"]["n_acc"] == pytest.approx((absent - 1) / absent)
    assert done["metrics"]["giou"] == pytest.approx((len(samples) - 1) / len(samples))
