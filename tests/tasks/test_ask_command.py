"""`refbench ask` as it is typed, with the bundled model."""

import io
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from metrics import masks
from tasks import predictions
from tasks.commands import ask


@pytest.fixture
def scene():
    """A picture of a green square at 40,40 to 80,80."""
    pixels = np.full((128, 128, 3), 200, dtype=np.uint8)
    pixels[40:80, 40:80] = (40, 140, 50)
    Image.fromarray(pixels).save("scene.png")
    return "scene.png"


@pytest.fixture
def asked(refbench, scene):
    """Ask about the scene."""
    return lambda *words: refbench("ask", scene, *words)


def pixels(name):
    """A picture, int [H, W, 3]."""
    with Image.open(name) as picture:
        return np.asarray(picture.convert("RGB")).astype(int)


def test_a_mask_is_printed_and_drawn_at_the_pictures_own_size(asked):
    done = asked("Segment the green square with a mask.", "--unit", "mask", "--save", "out.png")
    assert done.code == 0, done.err
    first, line = done.out.splitlines()
    assert first == "[the green square]."
    assert line.startswith("  the green square  mask ")
    assert "asked refvlm: unit mask, as you chose, which goes to the model as a command" in done.err
    drawn, before = pixels("out.png"), pixels("scene.png")
    assert drawn.shape == before.shape
    changed = np.abs(drawn - before).max(axis=2) > 0
    assert changed[45:75, 45:75].mean() > 0.8  # the mask lies on the square
    assert changed[:30].mean() < 0.05


def test_json_is_a_line_of_a_predictions_file(asked):
    done = asked("Segment the green square with a mask.", "--unit", "mask", "--json")
    found = predictions.from_json(done.json, "stdout")
    assert found.sample_id == "photo"
    [rle] = found.masks()
    assert masks.decode(rle)[45:75, 45:75].mean() > 0.8


def test_without_a_unit_the_model_decides_and_that_is_said(asked):
    done = asked("How many squares are there? Answer with a single word or phrase.")
    assert done.code == 0
    assert len(done.out.split()) == 1
    assert "the model decides: no command is sent" in done.err
    assert "it chose to answer in words, --unit asks for objects" in done.err


def test_a_picture_comes_from_standard_input(refbench, scene, monkeypatch):
    with open(scene, "rb") as stream:
        content = stream.read()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    done = refbench("ask", "-", "the green square", "--unit", "box", "--quiet")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("[the green square].")


def test_a_sample_brings_its_picture_question_and_visual_prompts(refbench, small_world):
    done = refbench("ask", "sample:visual7w/pointing/test", "--unit", "box", "--data-root", small_world, "--json")
    assert done.code == 0, done.err
    assert done.json["sample_id"].startswith("visual7w/pointing/test/question-")
    assert done.json["prompt"].count("<region>") == 4


def test_a_sample_that_has_no_question_wants_one(refbench, small_world):
    done = refbench("ask", "sample:coco_keypoints/2017", "--data-root", small_world)
    assert done.code == 2
    done = refbench("ask", "sample:coco_keypoints/2017/val", "--data-root", small_world)
    assert "has no question of its own, it asks about the whole picture: write one" in done.err


def test_a_depth_map_lies_beside_the_picture(asked):
    done = asked("Estimate the depth of every pixel.", "--unit", "depth", "--save", "out.png", "--json")
    assert np.load(done.json["depth"]["file"])["depth_m"].shape == (128, 128)
    height, width = pixels("out.png").shape[:2]
    assert width == 128
    assert height > 128  # its scale is below


def test_without_a_file_the_depth_map_is_left_out_and_that_is_said(asked):
    done = asked("Estimate the depth of every pixel.", "--unit", "depth", "--json")
    assert "depth" not in done.json
    assert "the depth map is left out: --save FILE keeps it" in done.err


