"""Questions that are answered in words are checked by hand-written rules about the scene they come from."""

import re

import numpy as np
import pytest

from benchmarks.world.scenes import COLOURS, SHAPES, generate
from refvlm.training.question import Draw
from refvlm.training.questions import SHAPES_MAKERS
from refvlm.training.worded import look_up, recall

_EXTREMES = {
    "leftmost": ("x", min), "rightmost": ("x", max), "topmost": ("y", min), "bottommost": ("y", max),
    "smallest": ("radius", min), "largest": ("radius", max),
}  # fmt: skip


def only(values):
    assert len(values) <= 1, "the question has no one answer"
    return values[0] if values else "nothing"


def answer_of(text, scene):
    """What a person says, by rules that share nothing with the maker; None where the rule does not cover it."""
    if found := re.search(r"What color is the (\w+)\?", text):
        return only([thing.colour for thing in scene.things if thing.shape == found[1]])
    if (found := re.search(r"Which shape is (\w+)\?", text)) and found[1] in COLOURS:
        return only([thing.shape for thing in scene.things if thing.colour == found[1]])
    if found := re.search(r"Is the (\w+) (\w+) small or large\?", text):
        return only([thing.size for thing in scene.things if (thing.colour, thing.shape) == found.groups()])
    if found := re.search(r"Is there an? (\w+)", text):
        return "yes" if any(found[1] in (thing.colour, thing.shape) for thing in scene.things) else "no"
    if found := re.search(r"How many (\w+) shapes", text):
        return str(sum(thing.colour == found[1] for thing in scene.things))
    found = re.search(r"(What color|Which shape) is (?:the )?(\w+)", text)
    key, choose = _EXTREMES[found[2]]
    thing = choose(scene.things, key=lambda each: getattr(each, key))
    return thing.colour if found[1] == "What color" else thing.shape


@pytest.mark.parametrize("maker", [recall, look_up])
@pytest.mark.parametrize("index", range(8))
def test_answers_are_true(index, maker):
    scene = generate(5, "test", index)
    for seed in range(40):
        question = maker(scene, Draw(np.random.default_rng(seed), (1.0, 0.0, 0.0, 0.0)))
        if question is not None:
            assert question.body[0].text == answer_of(question.prompt, scene)


def test_yes_and_no_are_equally_often_right():
    answers = []
    for seed in range(600):
        question = recall(generate(5, "test", seed % 20), Draw(np.random.default_rng(seed), (1.0, 0.0, 0.0, 0.0)))
        answers += [question.body[0].text] if question and "Is there" in question.prompt else []
    assert len(answers) > 100
    assert 0.4 < answers.count("yes") / len(answers) < 0.6  # five standard errors of 200 draws are 0.18
    assert set(answers) == {"yes", "no"}
    assert set(SHAPES) & set(COLOURS) == set()


def test_what_is_not_there_is_looked_up_too():
    answers = []
    for seed in range(300):
        question = look_up(generate(5, "test", seed % 20), Draw(np.random.default_rng(seed), (1.0, 0.0, 0.0, 0.0)))
        answers += [question.body[0].text] if question else []
    # About a third is asked for; scenes where a question has no answer take from the rest.
    assert 0.25 < answers.count("nothing") / len(answers) < 0.6
    assert {"nothing", "small", "large", *SHAPES} <= set(answers) <= {"nothing", "small", "large", *SHAPES, *COLOURS}


@pytest.mark.parametrize("most", [1, 2])
@pytest.mark.parametrize("kind", SHAPES_MAKERS)
def test_scenes_of_one_or_two_objects_can_be_asked_about(kind, most):
    asked = []
    for seed in range(20):
        scene = generate(5, "train", seed, most=most)
        assert len(scene.things) == len(scene.masks) == most
        asked.append(SHAPES_MAKERS[kind](scene, Draw(np.random.default_rng(seed), (0.4, 0.3, 0.2, 0.1))))
    assert any(asked) == ((kind, most) != ("caption", 1))
