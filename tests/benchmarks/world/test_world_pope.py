"""The POPE files of the sample world: balanced, and true to the scenes."""

import json
import re

import pytest

from benchmarks.world.scenes import generate

SPLITS = ["random", "popular", "adversarial"]


@pytest.fixture(scope="module", params=SPLITS)
def lines(request, small_world):
    text = (small_world / "pope" / f"coco_pope_{request.param}.json").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_labels_are_true_and_balanced(lines):
    scenes = {}
    for line in lines:
        # photos of the small world: 3 val scenes, then the test scenes, numbered from 1
        index = int(line["image"][-16:-4]) - 4
        scene = scenes.setdefault(index, generate(3, "test", index))
        colour, shape = re.fullmatch(r"Is there an? (\w+) (\w+) in the image\?", line["text"]).groups()
        present = any((thing.colour, thing.shape) == (colour, shape) for thing in scene.things)
        assert line["label"] == ("yes" if present else "no")
    assert sum(line["label"] == "yes" for line in lines) * 2 == len(lines)
    assert len(scenes) == 6


def test_no_question_is_asked_twice_of_a_photo(lines):
    assert len({(line["image"], line["text"]) for line in lines}) == len(lines)
