from pathlib import Path

import numpy as np
import pytest

from benchmarks.depth_answer import DepthMap
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Query
from metrics import masks
from refvlm import trp
from refvlm.answers import Text, Triplet, answer_for
from results.report.palette import hue
from tasks import answer_text, one_answer

BODY = (Text("There is "), Triplet("a cat", "mask", 1), Text(" and "), Triplet("two dogs", "box", 2), Text("."))


def query(*categories):
    return Query("photo", ImageRef(Path("photo.png"), (4, 10)), "what?", "what?", "box", categories=categories)


def answered(text="", groups=(), status="ok", asked=None, **facts):
    return one_answer.read(asked or query(), Prediction("photo", status, text, groups=tuple(groups), **facts))


@pytest.fixture
def cats():
    mask = np.zeros((4, 10), dtype=bool)
    mask[1:3, 2:6] = True
    boxes = (Instance(0.5, box_xyxy=(1, 2, 3.25, 4)), Instance(box_xyxy=(0, 0, 10, 4)))
    groups = (
        Group("a cat", "mask", (Instance(0.913, mask_rle=masks.encode(mask)),)),
        Group("two dogs", "box", boxes),
    )
    return answered(trp.render(answer_for(BODY)), groups)


def test_words_come_first_then_a_line_for_each_object(cats):
    assert answer_text.lines(cats, coloured=False) == [
        "There is [a cat] and [two dogs].",
        "  a cat  mask 8 pixels (20.0%) in 2,1 to 6,3, score 0.91",
        "  two dogs  box 1: 1.0,2.0 to 3.2,4.0, score 0.50",
        "  two dogs  box 2: 0.0,0.0 to 10.0,4.0",
    ]


def test_phrases_have_the_colours_of_their_objects_in_the_picture(cats):
    first, cat, *dogs = answer_text.lines(cats, coloured=True)
    inks = ["\033[1;38;2;{};{};{}m".format(*hue(place)) for place in (0, 1)]
    assert first == f"There is {inks[0]}[a cat]\033[0m and {inks[1]}[two dogs]\033[0m."
    assert cat.startswith(f"  {inks[0]}a cat\033[0m  mask")
    assert all(line.startswith(f"  {inks[1]}two dogs\033[0m  box") for line in dogs)


def test_an_answer_without_the_grammar_is_words():
    assert answer_text.lines(answered("a cat,\n  maybe"), coloured=True) == ["a cat, maybe"]


def test_joints_go_by_the_names_that_were_asked_for():
    pose = Group("a man", "keypoint", (Instance(keypoints=((1, 2, 0.9), (3, 4, 0.0), (5.4, 6, 0.1))),))
    asked = query("head", "hand", "foot")
    [line] = answer_text.lines(answered("", [pose], asked=asked), coloured=False)
    assert line == "  a man  keypoint head 1,2; foot 5,6"
    [line] = answer_text.lines(answered("", [pose]), coloured=False)
    assert line == "  a man  keypoint 1 1,2; 3 5,6"


def test_a_depth_map_is_summed_up_over_its_readings():
    depth = DepthMap(values=np.array([[0.0, 2.0, np.nan], [3.0, 7.0, 4.0]], dtype=np.float32))
    [line] = answer_text.lines(answered("", [Group("it", "depth", ())], depth=depth), coloured=False)
    assert line == "  depth: 2.00 to 7.00 m, median 3.50 m"


def test_an_answer_that_cannot_be_read_says_why_and_what_was_said():
    found = answered("<Task>\nhm", status="parse_error", error="the plan is cut")
    assert answer_text.lines(found, coloured=True) == ["no answer: the plan is cut", "it said: <Task> hm"]


def test_what_broke_the_grammar_is_told():
    text = trp.render(answer_for(BODY)).replace("Num: 2", "Num: 3")
    assert "grammar: the plan announces something else than what follows" in answer_text.lines(answered(text), False)


def test_a_model_cannot_steer_the_terminal():
    text = trp.render(answer_for((Text("a\033[2Jb "), Triplet("c\033]0;d", "box", 1))))
    group = Group("c\033]0;d", "box", ())
    for found in (answered(text, [group]), answered("\033[31m\x07"), answered("\033c", status="failed", error="\033c")):
        assert "\033" not in "".join(answer_text.lines(found, coloured=False))
