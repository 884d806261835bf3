"""What an answer is: a plan, then words and triplets of phrase, unit and instances. How it is spelled: `refvlm.trp`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

UNITS = ("box", "mask", "keypoint", "depth", "point")
INEXACT = "inexact"
"""Code of what can be read without doubt but is not spelled as `render` spells it."""


@dataclass(frozen=True, slots=True)
class PlanItem:
    """What the plan announces: a phrase, its unit and how many instances follow."""

    phrase: str
    unit: str
    count: int


@dataclass(frozen=True, slots=True)
class Text:
    """Running text between triplets."""

    text: str


@dataclass(frozen=True, slots=True)
class Triplet:
    """A phrase, its unit and the number of `<REF>` tokens that stand for its instances.

    Attributes:
        phrase: what it says, without any tags.
        parts: the same with its inner triplets, where phrases nest; empty where it is only words.
    """

    phrase: str
    unit: str
    count: int
    parts: "tuple[Text | Triplet, ...]" = ()


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something that broke the grammar: a stable code, the character offset in the answer, and words for people."""

    code: str
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer. `ok` says whether the grammar held throughout, `exact` whether `render` would write the same."""

    plan: tuple[PlanItem, ...] = ()
    body: tuple[Text | Triplet, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def triplets(self) -> tuple[Triplet, ...]:
        """The triplets in the order of their `<REF>` tokens: inner ones before the one around them."""
        return tuple(_triplets(self.body))

    @property
    def ok(self) -> bool:
        """Whether nothing broke the grammar; spacing or escaping may differ from what `render` writes."""
        return all(each.code == INEXACT for each in self.diagnostics)

    @property
    def exact(self) -> bool:
        """Whether the text is just what `render` writes."""
        return not self.diagnostics

    @property
    def plan_agrees(self) -> bool:
        """Whether the plan announces exactly the triplets that follow."""
        return [(i.phrase, i.unit, i.count) for i in self.plan] == [(t.phrase, t.unit, t.count) for t in self.triplets]


def spoken(parts: "Sequence[Text | Triplet]") -> str:
    """What parts say, without any tags."""
    return "".join(part.text if isinstance(part, Text) else part.phrase for part in parts)


def _triplets(parts: "Sequence[Text | Triplet]") -> Iterator[Triplet]:
    for part in parts:
        if isinstance(part, Triplet):
            yield from _triplets(part.parts)
            yield part


def answer_for(body: tuple[Text | Triplet, ...]) -> Answer:
    """Build the answer whose plan announces exactly the triplets of its body."""
    return Answer(plan=tuple(PlanItem(part.phrase, part.unit, part.count) for part in _triplets(body)), body=body)
