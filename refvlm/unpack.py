"""From what the decoders say to instances in the picture's own pixels: every triplet goes to the unit it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np
import torch
from torch import Tensor

from benchmarks.geometry import encode
from benchmarks.schema import DepthMap, Group, Instance, Unit
from refvlm.model import Decoded, RefVLM
from refvlm.processor import Letterbox


@dataclass(frozen=True)
class Spoken:
    """A triplet as generated: its phrase, unit, number of `<REF>` tokens, and the probability of its tokens."""

    phrase: str
    unit: str
    count: int
    score: float


class Unpacker:
    """Turns the decoded `<REF>` tokens of one image into groups of instances."""

    def __init__(self, model: RefVLM, decoded: Decoded, letterbox: Letterbox) -> None:
        self._model, self._decoded, self._letterbox = model, decoded, letterbox

    @torch.inference_mode()
    def unpack(self, spoken: Sequence[Spoken], first: int) -> tuple[list[Group], DepthMap | None]:
        """Decode triplets whose `<REF>` tokens begin at a row of `decoded` and follow each other.

        Returns:
            The groups in order, and the first depth map that was asked for.
        """
        groups: list[Group] = []
        depth: DepthMap | None = None
        row = first
        for each in spoken:
            unit = cast(Unit, each.unit) if each.unit in get_args(Unit) else "mask"
            rows = torch.arange(row, row + each.count, device=self._decoded.boxes.device)
            row += each.count
            if unit == "depth" and self._model.depth_decoder is not None:
                depth = depth or self._depth(rows[:1])
                groups.append(Group(each.phrase, unit, ()))
                continue
            groups.append(Group(each.phrase, unit, tuple(self._instances(unit, rows, each.score))))
        return groups, depth

    def _instances(self, unit: Unit, rows: Tensor, probability: float) -> list[Instance]:
        scores = self._scores(unit, rows, probability)
        if unit in ("keypoint", "point") and self._model.keypoint_decoder is not None:
            return self._poses(rows, scores)
        if unit == "box":
            boxes = self._decoded.boxes[rows]
            return [
                Instance(score=score, box_xyxy=self._letterbox.box_out(box))
                for score, box in zip(scores, boxes, strict=True)
            ]
        masks = (self._letterbox.mask_out(mask) for mask in self._decoded.masks[rows])
        return [Instance(score=score, mask_rle=encode(mask)) for score, mask in zip(scores, masks, strict=True)]

    def _scores(self, unit: Unit, rows: Tensor, probability: float) -> list[float]:
        """Probability of the words, times the IoU that the quality head foretells."""
        if self._decoded.quality is None:
            return [probability] * len(rows)
        expected = self._decoded.quality[rows].sigmoid()[:, 1 if unit == "mask" else 0]
        return [probability * float(value) for value in expected]

    def _poses(self, rows: Tensor, scores: Sequence[float]) -> list[Instance]:
        decoder = self._model.keypoint_decoder
        assert decoder is not None
        boxes = self._decoded.boxes[rows]
        heat, seen = decoder(self._decoded.located, self._decoded.pixels, rows, boxes)
        points = decoder.points(heat, boxes).cpu()
        there = 1 - seen.softmax(2)[:, :, 0].cpu()
        return [
            Instance(
                score=score,
                box_xyxy=self._letterbox.box_out(boxes[k]),
                keypoints=tuple(
                    (*self._letterbox.point_out(float(x), float(y)), float(sure))
                    for (x, y), sure in zip(points[k], there[k], strict=True)
                ),
            )
            for k, score in enumerate(scores)
        ]

    def _depth(self, rows: Tensor) -> DepthMap:
        assert self._model.depth_decoder is not None
        log_m = self._model.depth_decoder(self._decoded.located, self._decoded.pixels, rows)[0]
        return DepthMap(values=np.exp(self._letterbox.map_out(log_m)).astype(np.float32))
