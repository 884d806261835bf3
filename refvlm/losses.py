"""Losses of the decoders. Box IoU here is the differentiable twin of the metric's and is tested equal to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from refvlm.matching import match_groups
from refvlm.model import Decoded


@dataclass(frozen=True)
class Targets:
    """Truth about N `<REF>` tokens in the frame of the square input.

    Attributes:
        boxes: float32 [N, 4], cxcywh in 0..1.
        masks: float32 [N, S, S], share of each cell that is object, 0..1.
        sizes: instances per triplet, in order; sums to N.
    """

    boxes: Tensor
    masks: Tensor
    sizes: Sequence[int]


def to_xyxy(boxes: Tensor) -> Tensor:
    """Turn cxcywh [N, 4] into xyxy [N, 4]."""
    centre, size = boxes[:, :2], boxes[:, 2:]
    return torch.cat([centre - size / 2, centre + size / 2], 1)


def box_iou(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """IoU and generalised IoU of pairs of xyxy boxes [N, 4] (Rezatofighi et al., 2019) -> two float [N]."""
    low, high = torch.maximum(first[:, :2], second[:, :2]), torch.minimum(first[:, 2:], second[:, 2:])
    inter = (high - low).clamp(min=0).prod(1)
    union = (first[:, 2:] - first[:, :2]).prod(1) + (second[:, 2:] - second[:, :2]).prod(1) - inter
    hull = (torch.maximum(first[:, 2:], second[:, 2:]) - torch.minimum(first[:, :2], second[:, :2])).prod(1)
    iou = inter / union.clamp(min=1e-9)
    return iou, iou - (hull - union) / hull.clamp(min=1e-9)


def box_loss(boxes: Tensor, target: Tensor) -> Tensor:
    """5 L1 + 2 (1 - GIoU) per pair of cxcywh boxes [N, 4] -> float [N] (DETR's weights)."""
    _, giou = box_iou(to_xyxy(boxes), to_xyxy(target))
    return 5 * (boxes - target).abs().sum(1) + 2 * (1 - giou)


def mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """10 BCE + 2 dice per mask, logits and target float [N, S, S] -> float [N].

    Mean BCE is small where most cells are background, hence its weight.
    """
    bce = functional.binary_cross_entropy_with_logits(logits, target, reduction="none").mean((1, 2))
    probability = logits.sigmoid()
    overlap = 2 * (probability * target).sum((1, 2)) + 1
    dice = 1 - overlap / (probability.sum((1, 2)) + target.sum((1, 2)) + 1)
    return 10 * bce + 2 * dice


def heat_target(boxes: Tensor, side: int, spread: float = 0.8) -> Tensor:
    """Build the wanted attention: a Gaussian around each centre, `spread` cells wide, float [N, side*side]."""
    axis = (torch.arange(side, device=boxes.device) + 0.5) / side
    away_x = (axis[None] - boxes[:, :1]) * side
    away_y = (axis[None] - boxes[:, 1:2]) * side
    logits = -(away_x[:, None, :] ** 2 + away_y[:, :, None] ** 2) / (2 * spread**2)
    return logits.flatten(1).softmax(1)


def decoder_losses(decoded: Decoded, targets: Targets) -> dict[str, Tensor]:
    """Match inside each triplet, then score boxes, masks and heat maps.

    Returns:
        Means over the N instances: "box", "mask" and "heat".
    """

    def cost(rows: Tensor, columns: Tensor) -> Tensor:
        device = decoded.boxes.device
        rows, columns = rows.to(device), columns.to(device)
        return box_loss(decoded.boxes[rows], targets.boxes[columns]) + mask_loss(
            decoded.masks[rows], targets.masks[columns]
        )

    match = match_groups(targets.sizes, cost).to(decoded.boxes.device)
    boxes, masks = targets.boxes[match], targets.masks[match]
    side = round(decoded.located.heat.shape[1] ** 0.5)
    wanted = heat_target(boxes, side)
    return {
        "box": (box_loss(decoded.boxes, boxes) + 0.5 * box_loss(decoded.rough, boxes)).mean(),
        "mask": mask_loss(decoded.masks, masks).mean(),
        "heat": -(wanted * decoded.located.heat.log_softmax(1)).sum(1).mean(),
    }
