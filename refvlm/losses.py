"""Losses of the decoders. Box IoU here is the differentiable twin of the metric's and is tested equal to it."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from refvlm.decoders.base import Decoded
from refvlm.joints import joint_set
from refvlm.matching import match_groups


@dataclass(frozen=True)
class JointTruth:
    """Truth about M people.

    Attributes:
        joints: float32 [M, K, 3], xy in 0..1 of the square input and COCO visibility.
        areas: float32 [M], area of each person as a share of the square.
        kind: which set of joints, see `refvlm.joints`.
    """

    joints: Tensor
    areas: Tensor
    kind: str = "coco"


@dataclass(frozen=True)
class Targets:
    """Truth about N `<REF>` tokens in the frame of the square input.

    Attributes:
        boxes: float32 [N, 4], cxcywh in 0..1.
        masks: float32 [N, S, S], share of each cell that is object, 0..1.
        sizes: instances per triplet, in order; sums to N.
        masked: bool [N], whose mask is known; None for all. The others are matched and judged by their boxes.
        focal: whether masks are learnt by the published loss.
    """

    boxes: Tensor
    masks: Tensor
    sizes: Sequence[int]
    masked: Tensor | None = None
    focal: bool = False

    def known(self) -> Tensor:
        """Whose mask is known, bool [N]."""
        return torch.ones(len(self.boxes), dtype=torch.bool) if self.masked is None else self.masked


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
    return 10 * bce + 2 * dice_loss(logits, target)


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """1 - dice with 1 added to both of its terms, logits and target float [N, S, S] -> float [N]."""
    probability = logits.sigmoid()
    overlap = 2 * (probability * target).sum((1, 2)) + 1
    return 1 - overlap / (probability.sum((1, 2)) + target.sum((1, 2)) + 1)


def focal_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Sigmoid focal loss with alpha 0.25 and gamma 2 (Lin et al., 2017), element by element."""
    error = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    probability = logits.sigmoid()
    missed = probability * (1 - wanted) + (1 - probability) * wanted
    return (0.25 * wanted + 0.75 * (1 - wanted)) * missed**2 * error


def published_mask_loss(logits: Tensor, target: Tensor) -> Tensor:
    """20 focal + 1 dice per mask, as published: logits and target float [N, S, S] -> float [N]."""
    return 20 * focal_loss(logits, target).mean((1, 2)) + dice_loss(logits, target)


def heat_target(boxes: Tensor, side: int, spread: float = 0.8) -> Tensor:
    """Build the wanted attention: a Gaussian around each centre, `spread` cells wide, float [N, side*side]."""
    axis = (torch.arange(side, device=boxes.device) + 0.5) / side
    away_x = (axis[None] - boxes[:, :1]) * side
    away_y = (axis[None] - boxes[:, 1:2]) * side
    logits = -(away_x[:, None, :] ** 2 + away_y[:, :, None] ** 2) / (2 * spread**2)
    return logits.flatten(1).softmax(1)


def decoder_losses(decoded: Decoded, targets: Targets) -> tuple[dict[str, Tensor], Tensor]:
    """Match inside each triplet, then score boxes, masks and heat maps.

    Returns:
        Means over the N instances, masks over those that are known: "box", "mask", "heat" and, where the model
        foretells it, "quality"; and for each prediction the index of its target.
    """

    known = targets.known().to(decoded.boxes.device)
    of_masks = published_mask_loss if targets.focal else mask_loss

    def cost(rows: Tensor, columns: Tensor) -> Tensor:
        device = decoded.boxes.device
        rows, columns = rows.to(device), columns.to(device)
        overlaps = of_masks(decoded.masks[rows], targets.masks[columns]) * known[columns]
        return box_loss(decoded.boxes[rows], targets.boxes[columns]) + overlaps

    match = match_groups(targets.sizes, cost).to(decoded.boxes.device)
    boxes, masks, known = targets.boxes[match], targets.masks[match], known[match]
    side = round(decoded.located.heat.shape[1] ** 0.5)
    wanted = heat_target(boxes, side)
    found = {
        "box": (box_loss(decoded.boxes, boxes) + 0.5 * box_loss(decoded.rough, boxes)).mean(),
        "mask": mean_where(of_masks(decoded.masks, masks), known),
        "heat": -(wanted * decoded.located.heat.log_softmax(1)).sum(1).mean(),
    }
    if decoded.quality is not None:
        reached = torch.stack([box_iou(to_xyxy(decoded.boxes), to_xyxy(boxes))[0], mask_iou(decoded.masks, masks)], 1)
        errors = functional.binary_cross_entropy_with_logits(decoded.quality, reached.detach(), reduction="none")
        found["quality"] = mean_where(errors, torch.stack([torch.ones_like(known), known], 1))
    return found, match


