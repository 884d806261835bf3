"""Batched generation, greedy by default: images are encoded and read once, answers are written and decoded together.

Beside the KV cache only the last-layer states of `<REF>` tokens are kept. The state of a `<REF>` is the one after
consuming it, the same that training decodes from. How answers are written: `refvlm.writing`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from refvlm.choosing import Choosing
from refvlm.decoders.query import Queries
from refvlm.grouping import TokenGroup, find_groups
from refvlm.key_values import KeyValues
from refvlm.model import Decoded, RefVLM
from refvlm.passes import Reader
from refvlm.tokenizer import REGION, Tokenizer
from refvlm.vision import ImageFeatures
from refvlm.writing import Turn, Writer, write


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
    rows = torch.tensor([prompt.image for prompt in prompts], device=model.device)
    pixels = pixels.to(model.device, non_blocking=True)  # without waiting where they lie in pinned memory
    features = model.vision(pixels.to(model.vision.positions.dtype))
    turns = [Turn(prompt.ids, prompt.room or model.config.max_new_tokens) for prompt in prompts]
    writer = Writer(model, tokenizer, turns, constrain, choosing or Choosing())
    reader = Reader(model)
    memory = KeyValues(reader.read_images(features.tokens), rows)  # an image is read once, whatever is asked about it
    write(writer, reader, memory, embed_prompts(model, tokenizer, prompts, features))
    return finish(writer, features, rows)


def embed_prompts(
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


def finish(writer: Writer, features: ImageFeatures, rows: Tensor) -> GeneratedBatch:
    """Find the triplets, gather the kept states and decode them all at once."""
    model, tokenizer = writer.model, writer.tokenizer
    answers: list[Generated] = []
    states: list[Tensor] = []
    phrases: list[Tensor] = []
    owner: list[int] = []
    group_of: list[int] = []
    for row, ids in enumerate(writer.ids):
        groups = find_groups(ids, tokenizer.special_ids)
        answers.append(
            Generated(
                ids=tuple(ids),
                text=tokenizer.decode(ids),
                groups=tuple(groups),
                scores=tuple(_score(writer.log_probabilities[row], group) for group in groups),
                first_ref=len(states),
                finished=writer.done[row] and not writer.cut[row],
            )
        )
        for group in groups:
            spoken = model.embed(torch.tensor([ids[k] for k in group.words], dtype=torch.long, device=model.device))
            phrase = spoken.float().mean(0) if len(spoken) else spoken.new_zeros(spoken.shape[1]).float()
            number = len(set(group_of))
            for position in group.refs:
                states.append(writer.states[row, position])
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
        answer=torch.tensor(owner, device=rows.device),
    )
    return GeneratedBatch(tuple(answers), model.decode(queries, features), stacked)


def _score(log_probabilities: Sequence[float], group: TokenGroup) -> float:
    """Geometric mean probability of the tokens from the phrase to the last `<REF>`."""
    start = group.phrase[0] if group.phrase[1] else group.refs[0]
    span = log_probabilities[start : group.refs[-1] + 1]
    return float(torch.tensor(span, dtype=torch.float64).mean().exp())
