"""How the next token of every answer is chosen, and who hears of it. Greedy unless told otherwise."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Choosing:
    """The likeliest token; nobody listens and nothing stops an answer but its end or its limit.

    Attributes:
        in_step: whether all answers must grow by one token a step, each asked for and told of here; else answers go
            on with the likeliest token, several at a time where that can be, and nothing here is called.
    """

    in_step = False

    def pick(self, log_probabilities: Tensor) -> Tensor:
        """Choose a token for every row: float [Q, V], -inf where one may not come -> int [Q]."""
        return log_probabilities.argmax(1)

    def hear(self, tokens: Tensor) -> None:
        """Hear the tokens of one step, int [Q]; padding where an answer has ended."""

    def stopped(self) -> Sequence[bool]:
        """Which answers shall end before their end, asked after every step; nothing for none."""
        return ()


class Sampling(Choosing):
    """Tokens drawn by their probability. What a row draws depends on the seed and its place, on no other row."""

    in_step = True

    def __init__(self, seed: int, rows: int, temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0) -> None:
        """Begin to draw.

        Args:
            seed: the same seed draws the same, on any device.
            rows: number of answers.
            temperature: log probabilities are divided by it.
            top_p: only the likeliest tokens that together reach this probability may come.
            top_k: only that many of the likeliest may come; 0 for all.
        """
        self._sources = [
            torch.Generator().manual_seed((seed + row * 0x9E3779B97F4A7C15) % 2**63) for row in range(rows)
        ]
        self._temperature, self._top_p, self._top_k = temperature, top_p, top_k

    def pick(self, log_probabilities: Tensor) -> Tensor:
        """Draw by the inverse of the distribution function, likeliest first."""
        ordered, tokens = (log_probabilities.double().cpu() / self._temperature).sort(
            dim=1, descending=True, stable=True
        )
        mass = ordered.softmax(1)
        before = mass.cumsum(1) - mass
        barred = before >= self._top_p
        if self._top_k:
            barred[:, self._top_k :] = True
        barred[:, 0] = False
        mass = mass.masked_fill(barred, 0.0)
        drawn = torch.stack([torch.rand((), generator=each, dtype=torch.float64) for each in self._sources])
        reached = mass.cumsum(1) > (drawn * mass.sum(1))[:, None]
        place = reached.int().argmax(1)
        return tokens.gather(1, place[:, None])[:, 0].to(log_probabilities.device)
