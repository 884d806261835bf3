"""Batched generation with a KV cache, greedy by default. Only the last-layer states of `<REF>` tokens are kept.

The state of a `<REF>` is the one after consuming it, the same that training decodes from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from refvlm.choosing import Choosing
from refvlm.constrain import Automaton
from refvlm.decoders.query import Queries
from refvlm.grammars import vocabulary
from refvlm.grouping import TokenGroup, find_groups
from refvlm.model import Decoded, RefVLM
from refvlm.tokenizer import EOS, PAD, REGION, Tokenizer
from refvlm.trp import REF
from refvlm.vision import ImageFeatures


@dataclass(frozen=True)
class Generated:
    """One answer.

    Attributes:
        ids: generated token ids, without the end token.
        text: the answer.
        groups: its triplets by token position.
        scores: per triplet the geometric mean probability of its tokens.
        first_ref: where its `<REF>` tokens begin in `Batch.decoded`; they follow in reading order.
        finished: False where the answer was cut at the token limit.
    """

    ids: tuple[int, ...]
    text: str
    groups: tuple[TokenGroup, ...]
    scores: tuple[float, ...]
    first_ref: int
    finished: bool


@dataclass(frozen=True)
class GeneratedBatch:
    """Answers of a batch, what the decoders say about all their `<REF>` tokens (None without any), and the states."""

    answers: tuple[Generated, ...]
    decoded: Decoded | None
    ref_states: Tensor


@dataclass(frozen=True)
class Prompt:
    """One question to generate an answer for.

    Attributes:
        image: index of its image.
        ids: token ids without image tokens; a visual prompt stands as its tokens, `<region>` each.
        masks: float [S, S] for every visual prompt, in order.
        kinds: index into `refvlm.regions.KINDS` of each.
        room: most tokens of the answer; None for the model's own limit.
    """

    image: int
    ids: tuple[int, ...]
    masks: tuple[Tensor, ...] = ()
    kinds: tuple[int, ...] = ()
    room: int | None = None


class _Loop:
    """The growing answers of one batch."""

    def __init__(
        self, model: RefVLM, tokenizer: Tokenizer, rooms: Sequence[int], constrain: bool, choosing: Choosing
    ) -> None:
        self.model, self.tokenizer, self.choosing, count = model, tokenizer, choosing, len(rooms)
        self.automata: list[Automaton] = []
        if constrain:
            words = vocabulary(tokenizer, model.units, model.config.grammar)
            self.automata = [Automaton(words, room) for room in rooms]
        self.ids: list[list[int]] = [[] for _ in range(count)]
        self.log_probabilities: list[list[float]] = [[] for _ in range(count)]
        self.done = [False] * count
        self.cut = [False] * count
        self.states: dict[tuple[int, int], Tensor] = {}

    def choose(self, last: Tensor) -> Tensor:
        """Pick the next token of every row from its last state [Q, D]: int [Q], padding where a row is done."""
        log_probabilities = self.model.llm.lm_head(last).to(last.device).float().log_softmax(1)
        open_to = log_probabilities
        if self.automata:
            allowed = torch.stack([automaton.allowed() for automaton in self.automata]).to(last.device)
            open_to = log_probabilities.masked_fill(~allowed, float("-inf"))
        token = self.choosing.pick(open_to)
        best = log_probabilities.gather(1, token[:, None])[:, 0]
        end, pad = self.tokenizer.ids[EOS], self.tokenizer.ids[PAD]
        chosen = []
        for row, (i, value) in enumerate(zip(token.tolist(), best.tolist(), strict=True)):
            if self.done[row]:
                chosen.append(pad)
                continue
            chosen.append(i)
            if self.automata:
                self.automata[row].take(i)
            if i == end:
                self.done[row] = True
            else:
                self.ids[row].append(i)
                self.log_probabilities[row].append(value)
        return torch.tensor(chosen, device=last.device)

    def stop(self) -> None:
        """End the answers that shall not go on; they count as cut."""
        for row, stopped in enumerate(self.choosing.stopped()):
            self.cut[row] = self.cut[row] or (stopped and not self.done[row])
            self.done[row] = self.done[row] or self.cut[row]

    def keep(self, states: Tensor, tokens: Tensor) -> None:
        """Keep the states [Q, D] of rows whose token just consumed is a `<REF>`."""
        for row in (tokens == self.tokenizer.ids[REF]).nonzero()[:, 0].tolist():
            self.states[row, len(self.ids[row]) - 1] = states[row]


@torch.inference_mode()
def generate(
    model: RefVLM,
    tokenizer: Tokenizer,
    pixels: Tensor,
    prompts: Sequence[Prompt],
    constrain: bool = True,
    choosing: Choosing | None = None,
) -> GeneratedBatch:
    """Answer a batch of prompts and decode every `<REF>`.

    Args:
        model: in evaluation mode.
        tokenizer: the model's own.
        pixels: float [I, 3, S, S], normalised images; each is encoded once.
        prompts: what is asked.
        constrain: choose only tokens that can still become an answer of the grammar.
        choosing: how to choose among them; None for greedily.
    """
    choosing = choosing or Choosing()
    rows = torch.tensor([prompt.image for prompt in prompts], device=model.device)
    features = model.vision(pixels.to(model.device, model.vision.positions.dtype))
    rooms = [prompt.room or model.config.max_new_tokens for prompt in prompts]
    loop = _Loop(model, tokenizer, rooms, constrain, choosing)
    embeddings, attention = _left_padded(features.tokens[rows], _embed_prompts(model, tokenizer, prompts, features))
    cache = DynamicCache()
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    states = _forward(model, embeddings, attention, positions, cache)
    following = positions[:, -1:]
    for _ in range(max(rooms) + 1):  # the end is a token too
        tokens = loop.choose(states[:, -1])
        choosing.hear(tokens)
        if all(loop.done):
            break
        attention = torch.cat([attention, torch.ones_like(following)], 1)
        following = following + 1
        states = _forward(model, model.embed(tokens)[:, None], attention, following, cache)
        loop.keep(states[:, -1], tokens)
        loop.stop()
        if all(loop.done):
            break
    return _finish(loop, features, rows)


def _forward(model: RefVLM, embeddings: Tensor, attention: Tensor, positions: Tensor, cache: DynamicCache) -> Tensor:
    out: Tensor = model.llm.model(
        inputs_embeds=embeddings,
        attention_mask=attention,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    return out.to(embeddings.device)


def _embed_prompts(
    model: RefVLM, tokenizer: Tokenizer, prompts: Sequence[Prompt], features: ImageFeatures
) -> list[Tensor]:
    """Token embeddings of each prompt [L, D], visual prompts in the places of their tokens."""
    embedded = [model.embed(torch.tensor(prompt.ids, device=model.device)) for prompt in prompts]
    masks = [mask.to(model.device) for prompt in prompts for mask in prompt.masks]
    if not masks or model.region_encoder is None:
        return embedded
    kinds = torch.tensor([kind for prompt in prompts for kind in prompt.kinds], device=model.device)
    image = torch.tensor([prompt.image for prompt in prompts for _ in prompt.kinds], device=model.device)
    tokens = model.region_encoder(torch.stack(masks), kinds, image, features).flatten(0, 1)
    place = tokenizer.ids[REGION]
    for row, prompt in enumerate(prompts):
        here = torch.tensor([i == place for i in prompt.ids], device=model.device)
        count = int(here.sum())
        embedded[row][here], tokens = tokens[:count], tokens[count:]
    return embedded


def _left_padded(tokens: Tensor, prompts: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Join image tokens [Q, G, D] and prompts, padded on the left: embeddings [Q, L, D] and int attention [Q, L]."""
    longest = max(len(prompt) for prompt in prompts) + tokens.shape[1]
    embeddings = tokens.new_zeros(len(prompts), longest, tokens.shape[2])
    attention = torch.zeros(len(prompts), longest, dtype=torch.long, device=tokens.device)
    for row, prompt in enumerate(prompts):
        sequence = torch.cat([tokens[row], prompt])
        embeddings[row, longest - len(sequence) :] = sequence
        attention[row, longest - len(sequence) :] = 1
    return embeddings, attention


