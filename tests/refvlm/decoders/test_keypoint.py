"""The keypoint decoder: sets of joints by name, a further head that starts fresh, and a loss that heeds labels only."""

import json

import numpy as np
import pytest
import torch

from benchmarks import mpii
from benchmarks.world.dense import numbered
from benchmarks.world.mpii import write_mpii
from refvlm.config import KeypointConfig
from refvlm.decoders.base import Reply
from refvlm.decoders.joint_truth import as_set
from refvlm.joints import COCO, JOINT_SETS, wanted_set
from refvlm.losses import JointTruth, oks_of
from refvlm.processor import Letterbox

PICTURE = Letterbox((64, 64), 64)


@pytest.fixture
def both(build):
    return build(keypoint=KeypointConfig(cells=8, width=8, sets=("coco", "mpii")))


@torch.no_grad()
def test_a_question_gets_the_joints_that_it_names(both, asked):
    decoded = both.decode(*asked(both))
    counts = {}
    for names in ((), COCO, mpii.JOINTS, ("person",)):
        reply = Reply(decoded, torch.tensor([1, 3]), PICTURE, 1.0, names)
        counts[len(names)] = [len(pose.keypoints) for pose in both.decoder_of("keypoint").answer(reply)]
    assert counts == {0: [17, 17], 17: [17, 17], 16: [16, 16], 1: [17, 17]}
    assert wanted_set(mpii.JOINTS, ("coco",)) == "coco"


@torch.no_grad()
def test_weights_without_a_further_set_still_fit_and_say_the_same(both, build, asked):
    plain = build(keypoint=KeypointConfig(cells=8, width=8))
    left = both.load_state_dict(plain.state_dict(), strict=False)
    assert {name.rsplit(".", 2)[0] for name in left.missing_keys} == {"keypoint_decoder.further.mpii"}
    assert left.unexpected_keys == []
    poses = []
    for model in (plain, both):
        reply = Reply(model.decode(*asked(model)), torch.tensor([0, 4]), PICTURE, 1.0)
        poses.append(model.decoder_of("keypoint").answer(reply))
    assert poses[0] == poses[1]


def test_every_head_learns_and_a_batch_without_people_has_no_loss(both, asked, truth):
    decoded = both.decode(*asked(both))
    both.keypoint_decoder.losses(decoded, truth)["joints"].backward()
    idle = {name for name, value in both.keypoint_decoder.named_parameters() if not value.grad.any()}
    assert idle == set()
    truth.joints[..., 2] = -1
    assert both.keypoint_decoder.losses(decoded, truth) == {}


def test_people_whose_mask_is_unknown_have_a_finite_loss(both, asked, truth):
    truth.masks.zero_()
    assert both.keypoint_decoder.losses(both.decode(*asked(both)), truth)["joints"].isfinite()


def test_mpii_joints_follow_from_coco_as_the_sample_world_writes_them(tmp_path):
    write_mpii(tmp_path, 3, {"test": 12})
    written = json.loads((tmp_path / "mpii" / "annot" / "valid.json").read_text())
    people = [each.keypoints for _, scene in numbered(3, {"test": 12}, "test") for each in scene.objects
              if each.keypoints is not None]  # fmt: skip
    ours = as_set(torch.from_numpy(np.stack(people)).float(), "mpii")
    for person, found in zip(written, ours, strict=True):
        seen = np.array(person["joints_vis"], dtype=bool)
        both = seen & (found[:, 2] > 0).numpy()
        assert both.sum() >= 4
        # the file counts pixels from 1; float32 of numbers below 128
        assert np.allclose(np.array(person["joints"])[both] - 1, found[both, :2].numpy(), atol=1e-3)


def test_what_follows_from_a_joint_without_label_has_none():
    joints = torch.full((1, 17, 3), 2.0)
    joints[0, COCO.index("left_ear")] = 0
    labels = dict(zip(mpii.JOINTS, as_set(joints, "mpii")[0, :, 2].tolist(), strict=True))
    assert {name for name, label in labels.items() if label == 0} == {"upper_neck", "head_top"}


@pytest.mark.parametrize("kind", ["coco", "mpii"])
def test_oks_is_that_of_the_official_formula(kind):
    sigmas = np.array(JOINT_SETS[kind].sigmas)
    generator = torch.Generator().manual_seed(0)
    found, true = torch.rand(2, 3, len(sigmas), 2, generator=generator) * 0.2 + 0.4
    areas = torch.tensor([0.1, 0.2, 0.05])
    truth = JointTruth(torch.cat([true, torch.full((3, len(sigmas), 1), 2.0)], 2), areas, kind)
    away = ((found - true) ** 2).sum(2).numpy()
    official = np.exp(-away / (2 * sigmas) ** 2 / areas.numpy()[:, None] / 2)  # as pycocotools computes it
    np.testing.assert_allclose(oks_of(found, truth).numpy(), official, rtol=1e-4, atol=1e-30)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sets": ["coc"]}, "no set of joints is called 'coc'; did you mean coco"),
        ({"sets": []}, "one set of joints or more"),
        ({"sets": ["coco", "coco"]}, "each once"),
        ({"sets": ["mpii"]}, "joints is 17 but mpii"),
    ],
)
def test_wrong_sets_are_one_clear_error(given, words):
    with pytest.raises(ValueError, match=words):
        KeypointConfig.model_validate(given)
