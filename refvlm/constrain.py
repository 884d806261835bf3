"""Grammar-constrained decoding: at every step only tokens that can still become a parsed answer may be chosen.

One automaton per answer walks along with the tokens (grammar in `refvlm.trp`). The body must hold exactly the triplets
that the plan announced, in its order, so plan and answer always agree; what the model still decides is the plan, the
words between triplets, which of them stand inside the phrase of another (`refvlm.nesting`), and where the answer ends.
The room that is left is counted, as if nothing were nested, so an answer always ends in time. How the parts are spelled
is the tokenizer's affair (`refvlm.spelling`): a word, a count or a unit may be many tokens.
"""

from dataclasses import dataclass
from enum import Enum, auto

import torch
from torch import Tensor

from refvlm.nesting import Owed, Way, ways
from refvlm.spelling import Spelled, Vocabulary

__all__ = ["Automaton", "Vocabulary"]


class _State(Enum):
    FLAG = auto()
    ITEM = auto()
    PHRASE = auto()
    UNIT = auto()
    COUNT = auto()
    TEXT = auto()
    TRIPLET = auto()
    DONE = auto()


@dataclass(frozen=True, slots=True)
class _Option:
    """One way on: its tokens, how many must follow them at least, and what it stands for."""

    tokens: Spelled
    after: int
    meaning: object


