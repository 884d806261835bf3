"""The floor: between the constant and the oracle on every task, made of another split only, and it says of which."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.geometry import decode
from benchmarks.registry import benchmark
from benchmarks.schema import ImageRef, Query, Region
from benchmarks.world.write import write_world
from tasks import registry
from tasks.data import Data
from tasks.floor_facts import Facts, learn
from tasks.models import floor
from tasks.plan import open_split

SIZE_HW = (40, 80)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A sample world with a training split."""
    root = tmp_path_factory.mktemp("floor") / "world"
    write_world(root, seed=3, scenes={"train": 8, "val": 6, "test": 8, "shifted": 2})
    return root


def query(wants, **fields):
    return Query("one", ImageRef(Path("photo.png"), SIZE_HW), "", "", wants, **fields)


def headline(task, split, model):
    """The first number of a task's first metric, without intervals."""
    metric = task.kind.metrics[0]
    answers = model.predict([sample.query("", task.kind.wants) for sample in split.samples])
    assert {answer.status for answer in answers} == {"ok"}
    return metric.aggregate(task.kind.rows(split.samples, answers)[metric.name])[metric.headline]


def opened(name, world):
    task = registry.find(name)
    return task, open_split(task, benchmark(task.benchmark).splits_present(world)[0], Data(world, "sample"))


# one task of every kind; those with captions wait for METEOR, a program of its own, and are slow
QUICK = ["ade20k_panoptic", "coco_detection", "coco_instance", "coco_interactive", "coco_keypoints_box",
         "coco_semantic", "ecssd_salient", "flickr30k_entities", "gqa", "grefcoco_res", "hrwsi_ordinal", "kitti_depth",
         "mpii_pose", "pointqa_local", "pope", "reasonseg", "refcoco_rec", "refcoco_res", "visual7w_pointing",
         "vqav2"]  # fmt: skip
SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in sorted(set(registry.task_files()) - set(QUICK))]


@pytest.mark.parametrize("name", [*QUICK, *SLOW])
def test_no_task_takes_the_floor_for_the_truth(world, name):
    task, split = opened(name, world)
    oracle = registry_model("oracle")
    oracle.attach(task.kind, split.samples)
    best, found = headline(task, split, oracle), headline(task, split, floor.of_split(task, split).load(None))
    assert not abs(found - best) < 0.01


@pytest.mark.parametrize(
    ("name", "sign"),
    [("coco_keypoints_box", 1), ("mpii_pose", 1), ("hrwsi_ordinal", -1),
     ("coco_interactive", 1), ("visual7w_pointing", 1), ("visual7w_pointing_box", 1),
     ("pope", 1), ("gqa", 1), ("nyu_depth", 1), ("kitti_depth", 1), ("pointqa_looktwice", 1)],
)  # fmt: skip
def test_it_is_no_worse_than_the_constant_where_it_knows_more(world, name, sign):
    task, split = opened(name, world)
    found = headline(task, split, floor.of_split(task, split).load(None))
    assert sign * found >= sign * headline(task, split, registry_model("constant"))


def registry_model(name):
    from tasks.models.registry import find

    return find(name).load(None)


def test_averages_come_from_training_then_validation_never_from_a_test_or_the_split_itself(world):
    task, data = registry.find("refcocog_rec"), Data(world, "sample")
    assert floor.of_split(task, open_split(task, "test", data)).note.endswith("refcocog/umd train")
    assert floor.of_split(task, open_split(task, "train", data)).note.endswith("refcocog/umd val")
    pope = registry.find("pope")
    assert "read nothing" in floor.of_split(pope, open_split(pope, "random", data)).note
    gqa = registry.find("gqa")
    made = floor.of_split(gqa, open_split(gqa, "testdev_balanced", data))
    assert made.note.endswith("gqa/balanced val_balanced")


def test_the_truth_of_the_split_itself_changes_nothing(world):
    task = registry.find("refcocog_rec")
    split = open_split(task, "test", Data(world, "sample"))
    spoilt = replace(split, samples=[replace(each, target=split.samples[0].target) for each in split.samples])
    one, other = floor.of_split(task, split), floor.of_split(task, spoilt)
    assert one.fingerprint(None) == other.fingerprint(None)


def test_the_box_is_the_one_that_fits_all_others_best(world):
    task = registry.find("refcocog_rec")
    samples = open_split(task, "val", Data(world, "sample")).samples
    sides = np.array([sample.image.size_hw[::-1] * 2 for sample in samples])
    boxes = [each.tolist() for each in np.array([sample.target.box_xyxy for sample in samples]) / sides]
    candidates = [[0.25, 0.25, 0.75, 0.75], *boxes]
    fit = [np.mean([iou(one, other) for other in boxes]) for one in candidates]
    assert learn(samples).box == pytest.approx(candidates[int(np.argmax(fit))], abs=1e-6)  # six digits are kept
    assert learn(samples[:0]) == Facts()


