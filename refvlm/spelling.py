"""How a tokenizer spells the grammar: what `refvlm.constrain` needs to know of one, whole words or parts of words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from refvlm.tokenizer import Tokenizer

Spelled = tuple[int, ...]


@dataclass(frozen=True)
class Marks:
    """What stands around the parts of a triplet: before its phrase, before its unit, behind it, a `<REF>`, its end."""

    phrase: int
    before_unit: Spelled
    unit_end: int
    ref: int
    close: Spelled


@dataclass(frozen=True)
class Words:
    """Tokens by what they may do: bool [V] each.

    Attributes:
        text: may stand in running text.
        first: may begin a phrase of the plan.
        inner: may go on with a phrase.
        joined: may follow a lone space inside a phrase.
        gaps: are a lone space; a phrase never ends on one.
    """

    text: Tensor
    first: Tensor
    inner: Tensor
    joined: Tensor
    gaps: Tensor


@dataclass(frozen=True)
class Vocabulary:
    """A tokenizer as the automaton sees it: where there is a choice, no spelling is the beginning of another.

    Attributes:
        size: V.
        pad, end: ids of the tokens of those names.
        words: which tokens may stand where.
        opening: what every answer begins with; closing: what ends the plan, both with their line ends.
        flags: the line of an answer with units, and of one without, with their line ends.
        item, unit_field, count_field: what stands in a line of the plan before the phrase, unit and count.
        units: unit -> its spelling in the plan and in the body.
        counts: spelling of 1, 2, …, each with the line end.
        indices: spelling of [0], [1], …
        marks: what a triplet is framed with.
        spell: tokens of a phrase in the plan -> those of the same phrase in the body.
        say: tokens of a phrase in the plan -> its words.
        encode: words of the body -> their tokens.
        most: tokens of a phrase in the plan -> most tokens it has in the body after one more word.
        longest_phrase: tokens of a phrase at most.
    """

    size: int
    pad: int
    end: int
    words: Words
    opening: Spelled
    closing: Spelled
    flags: tuple[Spelled, Spelled]
    item: Spelled
    unit_field: Spelled
    count_field: Spelled
    units: Mapping[str, tuple[Spelled, Spelled]]
    counts: tuple[Spelled, ...]
    indices: tuple[Spelled, ...]
    marks: Marks
    spell: Callable[[Sequence[int]], Spelled]
    say: Callable[[Sequence[int]], str]
    encode: Callable[[str], Spelled]
    most: Callable[[Sequence[int]], int]
    longest_phrase: int

    @staticmethod
    def of(tokenizer: "Tokenizer", units: Sequence[str]) -> "Vocabulary":
        """Read a tokenizer; `units` are those that there are decoders for."""
        return tokenizer.vocabulary(tuple(units))

    def __post_init__(self) -> None:
        """Check that a choice is clear as soon as its last token is there."""
        choices = (self.flags, (self.closing, self.item), tuple(plan for plan, _ in self.units.values()), self.counts)
        for options in choices:
            beginnings = {part for option in options for part in list(accumulate(map(_one, option)))[:-1]}
            assert not beginnings.intersection(options)
            assert len(set(options)) == len(options)

    @property
    def least_room(self) -> int:
        """Tokens of the shortest answer, its end not counted."""
        return len(self.opening) + len(self.flags[1]) + len(self.closing)

    @cached_property
    def refs_lengths(self) -> tuple[int, ...]:
        """Tokens of the instances [0]<REF>, [0]<REF>[1]<REF>, …"""
        return tuple(accumulate(len(index) + 1 for index in self.indices))

    @cached_property
    def longest_unit(self) -> int:
        """Tokens of a unit in plan and body together, at most; 0 without units."""
        return max((len(plan) + len(body) for plan, body in self.units.values()), default=0)

    @cached_property
    def frame(self) -> int:
        """Tokens from the end of a unit in the plan to the end of the body, with one instance: all but its words."""
        marks = self.marks
        body = 1 + len(marks.before_unit) + 1 + len(self.indices[0]) + 1 + len(marks.close)
        return len(self.count_field) + len(self.counts[0]) + body + len(self.closing)

    @cached_property
    def masks(self) -> dict[object, Tensor]:
        """Which tokens may come next, bool [V], by whatever key the automaton chooses: most come again and again."""
        return {}

    @property
    def most_triplets(self) -> int:
        """Triplets of an answer at most."""
        return len(self.counts)


def _one(token: int) -> Spelled:
    return (token,)
