"""What a model can be taught to say: answers spelled by its grammar and tokenizer, no longer than it has positions."""

import re
from dataclasses import dataclass
from functools import cached_property

from benchmarks.schema import Unit
from refvlm.config import SizesConfig
from refvlm.grammars import turn_in, write
from refvlm.prompting import spread_regions
from refvlm.tokenizer import REGION, UNKNOWN, Tokenizer
from refvlm.training.truths import Mark, Truth, Unusable
from refvlm.training.wording import wordings
from refvlm.trp import Text, Triplet, answer_for

NOTHING = "nothing."
_PLACE = re.compile(r"\{(\d+)\}")
_ENDING = 1
"""Token that ends an answer."""


@dataclass(frozen=True)
class Spelled:
    """An answer in the grammar's parts, and the truths of its `<REF>` tokens in order."""

    body: tuple[Text | Triplet, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Room:
    """The room of one model.

    Attributes:
        tokenizer: the model's.
        sizes: of the model.
    """

    tokenizer: Tokenizer
    sizes: SizesConfig

    @property
    def positions(self) -> int:
        """Tokens of a question with its answer, at most."""
        return self.sizes.llm.max_positions - self.sizes.grid**2

    @property
    def region_tokens(self) -> int:
        """Tokens of one visual prompt; 0 where the model takes none."""
        return 0 if self.sizes.regions is None else self.sizes.regions.tokens

    @property
    def units(self) -> tuple[Unit, ...]:
        """Units that the model has decoders for, and words."""
        more: dict[Unit, object] = {"keypoint": self.sizes.keypoint, "depth": self.sizes.depth}
        return ("text", "box", "mask", *(unit for unit, section in more.items() if section is not None))

    @cached_property
    def most(self) -> int:
        """Instances of one triplet, at most."""
        return len(self.tokenizer.vocabulary(self.units).indices)

    def fitting(self, truth: Truth, unit: Unit, prompt: str, regions: int) -> list[Spelled]:
        """Spell an answer in every way that is right and has room behind its question, at least one.

        A phrase with more instances than a triplet may have is said in several.

        Args:
            truth: what is to be answered.
            unit: of the answer.
            prompt: the question's words.
            regions: number of its visual prompts.

        Raises:
            Unusable: every way has unknown words or is too long.
        """
        groups = [self._triplets(phrase, unit, marks) for phrase, marks in truth.groups]
        all_ways = [_written(text, groups) for text in truth.words]
        ways = all_ways or [_listed([each for group in groups for each in group])]
        faults = [self._fault(prompt, unit, way, regions) for way in ways]
        if all(faults):
            raise Unusable(faults[0])
        return [way for way, fault in zip(ways, faults, strict=True) if not fault]

    def _triplets(self, phrase: str, unit: Unit, marks: tuple[Mark, ...]) -> list[tuple[Triplet, list[Mark]]]:
        parts = [list(marks[first : first + self.most]) for first in range(0, len(marks), self.most)]
        return [(Triplet(phrase, unit, len(part)), part) for part in parts]

    def _fault(self, prompt: str, unit: Unit, way: Spelled, regions: int) -> str:
        """Say why a question with its answer cannot be taught; empty where it can."""
        answer = self.tokenizer.encode(write(answer_for(way.body), self.sizes.grammar))
        if self.tokenizer.ids.get(UNKNOWN, -1) in answer:
            return "the answer has words that the tokenizer does not know"
        asking = self.tokenizer.encode(turn_in(self.sizes.grammar, prompt, unit, regions))
        asked = spread_regions(asking, self.tokenizer.ids[REGION], self.region_tokens) if regions else asking
        if len(asked) + len(answer) + _ENDING > self.positions:
            return f"question and answer are longer than the {self.positions} positions behind the image"
        return ""

    def longest(self, key: str, question: str) -> str:
        """The wording of a prompt that has most tokens."""
        texts = [text.replace("{question}", question) for text in wordings(key)]
        return max(texts, key=lambda text: len(self.tokenizer.encode(text)))


def _listed(triplets: list[tuple[Triplet, list[Mark]]]) -> Spelled:
    """Join triplets with commas and end with a full stop."""
    if not triplets:
        return Spelled((Text(NOTHING),), ())
    parts: list[Text | Triplet] = []
    for triplet, _ in triplets:
        parts += [Text(", "), triplet] if parts else [triplet]
    return Spelled((*parts, Text(".")), tuple(mark for _, marks in triplets for mark in marks))


def _written(text: str, groups: list[list[tuple[Triplet, list[Mark]]]]) -> Spelled:
    """Put groups into a sentence, where it names their numbers in braces."""
    parts: list[Text | Triplet] = []
    marks: list[Mark] = []
    for place, piece in enumerate(_PLACE.split(text) if groups else [text]):
        if place % 2 == 0:
            parts += [Text(piece)] if piece else []
            continue
        for number, (triplet, own) in enumerate(groups[int(piece)]):
            parts += [Text(", "), triplet] if number else [triplet]
            marks += own
    return Spelled(tuple(parts), tuple(marks))