def test_the_mask_has_the_best_sum_of_intersections_over_unions_of_all_numbers_of_pixels(world):
    samples = open_split(registry.find("refcocog_res"), "val", Data(world, "sample")).samples
    drawn = np.array([[cell == "#" for cell in row] for row in learn(samples).mask])
    masks = np.array([decode(sample.target.mask_rle) for sample in samples])  # 128 pixels: cells of 4 x 4
    share = masks.reshape(len(masks), 32, 4, 32, 4).mean(axis=(0, 2, 4))

    def ciou(chosen):
        return share[chosen].sum() / (chosen.sum() + share.sum() - share[chosen].sum())

    centre = np.pad(np.ones((16, 16), dtype=bool), 8)
    levels = [ciou(share >= level) for level in np.unique(share[share > 0])]
    assert ciou(drawn) >= max(*levels, ciou(centre)) - 1e-6  # shares are float32


def test_an_answer_in_words_is_the_commonest_to_questions_that_begin_alike(world):
    samples = open_split(registry.find("gqa"), "val_balanced", Data(world, "sample")).samples
    facts = learn(samples)
    alike = [each.target.answers[0] for each in samples if each.question.lower().startswith("what color ")]
    assert alike.count(facts.starts["what color"]) == max(alike.count(answer) for answer in alike)
    model = floor.Floor("gqa", "gqa/balanced", facts)
    told = model.predict([replace(query("text"), question=words) for words in ("What color is it?", "Zounds?", "")])
    assert [answer.text for answer in told] == [facts.starts["what color"], facts.text, facts.text]
    fixed = floor.Floor("vqa", "vqav2", Facts()).predict(
        [replace(query("text"), question=words) for words in ("How many, really?", "What colour is it?", "Is it?")]
    )
    assert [answer.text for answer in fixed] == ["2", "white", "yes"]


def iou(one, other):
    """By the definition, one pair at a time."""
    width = max(min(one[2], other[2]) - max(one[0], other[0]), 0)
    height = max(min(one[3], other[3]) - max(one[1], other[1]), 0)
    areas = sum((each[2] - each[0]) * (each[3] - each[1]) for each in (one, other))
    return width * height / (areas - width * height)


def test_rules_by_eye():
    model = floor.Floor("rec", "toy", Facts(box=(0.0, 0.5, 0.5, 1.0), category="cat"))
    (answer,) = model.predict([query("box", categories=("dog", "cat"))])
    assert (answer.groups[0].phrase, answer.boxes()) == ("cat", [(0.0, 20.0, 40.0, 40.0)])
    candidates = (Region("box", box_xyxy=(0, 0, 9, 9)), Region("box", box_xyxy=(0, 0, 30, 30)))
    assert model.predict([query("box", regions=candidates)])[0].boxes() == [(0, 0, 30, 30)]
    near = model.predict([query("box", regions=(Region("point", points_xy=((2.0, 20.0),)),))])[0].boxes()
    assert near == [(0.0, 15.0, 12.0, 25.0)]
    (plane,) = floor.Floor("depth", "kitti/eigen", Facts()).predict([query("depth")])
    depth = plane.depth.load()
    assert depth.shape == SIZE_HW
    assert (depth[:-1] > depth[1:]).all() and depth.max() < 60 and depth.min() > 5
    (made_up,) = floor.Floor("depth", "kitti/eigen", Facts(), "sample").predict([query("depth")])
    ground = made_up.depth.load()[:, 0]
    assert (ground[:15] == 10).all() and (ground[15:-1] > ground[16:]).all() and 2 < ground[-1] < 2.2
    (known,) = floor.Floor("depth", "nyu", Facts(depth_m=(4.0, 2.0))).predict([query("depth")])
    assert known.depth.load()[[0, -1], 0].tolist() == [4.0, 2.0]
    (mask,) = floor.Floor("res", "toy", Facts(mask=("#.", ".."))).predict([query("mask")])
    assert np.argwhere(decode(mask.masks()[0])).max(axis=0).tolist() == [19, 39]
    for kind, joints in (("keypoints", 17), ("pck", 16)):
        (pose,) = floor.Floor(kind, "toy", Facts()).predict([query("keypoint")])
        assert len(pose.groups[0].instances[0].keypoints) == joints


@pytest.mark.parametrize("processes", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_run_says_what_it_was_made_of(refbench, world, processes):
    words = ("--model", "floor", "--data-root", world, "--split", "test", "--num-processes", processes, "--json")
    row = refbench("eval", "--task", "refcocog_rec,refcocog_res", *words).json["rows"]
    assert [(each["model"], each["failed"]) for each in row] == [("floor", 0)] * 2
    identity = json.loads(Path("runs", row[0]["run"], "run.json").read_text())["identity"]
    assert identity["model"]["made_of"].endswith("samples of refcocog/umd train")
    assert row[0]["run"] != row[1]["run"]
