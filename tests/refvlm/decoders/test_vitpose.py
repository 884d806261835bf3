"""Poses by another program: ViTPose equals transformers' own, and any function of image and box can answer."""

import numpy as np
import pytest
import torch
from transformers import VitPoseForPoseEstimation, VitPoseImageProcessor

from refvlm import checkpoint
from refvlm.decoders import registry
from refvlm.decoders.base import Reply
from refvlm.decoders.pose import PoseDecoder
from refvlm.decoders.registry import DecoderKind
from refvlm.decoders.vitpose import peaks
from refvlm.processor import Letterbox

PICTURE = Letterbox((32, 64), 64)


@pytest.fixture
def folder(vitpose_shape, tmp_path):
    torch.manual_seed(4)
    VitPoseForPoseEstimation(vitpose_shape).save_pretrained(tmp_path / "vitpose")
    return tmp_path / "vitpose"


@pytest.fixture
def model(build, folder):
    return build(keypoint_decoder="vitpose", decoders={"vitpose": {"folder": str(folder)}})


def test_a_person_is_cut_out_as_the_processor_of_transformers_does(model):
    decoder = model.get_submodule("vitpose_decoder")
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(1, 3, 8, 8, generator=generator) * 255
    image = torch.nn.functional.interpolate(coarse, (64, 64), mode="bicubic").clamp(0, 255).round()
    boxes_xywh = [[10.0, 20.0, 30.0, 25.0], [20.0, 5.0, 12.0, 40.0]]
    processor = VitPoseImageProcessor(size={"height": 32, "width": 24})
    pixels = image[0].permute(1, 2, 0).numpy().astype(np.uint8)
    wanted = processor(pixels, boxes=[boxes_xywh], return_tensors="pt")["pixel_values"]
    x, y, w, h = torch.tensor(boxes_xywh).unbind(1)
    boxes = torch.stack([x + w / 2, y + h / 2, w, h], 1) / 64
    cut = decoder.look(image.expand(2, -1, -1, -1), decoder.windows(boxes, 64))
    assert cut.shape == wanted.shape
    # theirs passes an integer image and another interpolation: a grey level or two of 255, where both see the image
    inside = (cut - cut.amin()) > 0.3
    assert ((cut - wanted).abs()[inside] < 0.05).float().mean() > 0.97


@torch.no_grad()
def test_heat_maps_are_those_of_transformers_and_joints_lie_where_they_peak(model, asked, folder, monkeypatch):
    decoder = model.get_submodule("vitpose_decoder")
    seen = {}
    decoder.estimator.register_forward_hook(lambda _, given, out: seen.update(given=given[0], heat=out.heatmaps))
    decoded = model.decode(*asked(model))
    poses = decoder.answer(Reply(decoded, torch.tensor([0, 4]), PICTURE, 0.5))
    direct = VitPoseForPoseEstimation.from_pretrained(folder).eval()(seen["given"]).heatmaps
    assert torch.equal(seen["heat"], direct)
    assert [len(pose.keypoints) for pose in poses] == [17, 17]
    places, _ = peaks(direct)
    height, width = direct.shape[2:]
    for pose, box, place in zip(poses, decoded.boxes[[0, 4]], places, strict=True):
        window = decoder.windows(box[None], 64)[0]
        at = window[:2] + (place / torch.tensor([width - 1, height - 1]) - 0.5) * window[2:] + 0.5
        expected = [PICTURE.point_out(float(x) / 64, float(y) / 64) for x, y in at]
        found = [(x, y) for x, y, _ in pose.keypoints]
        assert np.allclose(found, expected, atol=1e-3)


def test_a_peak_is_found_to_a_quarter_of_a_cell():
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(9.0), indexing="ij")
    for at in ((3.3, 7.8), (0.0, 0.0), (8.0, 11.0), (4.2, 5.4)):
        heat = (-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 4).exp()[None, None]
        places, sure = peaks(heat)
        assert (places[0, 0] - torch.tensor(at)).abs().max() <= 0.26
        assert 0.9 < float(sure) <= 1


def test_nothing_of_it_learns_and_a_checkpoint_holds_it(model, asked, truth, tokenizer, tmp_path, folder):
    decoder = model.get_submodule("vitpose_decoder")
    assert not any(value.requires_grad for value in decoder.parameters())
    with torch.no_grad():
        decoded = model.decode(*asked(model))
    assert decoder.losses(decoded, truth) == {}
    checkpoint.save(tmp_path / "whole", model, tokenizer, model.state_dict(), torch.float32)
    (folder / "config.json").rename(folder / "gone.json")
    again = checkpoint.load(tmp_path / "whole")[0]
    reply = Reply(decoded, torch.tensor([1]), PICTURE, 0.5)
    assert again.decoder_of("keypoint").answer(reply) == decoder.answer(reply)


def test_any_function_of_image_and_box_can_answer(monkeypatch, build, asked):
    class Corners(PoseDecoder):
        """Joints at the four corners of the box, as sure as the image is bright."""

        @classmethod
        def build(cls, config, level_widths, options):
            return cls(config)

        def estimate(self, images, boxes):
            corners = torch.tensor([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
            places = boxes[:, None, :2] + corners * boxes[:, None, 2:]
            bright = (images.mean((1, 2, 3)) / 255).clamp(0, 1)[:, None, None].expand(-1, 4, 1)
            return torch.cat([places, bright], 2)

    monkeypatch.setitem(registry.KINDS, "corners", DecoderKind("keypoint", lambda: Corners))
    model = build(keypoint_decoder="corners", decoders={"corners": {}})
    with torch.no_grad():
        decoded = model.decode(*asked(model))
    [pose] = model.decoder_of("keypoint").answer(Reply(decoded, torch.tensor([2]), Letterbox((64, 64), 64), 0.5))
    cx, cy, w, h = (decoded.boxes[2] * 64).tolist()
    assert np.allclose(np.array(pose.keypoints)[[0, 2], :2], [[cx - w / 2, cy - h / 2], [cx + w / 2, cy + h / 2]])
    assert pose.keypoints[0][2] == pytest.approx(0.5, abs=0.05)  # noise around the middle grey