def mean_where(values: Tensor, chosen: Tensor) -> Tensor:
    """Mean of the chosen values, 0 where there are none; values that are not chosen get no gradient."""
    return torch.where(chosen, values, 0).sum() / chosen.sum().clamp(min=1)


def mask_iou(logits: Tensor, target: Tensor) -> Tensor:
    """IoU of decided masks with targets of shares, both [N, S, S]: float [N]."""
    chosen = (logits > 0).float()
    inter = torch.minimum(chosen, target).sum((1, 2))
    return inter / torch.maximum(chosen, target).sum((1, 2)).clamp(min=1e-6)


def joint_losses(heat: Tensor, seen: Tensor, points: Tensor, boxes: Tensor, truth: JointTruth) -> Tensor:
    """Heat maps by cross-entropy, positions by 1 - OKS, visibility by cross-entropy; mean over M people.

    Args:
        heat: float [M, K, C*C], logits over the widened boxes.
        seen: float [M, K, 3], visibility logits.
        points: float [M, K, 2], xy in 0..1, read off the heat maps.
        boxes: float [M, 4], cxcywh of the boxes that were looked into, widened by the caller.
        truth: joints and areas.
    """
    flags = truth.joints[..., 2].long()
    cells = round(heat.shape[2] ** 0.5)
    inside = (truth.joints[..., :2] - boxes[:, None, :2]) / boxes[
        :, None, 2:
    ] + 0.5  # [M, K, 2] in 0..1 of the widened box
    labelled = (flags > 0) & (inside > 0).all(2) & (inside < 1).all(2)
    wanted = heat_target(inside.flatten(0, 1), cells, spread=0.7).reshape(heat.shape)
    heat_loss = -(wanted * heat.log_softmax(2)).sum(2)
    oks = oks_of(points, truth)
    placed = ((0.3 * heat_loss + 2 * (1 - oks)) * labelled).sum() / labelled.sum().clamp(min=1)
    return placed + 0.3 * functional.cross_entropy(seen.flatten(0, 1), flags.flatten())


def oks_of(points: Tensor, truth: JointTruth) -> Tensor:
    """Similarity of every joint, exp(-d² / (8 area sigma²)) as COCO's evaluation has it: [M, K, 2] -> float [M, K]."""
    away = ((points - truth.joints[..., :2]) ** 2).sum(2)
    sigmas = torch.tensor(joint_set(truth.kind).sigmas, device=away.device)
    similar: Tensor = (-away / (8 * sigmas**2 * truth.areas[:, None])).exp()
    return similar


def depth_loss(log_m: Tensor, metres: Tensor) -> Tensor:
    """Mean absolute error of log-depth plus that of its steps to the right and downwards; 0 m counts nowhere.

    Args:
        log_m: float [M, S, S], natural logarithm of metres.
        metres: float [M, S, S].
    """
    known = metres > 0
    error = (log_m - metres.clamp(min=1e-3).log()) * known
    across = (error[:, :, 1:] - error[:, :, :-1]).abs() * (known[:, :, 1:] & known[:, :, :-1])
    down = (error[:, 1:] - error[:, :-1]).abs() * (known[:, 1:] & known[:, :-1])
    count = known.sum().clamp(min=1)
    return (error.abs().sum() + 0.5 * (across.sum() + down.sum())) / count
