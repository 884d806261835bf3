"""What the decoders say reaches the picture's own pixels, in the unit that each triplet names."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.schema import Instance
from refvlm.config import DepthConfig, KeypointConfig
from refvlm.decoders.query import Layout, Queries
from refvlm.losses import JointTruth, depth_loss, joint_losses, mask_iou
from refvlm.model import RefVLM
from refvlm.processor import Letterbox
from refvlm.unpack import PIXEL_STEPS, SCORE_STEPS, Spoken, Unpacker, settled

PICTURE = Letterbox((48, 96), 64)


@pytest.fixture
def model(nano_config):
    torch.manual_seed(0)
    decoder = nano_config.decoder.model_copy(update={"quality": True})
    extra = {"keypoint": KeypointConfig(cells=8, width=8), "depth": DepthConfig(bins=4), "decoder": decoder}
    return RefVLM(nano_config.model_copy(update=extra)).eval()


@pytest.fixture
def decoded(model):
    generator = torch.Generator().manual_seed(3)
    features = model.vision(torch.randn(1, 3, 64, 64, generator=generator))
    states = torch.randn(5, model.config.llm.width, generator=generator)
    queries = Queries(states, states, torch.zeros(5, dtype=torch.long), torch.tensor([0, 1, 1, 2, 3]))
    with torch.inference_mode():
        return model.decode(queries, features)


def test_every_triplet_is_answered_in_its_unit(model, decoded):
    spoken = [
        Spoken("whole scene", "depth", 1, 1.0), Spoken("person", "keypoint", 2, 0.5), Spoken("car", "box", 1, 0.5),
        Spoken("sky", "mask", 1, 0.25),
    ]  # fmt: skip
    groups, depth = Unpacker(model, decoded, PICTURE).unpack(spoken, 0)
    assert [(group.phrase, group.unit, len(group.instances)) for group in groups] == [
        ("whole scene", "depth", 0), ("person", "keypoint", 2), ("car", "box", 1), ("sky", "mask", 1),
    ]  # fmt: skip
    assert depth.values.shape == PICTURE.size_hw
    assert np.isfinite(depth.values).all()
    for person in groups[1].instances:
        assert len(person.keypoints) == 17
        assert all(0 <= sure <= 1 for *_, sure in person.keypoints)
    x1, y1, x2, y2 = groups[2].instances[0].box_xyxy
    assert 0 <= x1 <= x2 <= 96
    assert 0 <= y1 <= y2 <= 48
    assert groups[3].instances[0].mask_rle["size"] == [48, 96]
    quality = decoded.quality.sigmoid()
    # box, then mask: probability of the words times the expected IoU, rounded to 1 / 2^14
    assert groups[2].instances[0].score == pytest.approx(0.5 * float(quality[3, 0]), abs=1 / 2**15)
    assert groups[3].instances[0].score == pytest.approx(0.25 * float(quality[4, 1]), abs=1 / 2**15)


def test_points_of_the_square_return_to_where_they_came_from():
    for x, y in ((0.0, 0.0), (95.0, 47.0), (30.5, 12.25)):
        u, v = PICTURE.point_in(x, y)
        assert PICTURE.point_out(u / 64, v / 64) == pytest.approx((x, y))


def test_queries_of_one_image_share_its_maps_in_any_order():
    image = torch.tensor([1, 0, 1, 1, 2])
    layout = Layout.of(image, 4)
    assert layout.shape == (4, 3)
    values = torch.arange(10.0).reshape(5, 2)
    assert torch.equal(layout.gather(layout.spread(values)), values)
    none = Layout.of(torch.zeros(0, dtype=torch.long), 2)
    assert none.gather(none.spread(torch.zeros(0, 2))).shape == (0, 2)


def test_true_joints_cost_nothing_but_the_spread_of_the_heat():
    joints = torch.rand(2, 17, 3) * 0.4 + 0.3
    joints[..., 2] = 2
    boxes = torch.tensor([[0.5, 0.5, 0.8, 0.8]] * 2)
    truth = JointTruth(joints, torch.tensor([0.1, 0.1]))
    heat, seen = torch.zeros(2, 17, 64), torch.zeros(2, 17, 3)
    seen[..., 2] = 20
    right = joint_losses(heat, seen, joints[..., :2], boxes, truth)
    wrong = joint_losses(heat, seen, joints[..., :2] + 0.2, boxes, truth)
    # heat maps that know nothing cost 0.3 ln 64; joints far off lose all of 2 (1 - OKS)
    assert right == pytest.approx(0.3 * np.log(64), abs=1e-4)
    assert wrong == pytest.approx(0.3 * np.log(64) + 2, abs=0.2)


def test_depth_counts_known_pixels_alone_and_scale_as_well_as_steps():
    metres = torch.full((1, 4, 4), 2.0)
    metres[0, 0, 0] = 0
    exact = metres.clamp(min=1).log()
    assert depth_loss(exact, metres) == pytest.approx(0.0, abs=1e-6)
    assert depth_loss(exact + np.log(1.1), metres) == pytest.approx(np.log(1.1), rel=1e-5)


def test_mask_iou_is_that_of_the_decided_mask():
    target = torch.zeros(1, 4, 4)
    target[0, :2] = 1
    logits = torch.full((1, 4, 4), -1.0)
    logits[0, 1:3] = 1.0
    assert mask_iou(logits, target) == pytest.approx(4 / 12)


PIXELS, SHARES = st.floats(0, 1e4), st.floats(0, 1)


@given(st.tuples(PIXELS, PIXELS, PIXELS, PIXELS), SHARES, st.lists(st.tuples(PIXELS, PIXELS, SHARES), max_size=3))
def test_settling_moves_nothing_by_more_than_half_a_step_and_only_once(box, score, joints):
    mask = {"size": [2, 2], "counts": "04"}
    once = settled(Instance(score, box, mask, tuple(joints)))
    assert settled(once) == once
    assert once.mask_rle == mask
    assert once.score == pytest.approx(score, abs=0.5 / SCORE_STEPS)
    assert once.box_xyxy == pytest.approx(box, abs=0.5 / PIXEL_STEPS)
    for there, here in zip(joints, once.keypoints, strict=True):
        assert here[:2] == pytest.approx(there[:2], abs=0.5 / PIXEL_STEPS)
        assert here[2] == pytest.approx(there[2], abs=0.5 / SCORE_STEPS)


def test_digits_that_depend_on_the_batch_are_gone():
    one = settled(Instance(0.51234567, (1.25, 2.5, 30.123456, 40.1)))
    other = settled(Instance(0.51234568, (1.250002, 2.499998, 30.123431, 40.1)))
    assert one == other
    assert settled(Instance()) == Instance()