def _finish(loop: _Loop, features: ImageFeatures, rows: Tensor) -> GeneratedBatch:
    """Find the triplets, gather the kept states and decode them all at once."""
    model, tokenizer = loop.model, loop.tokenizer
    answers: list[Generated] = []
    states: list[Tensor] = []
    phrases: list[Tensor] = []
    owner: list[int] = []
    group_of: list[int] = []
    for row, ids in enumerate(loop.ids):
        groups = find_groups(ids, tokenizer.special_ids)
        answers.append(
            Generated(
                ids=tuple(ids),
                text=tokenizer.decode(ids),
                groups=tuple(groups),
                scores=tuple(_score(loop.log_probabilities[row], group) for group in groups),
                first_ref=len(states),
                finished=loop.done[row] and not loop.cut[row],
            )
        )
        for group in groups:
            spoken = model.embed(torch.tensor([ids[k] for k in group.words], dtype=torch.long, device=model.device))
            phrase = spoken.float().mean(0) if len(spoken) else spoken.new_zeros(spoken.shape[1]).float()
            number = len(set(group_of))
            for position in group.refs:
                states.append(loop.states[row, position])
                phrases.append(phrase)
                owner.append(row)
                group_of.append(number)
    if not states:
        return GeneratedBatch(tuple(answers), None, features.tokens.new_zeros(0, features.tokens.shape[2]))
    stacked = torch.stack(states)
    queries = Queries(
        states=stacked,
        phrases=torch.stack(phrases).to(stacked.dtype),
        image=rows[torch.tensor(owner, device=rows.device)],
        group=torch.tensor(group_of, device=rows.device),
    )
    return GeneratedBatch(tuple(answers), model.decode(queries, features), stacked)


def _score(log_probabilities: Sequence[float], group: TokenGroup) -> float:
    """Geometric mean probability of the tokens from the phrase to the last `<REF>`."""
    start = group.phrase[0] if group.phrase[1] else group.refs[0]
    span = log_probabilities[start : group.refs[-1] + 1]
    return float(torch.tensor(span, dtype=torch.float64).mean().exp())
