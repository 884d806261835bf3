"""Find the triplets in a token sequence: which tokens spell a phrase and which `<REF>` tokens belong to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class TokenGroup:
    """One triplet in token positions.

    Attributes:
        phrase: half-open span between the phrase's tags, inner triplets included; empty where the answer has none.
        unit: token ids between the unit tags.
        refs: positions of its `<REF>` tokens.
        words: positions of the tokens that spell the phrase, inner tags and targets left out.
    """

    phrase: tuple[int, int]
    unit: tuple[int, ...]
    refs: tuple[int, ...]
    words: tuple[int, ...] = ()


@dataclass(slots=True)
class _Open:
    """A phrase that has not ended yet.

    Attributes:
        start: position behind its tag.
        words: positions of its tokens so far.
        spoken: how many of them were there when the last inner phrase ended; what follows may be that one's targets.
        closing: whether the next token closes the targets of an inner phrase.
    """

    start: int
    words: list[int] = field(default_factory=list)
    spoken: int | None = None
    closing: bool = False

    def word(self, position: int) -> None:
        """Take a token that is no tag."""
        if not self.closing:
            self.words.append(position)
        self.closing = False

    def ref(self) -> None:
        """What stood since the last inner phrase was no word but its targets; so is the bracket that follows."""
        if self.spoken is not None:
            del self.words[self.spoken :]
            self.closing = True


def find_groups(ids: Sequence[int], special: Mapping[str, int]) -> list[TokenGroup]:
    """List the triplets of an answer in the order of their `<REF>` tokens, so inner ones before the one around them.

    Total: stray `<REF>` tokens form a group without phrase or unit.

    Args:
        ids: token ids of an answer.
        special: ids of the TRP tokens, by token.
    """
    walk = _Walk()
    names = {special[name]: name for name in ("<Phrase>", "</Phrase>", "<Unit>", "</Unit>", "<REF>")}
    for position, token in enumerate(ids):
        walk.take(ids, position, names.get(token))
    walk.close()
    return walk.groups


class _Walk:
    """One pass over the tokens, with a stack of the phrases that are open."""

    def __init__(self) -> None:
        self.groups: list[TokenGroup] = []
        self._open: list[_Open] = []
        self._refs: list[int] = []
        self._unit_start = 0
        self._unit: tuple[int, ...] = ()
        self._phrase: tuple[int, int] = (0, 0)
        self._words: tuple[int, ...] = ()

    def take(self, ids: Sequence[int], position: int, name: str | None) -> None:
        """Take the next token; `name` is that of a tag."""
        match name:
            case "<Phrase>":
                self.close()
                self._phrase, self._words, self._unit = (0, 0), (), ()
                self._open.append(_Open(position + 1))
            case "</Phrase>":
                self.close()
                self._end_phrase(position)
            case "<Unit>":
                self.close()
                self._unit_start = position + 1
            case "</Unit>":
                self._unit = tuple(ids[self._unit_start : position])
            case "<REF>":
                self._refs.append(position)
                if self._open:
                    self._open[-1].ref()
            case _:
                if self._open:
                    self._open[-1].word(position)

    def close(self) -> None:
        """Finish the group whose `<REF>` tokens came last."""
        if self._refs:
            self.groups.append(TokenGroup(self._phrase, self._unit, tuple(self._refs), self._words))
            self._refs.clear()

    def _end_phrase(self, position: int) -> None:
        self._phrase, self._words, self._unit = (0, 0), (), ()
        if not self._open:
            return
        ended = self._open.pop()
        self._phrase, self._words = (ended.start, position), tuple(ended.words)
        if self._open:
            around = self._open[-1]
            around.words += ended.words
            around.spoken, around.closing = len(around.words), False
