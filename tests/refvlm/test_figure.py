"""The architecture figure: its numbers are those of the model, and nothing lies outside or on top of something else."""

import json
from itertools import combinations
from math import prod
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from refvlm.config import DepthConfig, read_config
from refvlm.figure import HEIGHT, WIDTH, _blocks, _count, _parameters, draw
from refvlm.predictor import BUNDLED

PRESETS = Path(__file__).parents[2] / "configs" / "refvlm"
SVG = "{http://www.w3.org/2000/svg}"


def preset(name):
    """A preset of ours."""
    path = PRESETS / f"{name}.yaml"
    return read_config({"vocab_size": 300, **yaml.safe_load(path.read_text("utf-8"))}, path)


def bundled():
    """The configuration of the bundled model."""
    path = BUNDLED / "config.json"
    return read_config(json.loads(path.read_text("utf-8")), path)


def words(svg):
    """All texts of a figure."""
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_numbers_are_those_of_the_bundled_weights():
    from safetensors import safe_open

    with safe_open(BUNDLED / "model.safetensors", "pt") as weights:
        stored = {name: weights.get_slice(name).get_shape() for name in weights.keys()}  # noqa: SIM118
    sizes = _parameters(bundled())
    for part in ("vision.trunk", "vision.encoder", "llm", "box_decoder", "keypoint_decoder"):
        own = [shape for name, shape in stored.items() if name.startswith(f"{part}.")]
        assert sizes[part] == sum(prod(shape) for shape in own)


@pytest.mark.parametrize("name", ["tiny", "7b", "vt_plug", "vt_plug_tiny"])
def test_every_preset_can_be_drawn_inside_the_frame_without_overlap(name):
    config = preset(name)
    svg = draw(config, "a < title & more")
    assert "a < title & more: " in words(svg)[0]
    boxes = [(*block.at, block.at[0] + block.size[0], block.at[1] + block.size[1]) for block in _blocks(config)]
    for left, top, right, bottom in boxes:
        assert left >= 0 and top >= 0 and right <= WIDTH and bottom <= HEIGHT
    for a, b in combinations(boxes, 2):
        assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_what_a_configuration_says_is_written():
    config = bundled()
    texts = words(draw(config, "x"))
    assert f"Llama, {config.llm.layers} layers" in texts
    assert f"width {config.encoder.width}, {config.encoder.heads} heads" in texts
    assert {str(width) for width in (config.trunk.stem_width, *config.trunk.widths)} <= set(texts)
    assert "Depth" in texts and "Visual prompt encoder" in texts


def test_parts_that_are_not_built_are_not_drawn():
    config = bundled().model_copy(update={"depth": None, "keypoint": None, "regions": None})
    texts = words(draw(config, "x"))
    assert not {"Depth", "Keypoints", "Visual prompt encoder", "Visual prompts"} & set(texts)


def test_other_numbers_give_another_figure():
    config = bundled()
    other = config.model_copy(update={"depth": DepthConfig(bins=48, near_m=2.0)})
    assert "48 bins, 2 to 12 m" in words(draw(other, "x"))


@pytest.mark.parametrize(
    ("number", "text"), [(7, "7"), (999, "999"), (1000, "1 k"), (15552, "15.6 k"), (5375873, "5.38 M"), (7e9, "7 G")]
)
def test_counts_are_short(number, text):
    assert _count(number) == text