def test_visual_prompts_keep_their_order_whatever_their_kind(refbench, scene, monkeypatch):
    mask = np.zeros((128, 128), dtype=np.uint8)
    mask[3:9, 4:7] = 255
    Image.fromarray(mask).save("mask.png")
    seen = []
    monkeypatch.setattr(ask, "_keep", lambda answered, args: seen.append(answered.query.regions))
    words = ("--point", "5,6", "--mask", "mask.png", "--box", "1,2,30,40.5", "--point", "7,8")
    assert refbench("ask", scene, "what is this?", "--unit", "text", *words).code == 0
    [regions] = seen
    assert [region.kind for region in regions] == ["point", "mask", "box", "point"]
    assert regions[0].points_xy == ((5.0, 6.0),)
    assert np.array_equal(masks.decode(regions[1].mask_rle), mask > 0)
    assert regions[2].box_xyxy == (1.0, 2.0, 30.0, 40.5)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["gone.png", "x"], "gone.png cannot be read"),
        (["note.txt", "x"], "note.txt is no picture of the formats PNG, JPEG, WEBP, BMP"),
        (["large.png", "x"], "large.png has 100 million pixels, at most 50 million are taken"),
        (["scene.png"], "the question is empty"),
        (["scene.png", "x", "--box", "1,2,3"], "'1,2,3' is not understood: a box is x1,y1,x2,y2, in pixels"),
        (["scene.png", "x", "--point", "nan,2"], "'nan,2' is not understood: a point is x,y, in pixels"),
        (["scene.png", "x", "--box", "1,2,300,40"], "box 1,2,300,40 does not lie on the picture; the picture is 128x"),
        (["scene.png", "x", "--mask", "small.png"], "a mask is 4x4 but the picture is 128x128"),
        (["scene.png", "x", "--unit", "msk"], "no unit is called 'msk'; did you mean mask?"),
        (["scene.png", "x", "--unit", "point"], "refvlm has no unit point: it answers with box, mask, keypoint, depth"),
        (["scene.png", "x", "--model", "orcle"], "no model is called 'orcle'; did you mean oracle?"),
        (["scene.png", "x", "--model", "oracle"], "oracle answers samples of a benchmark only"),
        (["scene.png", "x", "--model", "hf-vlm"], "hf-vlm is a family of models: name one"),
        (["scene.png", "x", "--save", "out.jpg"], "--save out.jpg must end in .png or .webp"),
        (["scene.png", "x", "--save", "no/out.png"], "there is no folder no, make it first"),
        (["sample:refcoco/unc/vale", "x"], "no split of refcoco/unc is called 'vale'; did you mean val?"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line_before_a_model_is_loaded(
    words, complaint, refbench, scene, small_world, monkeypatch
):
    with open("note.txt", "w", encoding="utf-8") as stream:
        stream.write("hello")
    Image.new("L", (4, 4), 255).save("small.png")
    if "large.png" in words:
        Image.new("1", (10_000, 10_000)).save("large.png", compress_level=1)
    monkeypatch.setattr("tasks.models.refvlm.load", lambda _: pytest.fail("the model was loaded"))
    monkeypatch.setenv("REFBENCH_DATA", str(small_world))
    done = refbench("ask", *words)
    assert done.code == 2
    assert complaint in done.err
    assert "Traceback" not in done.err
    assert done.out == ""


def test_an_answer_that_fails_ends_with_3(refbench, scene, tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "broken.py").write_text(
        "from tasks.base import ModelEntry\n"
        "class Model:\n"
        "    def predict(self, queries):\n"
        "        raise RuntimeError('no luck today')\n"
        "    def fingerprint(self):\n"
        "        return 'x'\n"
        "MODELS = [ModelEntry(name='broken', kind='test', units=('box',), load=lambda options: Model())]\n"
    )
    done = refbench("ask", scene, "x", "--model", "broken", "--include", own, "--save", "out.png")
    assert done.code == 3
    assert done.out.startswith("no answer: ")
    assert "no luck today" in done.out
    assert np.array_equal(pixels("out.png"), pixels(scene))
