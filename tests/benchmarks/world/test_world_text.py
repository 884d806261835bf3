"""What the sample world says in words is true of its pictures."""

import re

import numpy as np
import pytest

from benchmarks.registry import benchmark
from benchmarks.world.few import few
from benchmarks.world.scenes import COLOURS, SHAPES, generate
from benchmarks.world.signs import ask_about, choose_signs, describe, draw_signs
from benchmarks.world.videos import MOVES, choose_clip, draw_frames
from benchmarks.world.videos import describe as describe_clip


def nearest_colour(pixel):
    return min(COLOURS, key=lambda name: np.abs(np.array(COLOURS[name]) - pixel).sum())


@pytest.mark.parametrize("index", range(6))
def test_signs_show_their_colour_and_a_word(index):
    signs = choose_signs(np.random.default_rng(index))
    scene = generate(0, "test", index)
    picture = draw_signs(scene, signs)
    for sign, row in zip(signs, (32, 96), strict=True):
        board = np.flatnonzero((picture[row] == COLOURS[sign.colour]).all(1))
        assert board[0] < 64 < board[-1]
        written = picture[row - 8 : row + 8, board[0] : board[-1]]
        assert (written == 0).all(-1).any()  # black letters on the board
    assert {answer for _, answer in ask_about(signs)} == {signs[0].word, signs[1].word, signs[1].colour}
    assert all(sign.word in text.lower() for text in describe(signs) for sign in signs)


def test_the_same_word_is_drawn_the_same_and_another_otherwise():
    scene, rng = generate(0, "test", 1), np.random.default_rng
    assert (draw_signs(scene, choose_signs(rng(1))) == draw_signs(scene, choose_signs(rng(1)))).all()
    assert (draw_signs(scene, choose_signs(rng(1))) != draw_signs(scene, choose_signs(rng(2)))).any()


@pytest.mark.parametrize("number", range(8))
def test_a_clip_moves_as_it_is_described(number):
    clip = choose_clip(0, 1, number)
    centres = [np.argwhere((frame != 128).any(-1)).mean(0)[::-1] for frame in draw_frames(clip)]
    steps = np.diff(centres, axis=0)
    direction = np.array(MOVES[clip.where])
    assert (steps @ direction > 10).all()  # 14 px a step, within the rounding of outlines to pixels
    assert np.abs(steps @ direction[::-1]).max() < 1
    middle = draw_frames(clip)[0][tuple(np.round(centres[0][::-1]).astype(int))]
    assert nearest_colour(middle) == clip.colour
    assert all(clip.where in text for text in describe_clip(clip))
    assert len(set(describe_clip(clip))) == 20


def test_answers_of_gqa_are_true(small_world):
    for sample in benchmark("gqa/balanced").open(small_world, "testdev_balanced", "sample").samples:
        scene = few(3, {"test": 6}, "test")[int(sample.image_id[2:])]
        biggest = max(scene.things, key=lambda thing: thing.radius)
        if sample.question.startswith("Is the largest"):
            assert sample.target.answers == (biggest.colour,)
            assert biggest.colour in sample.question
        if pair := re.fullmatch(r"Is there an? (\w+) (\w+)\?", sample.question):
            there = pair.groups() in {(thing.colour, thing.shape) for thing in scene.things}
            assert sample.target.answers == ("yes" if there else "no",)


def test_regions_show_what_their_phrases_say(small_world):
    for sample in benchmark("vg/regions").open(small_world, "test", "sample").samples:
        [phrase] = sample.target.answers
        x1, y1, x2, y2 = sample.regions[0].box_xyxy
        pixel = np.asarray(sample.image.open_rgb())[int(y1 + y2) // 2, int(x1 + x2) // 2]
        assert nearest_colour(pixel) in phrase
        assert any(shape in phrase for shape in SHAPES)
