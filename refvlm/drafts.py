"""Guesses at how an answer goes on, from what the answers of its batch say so far: a pass reads them along, and the
model's own choices decide which of them stand.

A pass over one token an answer takes nearly as long as over a few, since it reads all weights, keys and values anyway.
So guesses that come true save passes and those that do not cost little; what is chosen never depends on them
(prompt-lookup decoding after Saxena, 2023; Leviathan et al., 2023, for verification, which for greedy choice is
equality).
"""

from collections.abc import Iterator, Sequence
from operator import itemgetter

_REACH = (8, 4, 2)
"""Tokens before a guess that it is made from: the longest that was met before."""
_LONGEST = 10
_LEAST = 0.25
"""How sure a guess must be, all before it included: about what a token costs of a pass."""
_MOST = 2**18
"""Beginnings that are remembered."""


class Drafts:
    """How the answers of a batch have gone on.

    They end with it: what is read along moves the last bits of numbers, and an answer may depend on its batch but not
    on those that the same process answered before.
    """

    def __init__(self) -> None:
        self._next: dict[tuple[int, ...], dict[int, int]] = {}

    def learn(self, before: Sequence[int], token: int) -> None:
        """Remember that a token came behind others."""
        for beginning in _beginnings(before):
            counts = self._next.get(beginning)
            if counts is None:
                if len(self._next) >= _MOST:
                    continue
                counts = self._next[beginning] = {}
            counts[token] = counts.get(token, 0) + 1

    def follow(self, before: Sequence[int], end: int) -> list[int]:
        """Guess what comes behind tokens, as far as that is likely, `end` not included."""
        text, sure = list(before[-max(_REACH) :]), 1.0
        out: list[int] = []
        while len(out) < _LONGEST:
            counts = next((self._next[each] for each in _beginnings(text) if each in self._next), None)
            if counts is None:
                break
            token, count = max(counts.items(), key=itemgetter(1))
            sure *= count / (sum(counts.values()) + 0.5)
            if token == end or sure < _LEAST:
                break
            out.append(token)
            text = [*text[1 - max(_REACH) :], token]
        return out


def _beginnings(before: Sequence[int]) -> Iterator[tuple[int, ...]]:
    return (tuple(before[-reach:]) for reach in _REACH if len(before) >= reach)
