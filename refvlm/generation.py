"""Batched greedy generation with a KV cache. Only the last-layer states of `<REF>` tokens are kept.

The state of a `<REF>` is the one after consuming it, the same that training decodes from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import DynamicCache

from refvlm.decoders.query import Queries
from refvlm.grouping import TokenGroup, find_groups
from refvlm.model import Decoded, RefVLM
from refvlm.tokenizer import EOS, PAD, WordTokenizer
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


class _Loop:
    """The growing answers of one batch."""

    def __init__(self, model: RefVLM, tokenizer: WordTokenizer, count: int) -> None:
        self.model, self.tokenizer = model, tokenizer
        self.ids: list[list[int]] = [[] for _ in range(count)]
        self.log_probabilities: list[list[float]] = [[] for _ in range(count)]
        self.done = [False] * count
        self.states: dict[tuple[int, int], Tensor] = {}

    def choose(self, last: Tensor) -> Tensor:
        """Pick the next token of every row from its last state [Q, D]: int [Q], padding where a row is done."""
        log_probabilities = self.model.llm.lm_head(last).float().log_softmax(1)
        best, token = log_probabilities.max(1)
        end, pad = self.tokenizer.ids[EOS], self.tokenizer.ids[PAD]
        chosen = []
        for row, (i, value) in enumerate(zip(token.tolist(), best.tolist(), strict=True)):
            if self.done[row]:
                chosen.append(pad)
                continue
            chosen.append(i)
            if i == end:
                self.done[row] = True
            else:
                self.ids[row].append(i)
                self.log_probabilities[row].append(value)
        return torch.tensor(chosen, device=last.device)

    def keep(self, states: Tensor, tokens: Tensor) -> None:
        """Keep the states [Q, D] of rows whose token just consumed is a `<REF>`."""
        for row in (tokens == self.tokenizer.ids[REF]).nonzero()[:, 0].tolist():
            self.states[row, len(self.ids[row]) - 1] = states[row]


@torch.inference_mode()
def generate(
    model: RefVLM, tokenizer: WordTokenizer, pixels: Tensor, image: Sequence[int], prompts: Sequence[Sequence[int]]
) -> GeneratedBatch:
    """Answer a batch of prompts greedily and decode every `<REF>`.

    Args:
        model: in evaluation mode.
        tokenizer: the model's own.
        pixels: float [I, 3, S, S], normalised images; each is encoded once.
        image: index of the image of each prompt.
        prompts: token ids of each prompt, without image tokens.
    """
    rows = torch.tensor(image, device=model.device)
    features = model.vision(pixels.to(model.device, model.vision.positions.dtype))
    loop = _Loop(model, tokenizer, len(prompts))
    embeddings, attention = _left_padded(model, features.tokens[rows], prompts)
    cache = DynamicCache()
    positions = (attention.cumsum(1) - 1).clamp(min=0)
    states = _forward(model, embeddings, attention, positions, cache)
    following = positions[:, -1:]
    for _ in range(model.config.max_new_tokens):
        tokens = loop.choose(states[:, -1])
        if all(loop.done):
            break
        attention = torch.cat([attention, torch.ones_like(following)], 1)
        following = following + 1
        states = _forward(model, model.embed(tokens)[:, None], attention, following, cache)
        loop.keep(states[:, -1], tokens)
    return _finish(loop, features, rows)


def _forward(model: RefVLM, embeddings: Tensor, attention: Tensor, positions: Tensor, cache: DynamicCache) -> Tensor:
    out: Tensor = model.llm.model(
        inputs_embeds=embeddings,
        attention_mask=attention,
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
    ).last_hidden_state
    return out


def _left_padded(model: RefVLM, tokens: Tensor, prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    """Join image tokens [Q, G, D] and prompts, padded on the left: embeddings [Q, L, D] and int attention [Q, L]."""
    longest = max(len(prompt) for prompt in prompts) + tokens.shape[1]
    embeddings = tokens.new_zeros(len(prompts), longest, tokens.shape[2])
    attention = torch.zeros(len(prompts), longest, dtype=torch.long, device=tokens.device)
    for row, prompt in enumerate(prompts):
        sequence = torch.cat([tokens[row], model.embed(torch.tensor(list(prompt), device=tokens.device))])
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
                finished=loop.done[row],
            )
        )
        for group in groups:
            spoken = model.embed(torch.tensor(ids[slice(*group.phrase)], dtype=torch.long, device=model.device))
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
