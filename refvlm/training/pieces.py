"""Parts of a batch: some of its turns, its images in several pieces, and how much of a whole each piece is."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import torch
from torch import Tensor

from refvlm.training import cells
from refvlm.training.batches import IGNORED, Batch

PER_IMAGE = ("pixels", "depth", "cells")
PER_TURN = ("ids", "labels", "lengths", "image")
PER_REF = ("ref_row", "ref_column", "phrase", "group", "spatial", "masked", "boxes", "masks", "joints")
PER_REGION = ("regions", "region_kind", "region_row", "region_at")
BY_NAME = ("seeds", "names")
"""Fields of a batch by what they have one of for each; the last are lists, one entry per image."""

Counts = dict[str, Tensor]
"""What each loss is a mean over, by its name: how many, float64 [] or, for "cells", one number per map."""
_OTHERS = "box"


def take(batch: Batch, turns: Tensor) -> Batch:
    """Keep some turns, int [t] in ascending order, with their images, `<REF>` tokens and visual prompts."""
    images = torch.tensor(sorted(set(batch.image[turns].tolist())), device=turns.device)
    length = int(batch.lengths[turns.cpu()].max())
    refs = torch.isin(batch.ref_row, turns)
    regions = torch.isin(batch.region_at[:, 0, 0], turns)
    kept = {name: getattr(batch, name)[images] for name in PER_IMAGE}
    kept |= {name: getattr(batch, name)[turns.to(getattr(batch, name).device)] for name in PER_TURN}
    kept |= {name: getattr(batch, name)[refs] for name in PER_REF}
    kept |= {name: getattr(batch, name)[regions] for name in PER_REGION}
    rows = torch.searchsorted(turns, kept["region_at"][..., 0].contiguous())
    return replace(
        batch,
        **kept
        | {
            "ids": kept["ids"][:, :length],
            "labels": kept["labels"][:, :length],
            "image": torch.searchsorted(images, kept["image"]),
            "ref_row": torch.searchsorted(turns, kept["ref_row"]),
            "region_row": torch.searchsorted(images, kept["region_row"]),
            "region_at": torch.stack([rows, kept["region_at"][..., 1]], -1),
        },
        seeds=[batch.seeds[i] for i in images.tolist()],
        names=[batch.names[i] for i in images.tolist()],
    )


def cut(batch: Batch, pieces: int) -> list[Batch]:
    """Deal the images of a batch out to several, with all that is asked about them."""
    if pieces == 1:
        return [batch]
    return [take(batch, (batch.image % pieces == piece).nonzero()[:, 0]) for piece in range(pieces)]


def move(batch: Batch, device: torch.device) -> Batch:
    """Bring a batch to a device, except for `lengths`, which only the processor asks for."""
    if device.type == "cpu":
        return batch
    own = {each.name: getattr(batch, each.name) for each in fields(batch) if each.name != "lengths"}
    moved: dict[str, Any] = {k: v.to(device, non_blocking=True) for k, v in own.items() if isinstance(v, Tensor)}
    return replace(batch, **moved)


def counts(batch: Batch, text_per: str = "token") -> Counts:
    """Count what each loss is a mean over. Joints are counted by people, although some of a person's may be hidden.

    Args:
        batch: what is counted.
        text_per: "token" or "turn", see `refvlm.training.config.LossConfig`.
    """
    asked = batch.depth[batch.image[batch.ref_row[~batch.spatial]]]
    found = {
        "text": (batch.labels != IGNORED).sum() if text_per == "token" else torch.tensor(len(batch.labels)),
        "cells": cells.weights(batch.cells).sum((0, 2, 3)),
        "box": batch.spatial.sum(),
        "heat": batch.spatial.sum(),
        "mask": batch.masked.sum(),
        "quality": batch.spatial.sum() + batch.masked.sum(),
        "joints": (batch.joints[:, 0, 2] >= 0).sum(),
        "depth": (asked > 0).sum(),
    }
    return {name: value.double() for name, value in found.items()}


def total(parts: Sequence[Counts]) -> Counts:
    """Add up the counts of all pieces."""
    return {name: torch.stack([part[name] for part in parts]).sum(0) for name in parts[0]}


def shares(part: Counts, whole: Counts) -> Counts:
    """Divide the counts of a piece by those of the whole step: a mean over the piece, times its share, summed over all
    pieces, is the mean over the step.
    """
    return {name: (value / whole[name].clamp(min=1)).float() for name, value in part.items()}


def share_of(name: str, known: Counts) -> Tensor:
    """Look up the share of a loss; those of decoders that plug in are means over objects."""
    return known.get(name, known[_OTHERS])
