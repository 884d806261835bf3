"""SAM as mask decoder equals SAM called directly, alone or in a batch, and its masks leave through the letterbox."""

import pytest
import torch
from torch.nn import functional
from transformers import SamModel

from benchmarks.geometry import decode
from refvlm import checkpoint
from refvlm.decoders.base import Reply
from refvlm.losses import to_xyxy
from refvlm.processor import Letterbox

PICTURE = Letterbox((40, 100), 64)


@pytest.fixture
def folder(sam_shape, tmp_path):
    torch.manual_seed(4)
    sam = SamModel(sam_shape)
    for value in sam.parameters():
        if value.ndim > 1:  # as drawn they are so small that any two masks would look equal
            torch.nn.init.normal_(value, std=0.9)
    sam.save_pretrained(tmp_path / "sam")
    return tmp_path / "sam"


@pytest.fixture
def with_sam(build, folder):
    def make(*prompts):
        return build(mask_decoder="sam", decoders={"sam": {"folder": str(folder), "prompts": list(prompts)}})

    return make


def images(model, features):
    """What SAM is given, by its own mean and deviation."""
    rgb = features.square * 64 + 127.5
    mean, deviation = torch.tensor([123.675, 116.28, 103.53]), torch.tensor([58.395, 57.12, 57.375])
    return (rgb - mean[:, None, None]) / deviation[:, None, None]


@pytest.mark.parametrize("prompts", [("box",), ("point",), ("box", "point")])
@torch.no_grad()
def test_masks_equal_those_of_transformers(with_sam, asked, folder, prompts):
    model = with_sam(*prompts)
    queries, features = asked(model)
    decoded = model.decode(queries, features)
    logits, ious = model.get_submodule("sam_decoder")(decoded, torch.arange(5))
    peer = SamModel.from_pretrained(folder).eval()
    for image, rows in ((0, [0, 1, 2]), (1, [3, 4])):
        given = {}
        if "box" in prompts:
            given["input_boxes"] = to_xyxy(decoded.boxes[rows])[None] * 64
        if "point" in prompts:
            given["input_points"] = decoded.boxes[rows, :2][None, :, None] * 64
        out = peer(pixel_values=images(model, features)[image : image + 1], multimask_output=False, **given)
        # float32, the same operators in the same order but for the pixels' scale
        torch.testing.assert_close(logits[rows], out.pred_masks[0, :, 0], atol=1e-4, rtol=1e-4)
        assert logits[rows].abs().max() > 0.05
        torch.testing.assert_close(ious[rows], out.iou_scores[0, :, 0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("prompts", [("query",), ("box", "query")])
@torch.no_grad()
def test_a_batch_is_segmented_as_single_queries_are(with_sam, asked, prompts):
    model = with_sam(*prompts)
    decoder = model.get_submodule("sam_decoder")
    queries, features = asked(model)
    together, _ = decoder(model.decode(queries, features), torch.tensor([4, 0, 3, 1]))
    for place, row in enumerate((4, 0, 3, 1)):
        alone, _ = decoder(model.decode(queries, features), torch.tensor([row]))
        torch.testing.assert_close(alone[0], together[place], atol=1e-5, rtol=1e-4)  # sums of other lengths
    assert (together[0] - together[2]).abs().max() > 0.01  # two queries of one image differ


@torch.no_grad()
def test_masks_reach_the_picture_through_the_letterbox(with_sam, asked):
    model = with_sam("box")
    decoded = model.decode(*asked(model))
    rows = torch.tensor([0, 3])
    answers = model.decoder_of("mask").answer(Reply(decoded, rows, PICTURE, 0.5))
    logits, ious = model.get_submodule("sam_decoder")(decoded, rows)
    for answer, mask, iou in zip(answers, logits, ious, strict=True):
        whole = functional.interpolate(mask[None, None], (100, 100), mode="bilinear")[0, 0]
        assert torch.equal(torch.from_numpy(decode(answer.mask_rle)).bool(), whole[30:70] > 0)
        assert answer.score == pytest.approx(0.5 * float(iou.clamp(0, 1)))


def test_only_the_mask_decoder_and_the_query_learn(with_sam, asked, truth):
    model = with_sam("box", "query")
    decoder = model.get_submodule("sam_decoder")
    decoder.losses(model.decode(*asked(model)), truth)["sam"].backward()
    learning = {name for name, value in decoder.named_parameters() if value.grad is not None and value.grad.any()}
    assert {name.split(".")[1] if name.startswith("sam.") else name.split(".")[0] for name in learning} == {
        "mask_decoder", "query_in",
    }  # fmt: skip
    assert not any(value.requires_grad for value in decoder.sam.vision_encoder.parameters())
    assert model.query_trunk.state_in.weight.grad.any()


def test_the_image_is_encoded_once_for_all_its_answers(with_sam, asked, monkeypatch):
    model = with_sam("box")
    decoder = model.get_submodule("sam_decoder")
    seen = []
    decoder.sam.vision_encoder.register_forward_hook(lambda *call: seen.append(len(call[1][0])))
    with torch.no_grad():
        decoded = model.decode(*asked(model))
        for row in range(5):
            decoder.answer(Reply(decoded, torch.tensor([row]), PICTURE, 1.0))
    assert seen == [1, 1]


def test_a_checkpoint_needs_no_folder_beside_it(with_sam, asked, tokenizer, tmp_path, folder):
    model = with_sam("box", "query")
    checkpoint.save(tmp_path / "whole", model, tokenizer, model.state_dict(), torch.float32)
    (folder / "config.json").rename(folder / "gone.json")
    again = checkpoint.load(tmp_path / "whole")[0]
    assert again.config.decoders["sam"].keys() == {"prompts", "architecture"}
    with torch.no_grad():
        before, after = (
            each.get_submodule("sam_decoder")(each.decode(*asked(each)), torch.arange(5))[0] for each in (model, again)
        )
    assert torch.equal(before, after)
