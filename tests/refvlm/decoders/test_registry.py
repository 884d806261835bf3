"""A decoder is added by one file and one line: toys learn, are generated for, and answer in the picture."""

import pytest
import torch
from torch import nn

from benchmarks.errors import ConfigError
from benchmarks.geometry import decode
from benchmarks.schema import Instance
from refvlm import checkpoint
from refvlm.config import DepthConfig, KeypointConfig, Strict
from refvlm.decoders import registry
from refvlm.decoders.base import Decoder
from refvlm.decoders.mask import mask_instances
from refvlm.decoders.registry import DecoderKind, answering, units_of
from refvlm.generation import Prompt, generate
from refvlm.processor import Letterbox
from refvlm.reading import decoded
from refvlm.tokenizer import EOS
from refvlm.trp import Text, Triplet, answer_for, render

PICTURE = Letterbox((48, 96), 64)


class MiddleDecoder(Decoder):
    """Unit point: the middle of an object, read off its query."""

    def __init__(self, width):
        super().__init__()
        self.head = nn.Linear(width, 2)

    @classmethod
    def build(cls, config, level_widths, options):
        return cls(config.decoder.width)

    def forward(self, located, rows):
        return self.head(located.query[rows]).sigmoid()

    def answer(self, reply):
        middles = self(reply.decoded.located, reply.rows)
        return [
            Instance(score=score, keypoints=((*PICTURE.point_out(float(x), float(y)), 1.0),))
            for (x, y), score in zip(middles, reply.scores(), strict=True)
        ]

    def losses(self, decoded, truth):
        off = self(decoded.located, truth.spatial) - truth.boxes[truth.spatial, :2]
        return {"middle": off.abs().mean()}


class CircleOptions(Strict):
    """How large circles are."""

    radius: float = 0.25


class CircleDecoder(Decoder):
    """Unit mask: a disk around the middle of the decoded box, as wide as it learns to be."""

    options = CircleOptions

    def __init__(self, radius):
        super().__init__()
        self.radius = nn.Parameter(torch.tensor(radius))

    @classmethod
    def build(cls, config, level_widths, options):
        return cls(options.radius)

    def forward(self, decoded, rows):
        axis = (torch.arange(64) + 0.5) / 64
        x = axis[None, None, :] - decoded.boxes[rows, 0, None, None]
        y = axis[None, :, None] - decoded.boxes[rows, 1, None, None]
        return (self.radius - (x**2 + y**2).sqrt()) * 50

    def answer(self, reply):
        return mask_instances(reply, self(reply.decoded, reply.rows))

    def losses(self, decoded, truth):
        areas = truth.masks[truth.spatial].mean((1, 2))
        return {"circle": (torch.pi * self.radius**2 - areas).abs().mean()}


@pytest.fixture
def toys(monkeypatch):
    """The line of each in the registry."""
    monkeypatch.setitem(registry.KINDS, "middle", DecoderKind("point", lambda: MiddleDecoder))
    monkeypatch.setitem(registry.KINDS, "circle", DecoderKind("mask", lambda: CircleDecoder))


@pytest.fixture
def model(toys, build):
    return build(decoders={"middle": {}, "circle": {"radius": 0.2}}, mask_decoder="circle")


def test_toys_answer_what_the_model_says(model, tokenizer, script):
    body = (Triplet("the star", "point", 2), Text(", "), Triplet("the circle", "mask", 1), Text("."))
    answer = [*tokenizer.encode(render(answer_for(body))), tokenizer.ids[EOS]]
    pixels = torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    model.llm.lm_head = script.teach(model, pixels, [(5, 6)], [answer])
    assert model.units == ("box", "mask", "point", "text")
    batch = generate(model, tokenizer, pixels, [Prompt(0, (5, 6))])
    assert batch.answers[0].text == render(answer_for(body))
    groups, _ = decoded(model, tokenizer, batch, batch.answers[0], PICTURE)
    assert [(group.unit, len(group.instances)) for group in groups] == [("point", 2), ("mask", 1)]
    assert all(len(each.keypoints) == 1 for each in groups[0].instances)
    drawn = decode(groups[1].instances[0].mask_rle)
    cx, cy = (float(value) for value in batch.decoded.boxes[2, :2])
    x, y = PICTURE.point_out(cx, cy)
    rows, columns = torch.meshgrid(torch.arange(48) + 0.5, torch.arange(96) + 0.5, indexing="ij")
    disk = (columns - x) ** 2 + (rows - y) ** 2 < (0.2 * 96) ** 2
    # bilinear from 64 to 96 pixels: cells at the rim may fall on either side
    assert (torch.from_numpy(drawn).bool() != disk).float().mean() < 0.01


def test_toys_learn_beside_the_others(model, asked, truth):
    radius = model.get_submodule("circle_decoder").radius
    optimizer = torch.optim.Adam([radius, *model.get_submodule("middle_decoder").parameters()], lr=0.02)
    with torch.no_grad():
        whole = model.decode(*asked(model))
    seen = []
    for _ in range(60):
        found = {}
        for decoder in model.decoders.values():
            found |= decoder.losses(whole, truth)
        assert set(found) == {"middle", "circle"}
        optimizer.zero_grad()
        sum(found.values()).backward()
        optimizer.step()
        seen.append(sum(value.item() for value in found.values()))
    assert seen[-1] < 0.5 * seen[0]
    # masks of a hundred of 1,024 cells
    assert torch.pi * radius.item() ** 2 == pytest.approx(100 / 1024, abs=0.01)


def test_a_checkpoint_holds_them(model, tokenizer, tmp_path):
    checkpoint.save(tmp_path, model, tokenizer, model.state_dict(), torch.float32)
    again = checkpoint.load(tmp_path)[0]
    assert again.config == model.config
    assert torch.equal(again.get_submodule("circle_decoder").radius, torch.tensor(0.2))


def test_who_answers_is_chosen_by_name(toys, nano_config):
    def config(**sizes):
        return nano_config.model_copy(update=sizes)

    assert answering(nano_config) == {"box": "box", "mask": "mask"}
    assert units_of(config(depth=DepthConfig(), keypoint=KeypointConfig())) == (
        "box", "mask", "keypoint", "depth", "text",
    )  # fmt: skip
    both = {"circle": {}}
    assert answering(config(decoders=both))["mask"] == "mask"
    assert answering(config(decoders=both, mask_decoder="circle"))["mask"] == "circle"
    assert answering(config(decoders={"slots": {}}))["keypoint"] == "slots"


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ({"decoders": {"circel": {}}}, "no decoder is called 'circel'; did you mean circle"),
        ({"decoders": {"depth": {}}}, "depth has a section of its own"),
        ({"decoders": {"circle": {"radios": 1}}}, "decoders.circle: no key is called 'radios'; did you mean radius"),
        ({"mask_decoder": "circle"}, "mask_decoder is circle, but of those for it mask is built"),
        ({"keypoint_decoder": "slots"}, "of those for it none is built"),
        ({"decoders": {"sam": {"folder": "nowhere"}}}, r"nowhere/config.json is missing"),
    ],
)
def test_a_wrong_choice_is_one_clear_error(toys, build, sizes, words):
    with pytest.raises(ConfigError, match=words):
        build(**sizes)
