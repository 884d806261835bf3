"""From what the decoders say to instances in the picture's own pixels: every triplet goes to the unit it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast, get_args

import torch

from benchmarks.depth_answer import DepthMap
from benchmarks.schema import Group, Unit
from refvlm.decoders.base import Reply
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
                groups.append(Group(each.phrase, unit, tuple(decoder.answer(reply))))
        return groups, depth
