"""Losses: the differentiable IoU is the metric's, perfect answers cost nothing, and groups are matched."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from refvlm.decoders.query import Located
from refvlm.losses import (
    Targets,
    box_iou,
    box_loss,
    decoder_losses,
    focal_loss,
    heat_target,
    mask_loss,
    published_mask_loss,
    to_xyxy,
)
from refvlm.model import Decoded

corner = st.integers(0, 90)
side = st.integers(1, 40)
boxes = st.tuples(corner, corner, side, side)


@given(st.lists(st.tuples(boxes, boxes), min_size=1, max_size=8))
def test_iou_equals_pycocotools(pairs):
    first = torch.tensor([pair[0] for pair in pairs], dtype=torch.float64)
    second = torch.tensor([pair[1] for pair in pairs], dtype=torch.float64)
    official = coco_mask.iou(first.numpy(), second.numpy(), [0] * len(pairs)).diagonal().copy()

    def xyxy(boxes_xywh):
        return torch.cat([boxes_xywh[:, :2], boxes_xywh[:, :2] + boxes_xywh[:, 2:]], 1)

    iou, giou = box_iou(xyxy(first), xyxy(second))
    # float64 on both sides: rounding of one division.
    torch.testing.assert_close(iou, torch.from_numpy(official), atol=1e-12, rtol=0)
    assert bool((giou <= iou + 1e-12).all())
    assert bool((giou > -1).all())


def test_a_perfect_box_costs_nothing():
    box = torch.tensor([[0.5, 0.5, 0.2, 0.4]])
    # 1 - GIoU of equal float32 boxes is rounding, about 1e-7.
    torch.testing.assert_close(box_loss(box, box), torch.zeros(1), atol=1e-5, rtol=0)
    torch.testing.assert_close(to_xyxy(box), torch.tensor([[0.4, 0.3, 0.6, 0.7]]))


def test_a_confident_right_mask_costs_less_than_an_empty_or_inverted_one():
    target = torch.zeros(1, 8, 8)
    target[:, 2:6, 2:6] = 1
    right, empty, inverted = (
        mask_loss(logits, target) for logits in (20 * (2 * target - 1), -20 + 0 * target, 20 - 40 * target)
    )
    assert right < 1e-3 < empty < inverted


def test_the_wanted_heat_peaks_at_the_centre_and_sums_to_one():
    heat = heat_target(torch.tensor([[0.30, 0.80, 0.1, 0.1]]), 16)
    torch.testing.assert_close(heat.sum(1), torch.ones(1))
    row, column = divmod(int(heat.argmax()), 16)
    assert (row, column) == (12, 4)


def test_two_instances_in_swapped_order_cost_as_much_as_in_order():
    target_boxes = torch.tensor([[0.2, 0.2, 0.2, 0.2], [0.7, 0.7, 0.3, 0.3]])
    target_masks = torch.zeros(2, 8, 8)
    target_masks[0, :3, :3], target_masks[1, 4:, 4:] = 1, 1

    def decoded(order):
        heat = heat_target(target_boxes[order], 4).clamp(min=1e-6).log()
        located = Located(torch.zeros(2, 4), target_boxes[order][:, :2], heat, torch.zeros(2, dtype=torch.long))
        boxes, masks = target_boxes[order], 20 * (2 * target_masks[order] - 1)
        return Decoded(located, torch.zeros(1, 4, 8, 8), boxes, boxes, masks)

    together = Targets(target_boxes, target_masks, [2])
    straight, swapped = (decoder_losses(decoded(order), together)[0] for order in ([0, 1], [1, 0]))
    for name, value in straight.items():
        torch.testing.assert_close(swapped[name], value)
    apart, _ = decoder_losses(decoded([1, 0]), Targets(target_boxes, target_masks, [1, 1]))
    assert apart["box"] > straight["box"] + 1


def test_focal_loss_is_that_of_its_paper_and_the_published_mask_loss_adds_dice():
    logits, wanted = torch.tensor([[[2.0, -1.0]]]), torch.tensor([[[1.0, 0.0]]])
    p = logits.sigmoid()[0, 0]
    by_hand = torch.stack([-0.25 * (1 - p[0]) ** 2 * p[0].log(), -0.75 * p[1] ** 2 * (1 - p[1]).log()])
    torch.testing.assert_close(focal_loss(logits, wanted)[0, 0], by_hand)
    dice = 1 - (2 * p[0] + 1) / (p.sum() + 2)
    torch.testing.assert_close(published_mask_loss(logits, wanted), (20 * by_hand.mean() + dice)[None])
