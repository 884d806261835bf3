"""Find the triplets in a token sequence: which tokens spell a phrase and which `<REF>` tokens belong to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenGroup:
    """One triplet in token positions.

    Attributes:
        phrase: half-open span of the phrase's tokens; empty where the answer has none.
        unit: token ids between the unit tags.
        refs: positions of its `<REF>` tokens.
    """

    phrase: tuple[int, int]
    unit: tuple[int, ...]
    refs: tuple[int, ...]


def find_groups(ids: Sequence[int], special: Mapping[str, int]) -> list[TokenGroup]:
    """List the triplets of an answer in order. Total: stray `<REF>` tokens form a group without phrase or unit.

    Args:
        ids: token ids of an answer.
        special: ids of the TRP tokens, by token.
    """
    groups: list[TokenGroup] = []
    phrase, phrase_start = (0, 0), 0
    unit: tuple[int, ...] = ()
    unit_start = 0
    refs: list[int] = []
    names = {special[name]: name for name in ("<Phrase>", "</Phrase>", "<Unit>", "</Unit>", "<REF>")}

    def close() -> None:
        if refs:
            groups.append(TokenGroup(phrase, unit, tuple(refs)))
            refs.clear()

    for position, token in enumerate(ids):
        name = names.get(token)
        if name == "<Phrase>":
            close()
            phrase_start, phrase, unit = position + 1, (0, 0), ()
        elif name == "</Phrase>":
            phrase = (phrase_start, position)
        elif name == "<Unit>":
            close()
            unit_start = position + 1
        elif name == "</Unit>":
            unit = tuple(ids[unit_start:position])
        elif name == "<REF>":
            refs.append(position)
    close()
    return groups
