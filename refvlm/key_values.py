"""What a language model keeps of the tokens it has read: keys and values, in buffers that grow ahead of need.

Appending copies nothing but the new tokens. Rows may be of different lengths: every slot says whether it holds a token
or padding, and padding is never attended to, wherever it stands.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache


class KeyValues:
    """Keys and values of Q rows. `update` and `get_seq_length` are what transformers asks of a cache."""

    def __init__(self, images: DynamicCache, image: Tensor) -> None:
        """Begin every row with the tokens of its image.

        Args:
            images: what `RefVLM.read_images` returned for B images.
            image: int [Q], image of each row.
        """
        each = image.tolist() == list(range(len(images.layers[0].keys)))  # then nothing need be copied
        self._keys = [_turns(layer.keys, image, each) for layer in images.layers]  # [Q, H, C, d] each
        self._values = [_turns(layer.values, image, each) for layer in images.layers]
        self._slots: int = self._keys[0].shape[2]
        self._visible = torch.ones(len(image), self._slots, dtype=torch.bool, device=image.device)

    def append(self, real: Tensor) -> tuple[Tensor, Tensor]:
        """Make room for tokens that are read next, bool [Q, L], False on padding.

        Returns:
            Their positions, int [Q, L], and what each may attend to, bool [Q, 1, L, slots].
        """
        before = self._visible.sum(1, keepdim=True)
        positions = (before + real.cumsum(1) - 1).clamp(min=0)
        length = real.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=real.device).tril()
        past = self._visible[:, None].expand(-1, length, -1)
        mask = torch.cat([past, causal & real[:, None]], 2)[:, None]
        self._visible = torch.cat([self._visible, real], 1)
        self._slots = self._visible.shape[1]
        return positions, mask

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Store keys and values [Q, H, L, d] of the tokens last appended, and return those of all."""
        stored = []
        for buffers, new in ((self._keys, keys), (self._values, values)):
            if buffers[layer].shape[2] < self._slots:
                buffers[layer] = self._grown(buffers[layer], self._slots - new.shape[2])
            buffers[layer][:, :, self._slots - new.shape[2] : self._slots] = new
            stored.append(buffers[layer][:, :, : self._slots])
        return stored[0], stored[1]

    def forget(self, lengths: Sequence[int], tails: Sequence[int]) -> None:
        """Take back the last tokens of each row, of those last appended.

        Args:
            lengths: how many each row appended.
            tails: how many of them it takes back.
        """
        if not any(tails):
            return
        kept = [length - tail for length, tail in zip(lengths, tails, strict=True)]
        before, stay = self._slots - max(lengths), torch.tensor(kept, device=self._visible.device)
        columns = torch.arange(max(kept), device=self._visible.device)
        self._slots = before + max(kept)
        self._visible = torch.cat([self._visible[:, :before], columns < stay[:, None]], 1)

    def _grown(self, buffer: Tensor, held: int) -> Tensor:
        """A buffer half as large again as is needed, with the `held` slots that are in use."""
        rows, heads, _, width = buffer.shape
        larger = buffer.new_empty(rows, heads, self._slots + self._slots // 2, width)
        larger[:, :, :held] = buffer[:, :, :held]
        return larger

    def get_seq_length(self, layer: int = 0) -> int:
        """Slots in use."""
        return self._slots

    def pick(self, rows: Sequence[int]) -> None:
        """Keep some rows."""
        chosen = torch.tensor(rows, device=self._visible.device)
        self._visible = self._visible[chosen]
        for buffers in (self._keys, self._values):
            for place, buffer in enumerate(buffers):
                buffers[place] = buffer[chosen.to(buffer.device)]


def _turns(held: Tensor | None, image: Tensor, each: bool) -> Tensor:
    """Rows of B images for Q turns; `each` says that every image has one turn, in order."""
    assert held is not None
    return held if each else held[image.to(held.device)]
