"""The published keypoint decoder, with its faults mended."""

import pytest
import torch

from refvlm.decoders.base import Reply
from refvlm.decoders.slots import slot_losses
from refvlm.losses import JointTruth, focal_loss
from refvlm.processor import Letterbox


@pytest.fixture
def model(build):
    return build(decoders={"slots": {"layers": 2}})


@torch.no_grad()
def test_slots_of_one_ref_heed_no_other(model, asked):
    decoder = model.get_submodule("slots_decoder")
    decoded = model.decode(*asked(model))
    together = decoder(decoded, torch.arange(5))
    assert [tuple(each.shape) for each in together] == [(5, 4), (5, 17, 2), (5, 17, 2)]
    for row in range(5):
        alone = decoder(decoded, torch.tensor([row]))
        for one, all_of_them in zip(alone, together, strict=True):
            torch.testing.assert_close(one[0], all_of_them[row], atol=1e-5, rtol=1e-4)  # sums of other lengths
    assert not torch.allclose(together[1][:, 0], together[1][:, 1], atol=1e-4)  # joints have queries of their own


def test_they_learn_and_answer(model, asked, truth):
    decoder = model.get_submodule("slots_decoder")
    optimizer = torch.optim.Adam(decoder.parameters(), lr=0.01)
    with torch.no_grad():
        whole = model.decode(*asked(model))
    found = []
    for _ in range(40):
        loss = decoder.losses(whole, truth)["slots"]
        optimizer.zero_grad()
        loss.backward()
        assert all(value.grad is not None and value.grad.any() for value in decoder.parameters()) or not found
        optimizer.step()
        found.append(loss.item())
    assert found[-1] < 0.5 * found[0]
    with torch.inference_mode():
        reply = Reply(whole, torch.tensor([0, 3]), Letterbox((64, 64), 64), 0.5)
        poses = model.decoder_of("keypoint").answer(reply)
    points = torch.tensor([pose.keypoints for pose in poses])[..., :2] / 64
    labelled = truth.joints[[0, 3], :, 2] > 0
    assert (points - truth.joints[[0, 3], :, :2]).abs()[labelled].mean() < 0.1


def test_joints_without_a_label_count_nowhere_but_in_the_visibility():
    joints = torch.rand(2, 17, 3, generator=torch.Generator().manual_seed(0)) * 0.5 + 0.2
    joints[..., 2] = 2
    joints[:, :5, 2] = 0
    truth = JointTruth(joints, torch.tensor([0.1, 0.1]))
    seen = torch.zeros(2, 17, 2)
    places = joints[..., :2].clone()
    right = slot_losses(places, seen, truth)
    places[:, :5] += 0.3
    assert slot_losses(places, seen, truth) == right
    assert right == pytest.approx(float(focal_loss(torch.zeros(2), torch.tensor([1.0, 0.0])).mean()), rel=1e-5)
    places[:, 5] += torch.tensor([0.03, 0.0])
    # by hand: L1 of one joint, and 1 - exp(-d² / (8 area sigma²)) of one of twelve labelled joints
    oks = torch.tensor(-(0.03**2) / (8 * 0.1 * 0.079**2)).exp()
    assert float(slot_losses(places, seen, truth) - right) == pytest.approx(
        2 * 0.03 + 2 * float(1 - oks) / 12, rel=1e-3
    )


def test_focal_loss_is_that_of_its_paper():
    logits = torch.tensor([2.0, -1.0])
    p = logits.sigmoid()
    by_hand = [-0.25 * (1 - p[0]) ** 2 * p[0].log(), -0.75 * p[1] ** 2 * (1 - p[1]).log()]
    torch.testing.assert_close(focal_loss(logits, torch.tensor([1.0, 0.0])), torch.stack(by_hand))


def test_a_batch_without_people_has_no_loss(model, asked, truth):
    truth.joints[..., 2] = -1
    assert model.get_submodule("slots_decoder").losses(model.decode(*asked(model)), truth) == {}
