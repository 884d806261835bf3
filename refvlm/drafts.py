"""Guesses at how an answer goes on, from what is known before the model says it: a pass reads them along, and the
model's own choices decide which of them stand.

A pass over one token an answer takes nearly as long as over a few, since it reads all weights, keys and values anyway.
So guesses that come true save passes and those that do not cost little; what is chosen never depends on them
(prompt-lookup decoding after Saxena, 2023; Leviathan et al., 2023, for verification, which for greedy choice is
equality). They are made from three sources: how answers went on in training (`refvlm.habits`), how those of this batch
have gone on, and the words of the question, which answers repeat.
"""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from refvlm.habits import ECHO, HEAD, REACH, Beginning, Echoes, Habits, beginnings

_LONGEST = 24
_LEAST = 0.25
"""How sure a guess must be, all before it included: about what a token costs of a pass."""
_MOST = 2**18
"""Beginnings that are remembered."""


class Drafts:
    """How the answers of a batch go on.

    What is learnt from them ends with the batch: what is read along moves the last bits of numbers, and an answer may
    depend on its batch but not on those that the same process answered before.
    """

    def __init__(self, habits: Habits, prompts: Sequence[Sequence[int]]) -> None:
        """Begin with what training has taught; `prompts` are the tokens of each answer's question."""
        self._habits = habits.next
        self._prompts = [list(prompt) for prompt in prompts]
        self._echoes = [Echoes(prompt) for prompt in prompts]
        self._next: dict[Beginning, dict[int, int]] = {}

    def learn(self, row: int, answer: Sequence[int], token: int) -> None:
        """Remember that a token came behind the beginning of an answer."""
        for beginning in self._beginnings(row, self._text(row, answer)):
            counts = self._next.get(beginning)
            if counts is None:
                if len(self._next) >= _MOST:
                    continue
                counts = self._next[beginning] = {}
            counts[token] = counts.get(token, 0) + 1

    def follow(self, row: int, answer: Sequence[int], end: int) -> list[int]:
        """Guess what comes behind the beginning of an answer, as far as that is likely, `end` not included."""
        text, sure = self._text(row, answer), 1.0
        out: list[int] = []
        while len(out) < _LONGEST:
            token, share = self._usual(row, text)
            sure *= share
            if token == end or sure < _LEAST:
                break
            out.append(token)
            text = [*text[1 - max(REACH) :], token]
        return out

    def _text(self, row: int, answer: Sequence[int]) -> list[int]:
        """The last tokens, those of the question included."""
        last = list(answer[-max(REACH) :])
        short = max(REACH) - len(last)
        return [*self._prompts[row][-short:], *last] if short else last

    def _beginnings(self, row: int, text: Sequence[int]) -> Iterator[Beginning]:
        return beginnings(self._prompts[row][:HEAD], text)

    def _usual(self, row: int, text: Sequence[int]) -> tuple[int, float]:
        """What answers go on with behind the longest beginning that is known, and how sure that is."""
        for beginning in self._beginnings(row, text):
            token, share = self._habits.get(beginning, (None, 0.0))
            if token == ECHO:
                token = self._echoes[row].behind(text)
            if token is not None:
                return token, share
            if counts := self._next.get(beginning):
                token, count = max(counts.items(), key=itemgetter(1))
                return token, count / (sum(counts.values()) + 0.5)
        return 0, 0.0
