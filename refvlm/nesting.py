"""How the next triplet of an answer may be written: alone, or as one that holds those before it inside its phrase.

The plan lists an inner phrase before the one around it, so that the next phrase of the body may be the first that is
still owed, or a later one whose words hold all of those before it, in their order, as whole words. A phrase is never
put around its like: only a longer one holds another.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from refvlm.spelling import Spelled, Vocabulary
from refvlm.trp import DEEPEST

MOST_WAYS = 32
"""Ways of writing one triplet that are looked at, where its words recur; the first of them stand furthest left."""


@dataclass(frozen=True, slots=True)
class Owed:
    """A triplet that the plan announced.

    Attributes:
        words: its phrase as text.
        phrase: tokens of the phrase in the body, where nothing is inside it.
        targets: tokens behind the phrase, from its end tag on.
    """

    words: str
    phrase: Spelled
    targets: Spelled

    @property
    def length(self) -> int:
        """Tokens of the triplet where nothing is inside it."""
        return 1 + len(self.phrase) + len(self.targets)


@dataclass(frozen=True, slots=True)
class Way:
    """Tokens of a triplet, and how many of those owed they are: itself and those inside it."""

    tokens: Spelled
    triplets: int


def ways(owed: Sequence[Owed], vocabulary: Vocabulary) -> list[Way]:
    """List how the next triplet may be written; alone comes first, and no way is the beginning of another."""
    nests = _Nests(owed, vocabulary)
    found = (Way(each.tokens, last + 1) for last in range(len(owed)) for each in nests.triplets(0, last))
    return list(dict.fromkeys(found))


@dataclass(frozen=True, slots=True)
class _Written:
    """Tokens, and how many phrases stand inside each other in them."""

    tokens: Spelled
    depth: int


class _Nests:
    """All ways of writing the triplets of one plan, each found once."""

    def __init__(self, owed: Sequence[Owed], vocabulary: Vocabulary) -> None:
        self._owed, self._vocabulary = owed, vocabulary
        self._known: dict[tuple[int, int, int], list[_Written]] = {}

    def triplets(self, first: int, last: int) -> list[_Written]:
        """Ways of writing triplet `last` around all those from `first` on."""
        around, begin = self._owed[last], self._vocabulary.marks.phrase
        if first == last:
            return [_Written((begin, *around.phrase, *around.targets), 1)]
        if not all(_holds(around.words, self._owed[inner].words) for inner in range(first, last)):
            return []
        return [
            _Written((begin, *each.tokens, *around.targets), each.depth + 1)
            for each in self._phrases(last, 0, first)
            if each.depth < DEEPEST
        ]

    def _phrases(self, last: int, at: int, first: int) -> list[_Written]:
        """Ways of writing the words of triplet `last` from character `at` on, around all those from `first` on."""
        key = (last, at, first)
        if key not in self._known:
            self._known[key] = list(islice(self._found(*key), MOST_WAYS))
        return self._known[key]

    def _found(self, last: int, at: int, first: int) -> Iterator[_Written]:
        words = self._owed[last].words
        if first == last:
            yield from self._spelled(words[at:])
        places = (
            (inner, *place) for inner in range(first, last) for place in _places(words, self._owed[inner].words, at)
        )
        for inner, start, end in places:
            ways = (self._spelled(words[at:start]), self.triplets(first, inner), self._phrases(last, end, inner + 1))
            for before, held, after in product(*ways):
                tokens = (*before.tokens, *held.tokens, *after.tokens)
                yield _Written(tokens, max(held.depth, after.depth))

    def _spelled(self, words: str) -> list[_Written]:
        """Words between phrases; none where the tokenizer cannot say them: one of whole words has no lone space."""
        tokens = self._vocabulary.encode(words)
        return [_Written(tokens, 0)] if tokens or not words else []


def _holds(around: str, inner: str) -> bool:
    return len(inner) < len(around) and inner in around


def _places(words: str, inner: str, at: int) -> Iterator[tuple[int, int]]:
    """Where a phrase stands in words from character `at` on: whole words, and never half an escape."""
    for match in re.compile(rf"(?<!\S)(?={re.escape(inner)}(?![\w;]))").finditer(words, at):
        yield match.start(), match.start() + len(inner)
