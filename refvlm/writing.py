"""Answers in the making: which tokens the model reads next, and what its states say about those that follow.

Under the constraint most tokens of an answer follow from those before: the frame of its plan, and all of a triplet that
the plan announced. The model reads such a run in one pass, as it reads a prompt, and is asked only where it decides.
A pass also reads guesses at what comes next (`refvlm.drafts`): those that the model then chooses need no further pass.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import inf

import torch
from torch import Tensor

from refvlm.choosing import Choosing
from refvlm.constrain import Automaton
from refvlm.drafts import Drafts
from refvlm.grammars import vocabulary
from refvlm.key_values import KeyValues
from refvlm.model import RefVLM
from refvlm.passes import Reader
from refvlm.tokenizer import EOS, PAD, Tokenizer
from refvlm.trp import REF

PASS_COST = {"cpu": 48}
"""What a pass costs beside its tokens, in tokens: reading the weights and starting operations."""
_PASS_COST_ELSEWHERE = 1024
_PADDING = 0.25
"""What a place of padding costs, in tokens: it is left out of all but attention."""
_FEWER = 0.75
"""Share of the rows that must still go on, or else the finished ones are taken out of the memory."""


@dataclass(frozen=True)
class Turn:
    """What an answer begins from.

    Attributes:
        prompt: its tokens.
        room: most tokens of the answer.
    """

    prompt: Sequence[int]
    room: int


@dataclass(frozen=True)
class Run:
    """Tokens of one answer that are read in one pass; the first of them stands at `start`."""

    row: int
    start: int
    tokens: Sequence[int]


@dataclass(frozen=True)
class Said:
    """States that say what comes next: `state[k]`, of float [M, D], is that after token `place[k]` of answer `row[k]`.

    The state that an answer begins from is that of place -1. Those of one answer come in the order of its tokens.
    """

    state: Tensor
    row: Sequence[int]
    place: Sequence[int]


class Writer:
    """The growing answers of one batch.

    Attributes:
        ids: tokens of each answer so far, without the end.
        log_probabilities: the model's own of each of them, under no constraint.
        states: last-layer state [D] after each `<REF>`, by answer and place.
        done: which answers take no further token.
        cut: which of those did not come to their end.
    """

    def __init__(
        self, model: RefVLM, tokenizer: Tokenizer, turns: Sequence[Turn], constrain: bool, choosing: Choosing
    ) -> None:
        """Begin an empty answer to each turn."""
        self.model, self.tokenizer, self._choosing = model, tokenizer, choosing
        self._rooms = [turn.room for turn in turns]
        count = len(turns)
        self.ids: list[list[int]] = [[] for _ in range(count)]
        self.log_probabilities: list[list[float]] = [[] for _ in range(count)]
        self.states: dict[tuple[int, int], Tensor] = {}
        self.done = [False] * count
        self.cut = [False] * count
        self._seen: list[list[int]] = [[] for _ in range(count)]
        guessing = constrain and not choosing.in_step
        self._drafts = Drafts(model.habits, [turn.prompt for turn in turns]) if guessing else None
        self._automata: list[Automaton] = []
        if constrain:
            words = vocabulary(tokenizer, model.units, model.config.grammar)
            self._automata = [Automaton(words, room) for room in self._rooms]
        for row in range(count):
            self._run_ahead(row)

    def going(self) -> list[int]:
        """Answers that the model must read further."""
        return [row for row, ids in enumerate(self.ids) if len(self._seen[row]) < len(ids)]

    def next_runs(self, rows: Sequence[int]) -> list[Run]:
        """Tokens that the model reads next of some answers; as many as make the pass worth the padding of others."""
        pending = [len(self.ids[row]) - len(self._seen[row]) for row in rows]
        reach = best_reach(pending, PASS_COST.get(self.model.device.type, _PASS_COST_ELSEWHERE))
        runs = []
        for row in rows:
            ids, start = self.ids[row], len(self._seen[row])
            tokens = ids[start : start + reach]
            if self._drafts is not None and not self.done[row] and start + reach >= len(ids):
                tokens += self._drafts.follow(row, ids, self.tokenizer.ids[EOS])
            self._seen[row] += tokens
            runs.append(Run(row, start, tokens))
        return runs

    def hear(self, said: Said) -> None:
        """Learn from the states of a pass: how likely the tokens behind them are, and which come where none is yet."""
        log_probabilities = self.model.llm.lm_head(said.state).to(said.state.device).float().log_softmax(1)
        waiting: dict[int, deque[int]] = {}
        for k, row in enumerate(said.row):
            waiting.setdefault(row, deque()).append(k)
        while waiting:
            known: list[tuple[int, int, int]] = []
            at_choice = {row: self._walk(row, left, said, known) for row, left in waiting.items()}
            self._note(log_probabilities, known)
            states = {row: k for row, k in at_choice.items() if k is not None}
            waiting = {row: waiting[row] for row in states}
            if states:
                go_on = self._choose if self._choosing.in_step else self._take_likeliest
                go_on(list(states), log_probabilities[self._places(list(states.values()))])

    def _walk(self, row: int, left: deque[int], said: Said, known: list[tuple[int, int, int]]) -> int | None:
        """Go through the states of an answer to the next one behind which nothing stands; None where there is none."""
        ids, ref = self.ids[row], self.tokenizer.ids[REF]
        while left:
            k = left.popleft()
            place = said.place[k]
            if place >= 0 and (place >= len(ids) or self._seen[row][place] != ids[place]):
                return None  # behind a guess that did not come true
            if place >= 0 and ids[place] == ref:
                self.states[row, place] = said.state[k].clone()  # not a view: the other states can go
            if place + 1 < len(ids):
                known.append((k, row, ids[place + 1]))
            elif not self.done[row]:
                return k
        return None

    def _note(self, log_probabilities: Tensor, known: Sequence[tuple[int, int, int]]) -> None:
        """Note how likely tokens were: state, answer and token of each."""
        if not known:
            return
        at, rows, tokens = (list(each) for each in zip(*known, strict=True))
        values = log_probabilities[self._places(at), self._places(tokens)].tolist()
        for row, value in zip(rows, values, strict=True):
            self.log_probabilities[row].append(value)

    def unsaid(self, runs: Sequence[Run]) -> list[int]:
        """How many tokens at the end of each run have turned out to be no part of the answer: guesses in vain."""
        out = []
        for run in runs:
            ids, seen = self.ids[run.row], self._seen[run.row]
            stand = next((k for k in range(run.start, len(seen)) if k >= len(ids) or seen[k] != ids[k]), len(seen))
            out.append(len(seen) - stand)
            del seen[stand:]
        return out

    def _take_likeliest(self, rows: Sequence[int], log_probabilities: Tensor) -> None:
        """Go on with the likeliest token that is allowed, by log probabilities, float [R, V]."""
        values, tokens = (each.tolist() for each in log_probabilities.max(1))
        for at, row in enumerate(rows):
            if self._automata and not (allowed := self._automata[row].allowed())[tokens[at]]:
                open_to = log_probabilities[at].masked_fill(~allowed.to(log_probabilities.device), -inf)
                tokens[at] = int(open_to.argmax())
                values[at] = float(log_probabilities[at, tokens[at]])
            self._go_on(row, tokens[at], values[at])

    def _choose(self, rows: Sequence[int], log_probabilities: Tensor) -> None:
        """Choose the next token of some answers by log probabilities, float [R, V]."""
        open_to = log_probabilities
        if self._automata:
            allowed = torch.stack([self._automata[row].allowed() for row in rows]).to(open_to.device)
            open_to = open_to.masked_fill(~allowed, -inf)
        everyone = open_to.new_zeros(len(self.ids), open_to.shape[1])
        at = self._places(rows)
        everyone[at] = open_to
        tokens = self._choosing.pick(everyone)[at]
        values = log_probabilities.gather(1, tokens[:, None])[:, 0].tolist()
        chosen = tokens.tolist()
        for row, token, value in zip(rows, chosen, values, strict=True):
            self._go_on(row, token, value)
        self._tell(dict(zip(rows, chosen, strict=True)))

    def _go_on(self, row: int, token: int, log_probability: float) -> None:
        if self._add(row, token):
            self.log_probabilities[row].append(log_probability)
            self._run_ahead(row)

    def _places(self, at: Sequence[int]) -> Tensor:
        return torch.tensor(at, dtype=torch.long, device=self.model.device)

    def _add(self, row: int, token: int) -> bool:
        """Go on with a token; False where the answer ends, with it or for want of room."""
        if self._automata:
            self._automata[row].take(token)
        if self._drafts is not None:
            self._drafts.learn(row, self.ids[row], token)
        if token == self.tokenizer.ids[EOS]:
            self.done[row] = True
        elif len(self.ids[row]) == self._rooms[row]:
            self.done[row] = self.cut[row] = True
        else:
            self.ids[row].append(token)
        return not self.done[row]

    def _run_ahead(self, row: int) -> None:
        """Add the tokens that must come, whatever the model says."""
        if not self._automata or self._choosing.in_step:
            return
        while not self.done[row] and (token := self._automata[row].only()) is not None:
            self._add(row, token)

    def _tell(self, chosen: dict[int, int]) -> None:
        """Let who follows the answers hear of their tokens, and stop them."""
        pad = self.tokenizer.ids[PAD]
        self._choosing.hear(torch.tensor([chosen.get(row, pad) for row in range(len(self.ids))]))
        for row, stopped in enumerate(self._choosing.stopped()):
            if stopped and not self.done[row]:
                self.done[row] = self.cut[row] = True


def best_reach(pending: Sequence[int], cost: int) -> int:
    """How many tokens each row should read at most, so that a pass reads the most tokens for what it costs.

    Args:
        pending: tokens of each row that wait.
        cost: of a pass beside its tokens, in tokens. Rows with fewer tokens than others are padded.
    """

    def worth(reach: int) -> float:
        tokens = sum(min(each, reach) for each in pending)
        return tokens / (cost + tokens + _PADDING * (len(pending) * reach - tokens))

    return max(sorted({*pending} - {0}), key=worth, default=0)


def write(writer: Writer, reader: Reader, memory: KeyValues, prompts: Sequence[Tensor]) -> None:
    """Write all answers to their end.

    Args:
        writer: the answers.
        reader: of the same model.
        memory: what the model keeps, with the images read.
        prompts: embeddings of the rest of each prompt, float [L, D].
    """
    model, rows = writer.model, list(range(len(prompts)))
    runs = writer.next_runs(rows)
    spoken = torch.split(_embed(model, runs), [len(run.tokens) for run in runs])
    begun = [each for pair in zip(prompts, spoken, strict=True) for each in pair]
    lengths = [len(prompt) + len(run.tokens) for prompt, run in zip(prompts, runs, strict=True)]
    from_prompt = [Run(run.row, -1, (-1, *run.tokens)) for run in runs]  # the state behind the prompt comes first
    ends = list(accumulate(lengths))
    wanted = [at for end, run in zip(ends, runs, strict=True) for at in range(end - len(run.tokens) - 1, end)]
    writer.hear(_said(reader.read(memory, torch.cat(begun), lengths, wanted), from_prompt))
    memory.forget(lengths, writer.unsaid(runs))
    while going := writer.going():
        if len(going) <= _FEWER * len(rows):
            memory.pick([rows.index(row) for row in going])
            rows = going
        runs = writer.next_runs(rows)
        lengths = [len(run.tokens) for run in runs]
        tokens = _embed(model, runs)
        writer.hear(_said(reader.read(memory, tokens, lengths, range(len(tokens))), runs))
        memory.forget(lengths, writer.unsaid(runs))


def _embed(model: RefVLM, runs: Sequence[Run]) -> Tensor:
    """Embeddings of the tokens of runs, one run after the other, float [N, D]."""
    tokens = torch.tensor([token for run in runs for token in run.tokens], dtype=torch.long)
    return model.embed(tokens.to(model.device))


def _said(states: Tensor, runs: Sequence[Run]) -> Said:
    """Say of which tokens of runs the states are, float [M, D], one run after the other."""
    at = [(run.row, run.start + step) for run in runs for step in range(len(run.tokens))]
    return Said(states, [row for row, _ in at], [place for _, place in at])
