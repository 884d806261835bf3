"""The kind `prompted` by hand, and the task `coco_interactive` through the command line."""

import json

import numpy as np
import pytest

from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample, Target
from metrics import masks
from tasks.prompted import measure, perfect, surest

WORDS = ("eval", "--task", "coco_interactive", "--json")


def mask(*rows):
    return masks.encode(np.array([[char == "#" for char in row] for row in rows]))


def answer(*found, status="ok"):
    """An answer of (score, mask) pairs."""
    return Prediction("s", status, groups=tuple(Group("", "mask", (Instance(score=s, mask_rle=m),)) for s, m in found))


@pytest.fixture
def sample(tmp_path):
    return Sample("s", ImageRef(tmp_path / "none.jpg", (2, 4)), "s", "", Target((0, 0, 2, 1), mask("##..", "....")))


def test_the_surest_mask_counts_alone(sample):
    right, wrong = mask("##..", "...."), mask("..##", "..##")
    assert measure(sample, answer((0.2, wrong), (0.9, right)))["res"] == {"inter": 2, "union": 2, "missing": 0}
    assert surest(answer((0.5, wrong), (0.5, right))) == wrong  # the first of equal ones
    assert surest(answer((None, wrong), (-3.0, right))) == right  # no score is the least sure


def test_no_mask_and_a_failed_answer_score_nothing(sample):
    worst = {"inter": 0, "union": 2, "missing": 1}
    assert measure(sample, answer())["res"] == worst
    assert measure(sample, answer((1.0, mask("##..", "....")), status="failed"))["res"] == worst
    assert measure(sample, perfect(sample))["res"] == {"inter": 2, "union": 2, "missing": 0}


def test_every_prompt_is_asked_and_the_constant_is_no_answer(refbench, small_world):
    rows = refbench(*WORDS, "--model", "constant", "--data-root", small_world).json["rows"]
    assert [row["split"] for row in rows] == ["point", "scribble", "box", "mask"]
    assert all(row["n"] > 0 and row["metrics"]["ciou"] < 0.4 for row in rows)


def test_masks_that_were_handed_in_are_scored(refbench, small_world, tmp_path):
    from benchmarks.registry import benchmark

    samples = benchmark("coco_interactive/val2017").open(small_world, "box", "sample").samples
    drawn = [{"sample_id": each.id, "mask_rle": dict(each.regions[0].mask_rle)} for each in samples]
    (path := tmp_path / "answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in drawn))
    words = ("--predictions", path, "--data-root", small_world, "--json")
    done = refbench("score", "--task", "coco_interactive", *words).json
    pairs = [masks.inter_union(each.regions[0].mask_rle, each.target.mask_rle) for each in samples]
    assert done["metrics"]["giou"] == pytest.approx(np.mean([inter / union for inter, union in pairs]), abs=1e-12)
    assert 0.3 < done["metrics"]["ciou"] < 1  # a filled box is not its object
