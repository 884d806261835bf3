"""From what the decoders say to instances in the picture's own pixels: every triplet goes to the unit it names.

Float32 sums come out differently in their last digits when a batch holds other rows or other threads share the work.
So numbers of instances are rounded to steps that no metric can tell apart, far above those digits: what is written is
the same bytes, but where a number lies just between two steps. Pixels of masks and depth maps are as they come: one
that lies on the edge may fall on either side, and no step could settle thousands of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast, get_args

import torch

from benchmarks.depth_answer import DepthMap
from benchmarks.schema import Box, Group, Instance, Unit
from refvlm.decoders.base import Reply
from refvlm.model import Decoded, RefVLM
from refvlm.processor import Letterbox

PIXEL_STEPS = 64
"""Steps in a pixel to which boxes and joints are rounded; a power of two, so that every step is a float itself."""
SCORE_STEPS = 2**14
"""Steps in 0..1 to which scores are rounded."""


@dataclass(frozen=True)
class Spoken:
    """A triplet as generated: its phrase, unit, number of `<REF>` tokens, and the probability of its tokens."""

    phrase: str
    unit: str
    count: int
    score: float


class Unpacker:
    """Turns the decoded `<REF>` tokens of one image into groups of instances."""

    def __init__(self, model: RefVLM, decoded: Decoded, letterbox: Letterbox, joints: tuple[str, ...] = ()) -> None:
        """Unpack for a picture; `joints` names those that the question asks for, where it does."""
        self._model, self._decoded, self._letterbox, self._joints = model, decoded, letterbox, joints

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
            decoder = self._model.decoder_of(unit)
            reply = Reply(self._decoded, rows, self._letterbox, each.score, self._joints)
            if decoder.whole_image:
                depth = depth or decoder.depth(reply)
                groups.append(Group(each.phrase, unit, ()))
            else:
                groups.append(Group(each.phrase, unit, tuple(map(settled, decoder.answer(reply)))))
        return groups, depth


def settled(instance: Instance) -> Instance:
    """Round an instance: boxes and joints to 1 / PIXEL_STEPS pixel, scores to 1 / SCORE_STEPS; the mask stays."""
    box, joints = instance.box_xyxy, instance.keypoints
    return replace(
        instance,
        score=None if instance.score is None else _round(instance.score, SCORE_STEPS),
        box_xyxy=None if box is None else cast(Box, tuple(_round(value, PIXEL_STEPS) for value in box)),
        keypoints=None if joints is None else tuple(
            (_round(x, PIXEL_STEPS), _round(y, PIXEL_STEPS), _round(sure, SCORE_STEPS)) for x, y, sure in joints
        ),
    )  # fmt: skip


def _round(value: float, steps: int) -> float:
    return round(value * steps) / steps