class Automaton:
    """One answer on its way."""

    def __init__(self, vocabulary: Vocabulary, room: int) -> None:
        """Begin an answer of at most `room` tokens, the end token not counted."""
        self._vocabulary = vocabulary
        self._room = room
        self._state = _State.FLAG
        self._forced: list[int] = list(vocabulary.opening)
        """Tokens that come next, whatever the state."""
        self._walked: Spelled = ()
        """Tokens of an option that is not complete."""
        self._phrase: list[int] = []
        self._spelled: Spelled = ()
        """The phrase as the body spells it, once it is complete."""
        self._unit: Spelled = ()
        self._planned: list[Owed] = []
        """Every triplet that the body still owes."""
        self._debt_in_all = 0
        """Their tokens."""
        self._ways: list[Way] = []
        """How the triplet may be written that has begun."""
        self._choices: list[_Option] | None = None
        """Options that go on from what was walked; None where they have not been looked at."""

    def allowed(self) -> Tensor:
        """Which tokens may come next: bool [V], at least one of them True; shared, not to be changed."""
        few = self._few()
        if few is not None:
            key: object = tuple(few)
        elif self._state is _State.PHRASE:
            key = (self._state, bool(self._phrase), *self._phrase_so_far())
        else:
            key = (self._state, bool(self._planned))
        masks = self._vocabulary.masks
        if key not in masks:
            masks[key] = self._mask(few)
        return masks[key]

    def _mask(self, few: list[int] | None) -> Tensor:
        vocabulary = self._vocabulary
        mask = torch.zeros(vocabulary.size, dtype=torch.bool)
        if few is not None:
            mask[few] = True
        elif self._state is _State.PHRASE:
            self._allow_words(mask)
        else:
            mask |= vocabulary.words.text
            mask[vocabulary.marks.phrase] = bool(self._planned)
            mask[vocabulary.end] = not self._planned
        return mask

    def only(self) -> int | None:
        """The token that must come next; None where there is a choice, and behind the end."""
        few = self._few() if self._state is not _State.DONE else None
        return few[0] if few is not None and len(few) == 1 else None

    def _few(self) -> list[int] | None:
        """The tokens that may come next, None where words are among them."""
        if self._forced:
            return [self._forced[0]]
        vocabulary = self._vocabulary
        match self._state:
            case _State.PHRASE:
                complete, more = self._phrase_so_far()
                return [vocabulary.unit_field[0]] if complete and not more else None
            case _State.TEXT if self._room > self._debt():
                return None
            case _State.TEXT:
                return [vocabulary.marks.phrase if self._planned else vocabulary.end]
            case _State.DONE:
                return [vocabulary.pad]
            case _:
                return list(dict.fromkeys(option.tokens[len(self._walked)] for option in self._open()))

    def take(self, token: int) -> None:
        """Walk on with a token that was allowed."""
        if self._forced:
            self._forced.pop(0)
        elif self._state is _State.PHRASE:
            self._take_word(token)
        elif self._state is _State.TEXT:
            if token == self._vocabulary.marks.phrase:
                self._state, self._walked = _State.TRIPLET, (token,)
                self._ways = ways(self._planned, self._vocabulary)
            elif token == self._vocabulary.end:
                self._state = _State.DONE
        elif self._state is not _State.DONE:
            self._take_step(token)
        self._room -= 1
        if self._state is _State.TRIPLET:
            self._settle()

    def _settle(self) -> None:
        """Leave nothing to choose in a triplet that can be written in one way only."""
        open_ways = self._open()
        if len(open_ways) == 1:
            [way] = open_ways
            assert isinstance(way.meaning, int)
            self._forced, self._walked, self._choices = list(way.tokens[len(self._walked) :]), (), None
            self._debt_in_all = self._debt(way.meaning)
            del self._planned[: way.meaning]
            self._state = _State.TEXT

    def _phrase_so_far(self) -> tuple[bool, bool]:
        """Whether the phrase may end here, and whether there is room for more of it."""
        vocabulary, phrase = self._vocabulary, self._phrase
        complete = bool(phrase) and not bool(vocabulary.words.gaps[phrase[-1]])
        need = 1 + self._finish(vocabulary.most(phrase))
        return complete, len(phrase) < vocabulary.longest_phrase and self._room >= need

    def _allow_words(self, mask: Tensor) -> None:
        words = self._vocabulary.words
        complete, more = self._phrase_so_far()
        mask |= words.inner if complete else words.joined if self._phrase else words.first
        if not more:
            mask &= ~words.gaps
        mask[self._vocabulary.unit_field[0]] |= complete

    def _take_word(self, token: int) -> None:
        vocabulary = self._vocabulary
        complete = bool(self._phrase) and not bool(vocabulary.words.gaps[self._phrase[-1]])
        if complete and token == vocabulary.unit_field[0]:
            self._forced = list(vocabulary.unit_field[1:])
            self._spelled = vocabulary.spell(self._phrase)
            self._state = _State.UNIT
        else:
            self._phrase.append(token)

    def _take_step(self, token: int) -> None:
        """Walk on among options. What fits into the room does so all along the way, so that none comes back."""
        step = len(self._walked)
        self._choices = [option for option in self._open() if option.tokens[step] == token]
        self._walked += (token,)
        complete = next((option for option in self._choices if len(option.tokens) == step + 1), None)
        if complete is not None:
            self._walked, self._choices = (), None
            self._choose(complete)

    def _open(self) -> list[_Option]:
        """Options that go on from what was walked and fit into the room; the first of all always does."""
        if self._choices is None:
            step = len(self._walked)
            self._choices = [
                option
                for place, option in enumerate(self._options())
                if option.tokens[:step] == self._walked
                and (place == 0 or self._room >= len(option.tokens) - step + option.after)
            ]
        return self._choices

    def _options(self) -> list[_Option]:
        """What the state chooses between."""
        vocabulary = self._vocabulary
        match self._state:
            case _State.FLAG:
                item = len(vocabulary.item) + 1 + self._finish(vocabulary.most(()))
                yes, no = vocabulary.flags
                options = [_Option(no, len(vocabulary.closing), False)]
                return [*options, _Option(yes, item, True)] if vocabulary.units else options
            case _State.ITEM:
                options = [_Option(vocabulary.closing, self._debt(), False)]
                fits = len(self._planned) < vocabulary.most_triplets
                after = 1 + self._finish(vocabulary.most(()))
                return [*options, _Option(vocabulary.item, after, True)] if fits else options
            case _State.UNIT:
                spelled = len(self._spelled)
                return [
                    _Option(plan, self._finish_unit(spelled, len(body)), body)
                    for plan, body in vocabulary.units.values()
                ]
            case _State.TRIPLET:
                return [_Option(way.tokens, self._debt(way.triplets), way.triplets) for way in self._ways]
            case _:
                head = len(self._head()) + len(vocabulary.marks.close)
                return [
                    _Option(tokens, head + refs + len(vocabulary.closing) + self._debt(), count)
                    for count, (tokens, refs) in enumerate(
                        zip(vocabulary.counts, vocabulary.refs_lengths, strict=True), 1
                    )
                ]

    def _choose(self, option: _Option) -> None:
        """Go on behind an option whose last token has been taken."""
        vocabulary, meaning = self._vocabulary, option.meaning
        match self._state:
            case _State.FLAG:
                self._forced = list(vocabulary.item if meaning else vocabulary.closing)
                self._state = _State.PHRASE if meaning else _State.TEXT
            case _State.ITEM:
                self._phrase = []
                self._state = _State.PHRASE if meaning else _State.TEXT
            case _State.UNIT:
                assert isinstance(meaning, tuple)
                self._unit, self._forced, self._state = meaning, list(vocabulary.count_field), _State.COUNT
            case _:
                assert isinstance(meaning, int)
                self._planned.append(self._triplet(meaning))
                self._debt_in_all += self._planned[-1].length
                self._state = _State.ITEM

    def _triplet(self, count: int) -> Owed:
        marks = self._vocabulary.marks
        refs = [token for index in self._vocabulary.indices[:count] for token in (*index, marks.ref)]
        targets = (*marks.before_unit, *self._unit, marks.unit_end, *refs, *marks.close)
        return Owed(self._vocabulary.say(self._phrase), self._spelled, targets)

    def _head(self) -> Spelled:
        """Tokens of a triplet before its instances."""
        marks = self._vocabulary.marks
        return (marks.phrase, *self._spelled, *marks.before_unit, *self._unit, marks.unit_end)

    def _debt(self, done: int = 0) -> int:
        """Tokens of the triplets that were announced, but for the first `done`."""
        return self._debt_in_all - sum(owed.length for owed in self._planned[:done])

    def _finish(self, spelled: int) -> int:
        """Tokens from the end of a phrase of `spelled` to the end of the answer at least, whatever unit follows."""
        longest = self._vocabulary.longest_unit
        return len(self._vocabulary.unit_field) + (longest + self._finish_unit(spelled, 0) if longest else 0)

    def _finish_unit(self, spelled: int, unit: int) -> int:
        """The same from the end of a unit of `unit` tokens, with one instance of a phrase of `spelled`."""
        return self._vocabulary.frame + spelled + unit + self._debt()
