"""Grammar-constrained decoding: at every step only tokens that can still become a parsed answer may be chosen.

One automaton per answer walks along with the tokens (grammar in `refvlm.trp`). The body must hold exactly the triplets
that the plan announced, in its order, so plan and answer always agree; what the model still decides is the plan, the
words between triplets, and where the answer ends. The room that is left is counted, so an answer always ends in time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import torch
from torch import Tensor

from refvlm.tokenizer import EOS, IMAGE, MAX_INSTANCES, PAD, REGION, UNKNOWN, WordTokenizer
from refvlm.trp import (
    COUNT_FIELD,
    FLAG_FALSE,
    FLAG_TRUE,
    NAME_FIELD,
    PHRASE,
    PHRASE_END,
    REF,
    SPECIAL_TOKENS,
    TASK,
    TASK_END,
    UNIT,
    UNIT_END,
    UNIT_FIELD,
)  # fmt: skip

LONGEST_PHRASE = 20
"""Tokens of a phrase at most."""
_LINE_END, _OPEN, _CLOSE = "\n", "(", ")"


class _State(Enum):
    TASK = auto()
    TASK_LINE = auto()
    FLAG = auto()
    FLAG_LINE = auto()
    FIRST_ITEM = auto()
    ITEM = auto()
    PHRASE = auto()
    UNIT = auto()
    COUNT_FIELD = auto()
    COUNT = auto()
    ITEM_LINE = auto()
    PLAN_END = auto()
    BODY_LINE = auto()
    TEXT = auto()
    FORCED = auto()
    DONE = auto()


@dataclass(frozen=True)
class Vocabulary:
    """What the automaton needs to know of a tokenizer.

    Attributes:
        ids: token -> id.
        words: bool [V], tokens that may stand in running text.
        phrase_words: bool [V], those that may stand in phrases: no colon or bracket, which frame a plan.
        first_words: bool [V], those that a phrase may begin with.
        units: ids of the units that may be named.
        size: V.
    """

    ids: dict[str, int]
    words: Tensor
    phrase_words: Tensor
    first_words: Tensor
    units: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, tokenizer: WordTokenizer, units: Sequence[str]) -> "Vocabulary":
        """Read a tokenizer; `units` are those that there are decoders for."""
        control = {PAD, EOS, IMAGE, REGION, UNKNOWN, *SPECIAL_TOKENS, FLAG_TRUE, FLAG_FALSE, NAME_FIELD, UNIT_FIELD}
        control |= {COUNT_FIELD, *(f"[{i}]" for i in range(MAX_INSTANCES))}
        plain = [token not in control and token != _LINE_END for token in tokenizer.tokens]
        first = [ok and token[0].isalnum() for token, ok in zip(tokenizer.tokens, plain, strict=True)]
        inner = [ok and (fit or token in ",'-") for token, ok, fit in zip(tokenizer.tokens, plain, first, strict=True)]
        named = tuple(tokenizer.ids[unit] for unit in units if unit in tokenizer.ids and unit != "text")
        words, phrase_words, first_words = (torch.tensor(kind) for kind in (plain, inner, first))
        return cls(tokenizer.ids, words, phrase_words, first_words, named, len(tokenizer))


class Automaton:
    """One answer on its way."""

    def __init__(self, vocabulary: Vocabulary, room: int) -> None:
        """Begin an answer of at most `room` tokens, the end token not counted."""
        self._vocabulary, self._ids, self._units = vocabulary, vocabulary.ids, vocabulary.units
        self._room = room
        self._state = _State.TASK
        self._phrase: list[int] = []
        self._unit = 0
        self._planned: list[list[int]] = []
        """Tokens of every triplet that the body still owes."""
        self._forced: list[int] = []

    def allowed(self) -> Tensor:
        """Which tokens may come next: bool [V], at least one of them True."""
        mask = torch.zeros(self._vocabulary.size, dtype=torch.bool)
        ids, spare = self._ids, self._room - self._owed()
        match self._state:
            case _State.FORCED:
                mask[self._forced[0]] = True
            case _State.FLAG:
                mask[ids[FLAG_FALSE]] = True
                mask[ids[FLAG_TRUE]] = bool(self._units) and spare >= _LEAST_ITEM
            case _State.ITEM:
                mask[ids[TASK_END]] = True
                mask[ids[NAME_FIELD]] = len(self._planned) < MAX_INSTANCES and spare >= _LEAST_ITEM
            case _State.PHRASE:
                # the word, unit, count and line end of the plan; the marks, the phrase and one instance of the body
                room = len(self._phrase) < LONGEST_PHRASE and spare >= 1 + 5 + 7 + (len(self._phrase) + 1) + 2
                words = self._vocabulary.phrase_words if self._phrase else self._vocabulary.first_words
                mask |= words & (room or not self._phrase)
                mask[ids[UNIT_FIELD]] = bool(self._phrase)
            case _State.UNIT:
                mask[list(self._units)] = True
            case _State.COUNT:
                # the count and line end of the plan; the marks and the phrase of the body, two tokens an instance
                most = max(1, min(MAX_INSTANCES, (spare - 2 - 7 - len(self._phrase)) // 2))
                mask[[ids[str(count)] for count in range(1, most + 1)]] = True
            case _State.TEXT:
                mask |= self._vocabulary.words & (spare > 0)
                mask[ids[PHRASE]] = bool(self._planned)
                mask[ids[EOS]] = not self._planned
            case _State.DONE:
                mask[ids[PAD]] = True
            case _:
                mask[self._only()] = True
        return mask

    def take(self, token: int) -> None:
        """Walk on with a token that was allowed."""
        self._room -= 1
        ids = self._ids
        match self._state:
            case _State.FORCED:
                self._forced.pop(0)
                self._state = _State.FORCED if self._forced else _State.TEXT
            case _State.FLAG:
                self._state = _State.FLAG_LINE
                self._phrase = [token]
            case _State.FLAG_LINE:
                self._state = _State.FIRST_ITEM if self._phrase == [ids[FLAG_TRUE]] else _State.PLAN_END
            case _State.FIRST_ITEM | _State.ITEM:
                self._state = _State.BODY_LINE if token == ids[TASK_END] else _State.PHRASE
                self._phrase = []
            case _State.PHRASE:
                if token == ids[UNIT_FIELD]:
                    self._state = _State.UNIT
                else:
                    self._phrase.append(token)
            case _State.UNIT:
                self._unit, self._state = token, _State.COUNT_FIELD
            case _State.COUNT:
                count = next(n for n in range(1, MAX_INSTANCES + 1) if ids[str(n)] == token)
                self._planned.append(self._triplet(count))
                self._state = _State.ITEM_LINE
            case _State.TEXT if token == ids[PHRASE]:
                self._forced, self._state = self._planned.pop(0)[1:], _State.FORCED
            case _State.TEXT:
                self._state = _State.DONE if token == ids[EOS] else _State.TEXT
            case _:
                self._state = _NEXT.get(self._state, self._state)

    def _only(self) -> int:
        """The token of a state that has just one."""
        return self._ids[_ONE[self._state]]

    def _triplet(self, count: int) -> list[int]:
        ids = self._ids
        refs = [token for i in range(count) for token in (ids[f"[{i}]"], ids[REF])]
        head = [ids[PHRASE], *self._phrase, ids[PHRASE_END], ids[_OPEN], ids[UNIT], self._unit, ids[UNIT_END]]
        return [*head, *refs, ids[_CLOSE]]

    def _owed(self) -> int:
        """Tokens that must still come before the answer can end."""
        owed = sum(map(len, self._planned)) + len(self._forced)
        return owed + _AHEAD.get(self._state, 0)


_LEAST_ITEM = (6 + 1) + (7 + 1 + 2)
"""Tokens of an item with a phrase of one word and one instance, in the plan and in the body."""
_ONE = {
    _State.TASK: TASK, _State.TASK_LINE: _LINE_END, _State.FLAG_LINE: _LINE_END, _State.FIRST_ITEM: NAME_FIELD,
    _State.COUNT_FIELD: COUNT_FIELD, _State.ITEM_LINE: _LINE_END, _State.PLAN_END: TASK_END,
    _State.BODY_LINE: _LINE_END,
}  # fmt: skip
_NEXT = {
    _State.TASK: _State.TASK_LINE, _State.TASK_LINE: _State.FLAG, _State.COUNT_FIELD: _State.COUNT,
    _State.ITEM_LINE: _State.ITEM, _State.PLAN_END: _State.BODY_LINE, _State.BODY_LINE: _State.TEXT,
}  # fmt: skip
_AHEAD = {
    _State.TASK: 6, _State.TASK_LINE: 5, _State.FLAG: 4, _State.FLAG_LINE: 3, _State.FIRST_ITEM: 2, _State.ITEM: 2,
    _State.PHRASE: 2, _State.UNIT: 2, _State.COUNT_FIELD: 2, _State.COUNT: 2, _State.ITEM_LINE: 3,
    _State.PLAN_END: 2, _State.BODY_LINE: 1,
}  # fmt: skip
"""Tokens of the frame that must still come, the triplets not counted."""
LEAST_ROOM = _AHEAD[_State.TASK]
"""Tokens of the shortest answer."""
