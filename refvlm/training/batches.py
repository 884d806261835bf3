"""Batches for training: scenes streamed by index, several questions per image as isolated turns.

A packed sequence is the image tokens followed by the turns. A turn sees the image and itself, and its positions
start behind the image, so that training on packed turns equals training on separate ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from benchmarks.schema import Unit
from benchmarks.world.expressions import KINDS, Expression, all_expressions
from benchmarks.world.scenes import COLOURS, SHAPES, SIZE, SIZES, Scene, generate
from refvlm.grouping import find_groups
from refvlm.processor import normalise
from refvlm.prompting import turn_text
from refvlm.tokenizer import EOS, PAD, WordTokenizer
from refvlm.training.config import DataConfig
from refvlm.training.vocabulary import TEMPLATES
from refvlm.trp import Text, Triplet, answer_for, render

IGNORED = -100


@dataclass
class Batch:
    """One step's input. B images, L tokens behind the image, N `<REF>` tokens.

    Attributes:
        pixels: float32 [B, 3, S, S].
        ids: int [B, L], padded.
        labels: int [B, L], -100 where nothing is to be predicted at the position.
        turn: int [B, L], number of the turn, -1 on padding.
        place: int [B, L], position within the turn.
        ref_row, ref_column: int [N], where the `<REF>` tokens stand in `ids`.
        phrase: int [N, 2], half-open span of each one's phrase in its row.
        group: int [N], number of the triplet, over the whole batch.
        boxes: float32 [N, 4] cxcywh in 0..1; masks: float32 [N, S/2, S/2].
        cells: int [B, 3, S/8, S/8], colour, shape and size of the object in each cell, 0 = none.
        seeds: indices of the scenes, to name a bad batch.
    """

    pixels: Tensor
    ids: Tensor
    labels: Tensor
    turn: Tensor
    place: Tensor
    ref_row: Tensor
    ref_column: Tensor
    phrase: Tensor
    group: Tensor
    boxes: Tensor
    masks: Tensor
    cells: Tensor
    seeds: list[int]


@dataclass(frozen=True)
class _Turn:
    ids: list[int]
    labels: list[int]
    target: int


def _turn(tokenizer: WordTokenizer, expression: Expression, rng: np.random.Generator) -> _Turn:
    unit: Unit = "mask" if rng.random() < 0.5 else "box"
    template = TEMPLATES[unit][int(rng.integers(len(TEMPLATES[unit])))]
    prompt = tokenizer.encode(turn_text(template.format(expression.text), unit))
    answer = answer_for((Triplet(expression.text, unit, 1), Text(".")))
    ids = [*tokenizer.encode(render(answer)), tokenizer.ids[EOS]]
    return _Turn(prompt + ids, [IGNORED] * len(prompt) + ids, expression.target)


def _pick(rng: np.random.Generator, scene: Scene, shares: tuple[float, ...], count: int) -> list[Expression]:
    """Draw expressions by kind; a kind that a scene cannot offer gives way to attributes or superlatives."""
    found = all_expressions(scene.things, with_articles=bool(rng.random() < 0.7))
    kinds = [kind for kind in KINDS if found[kind]]
    weights = np.array([shares[KINDS.index(kind)] for kind in kinds])
    drawn = rng.choice(len(kinds), size=count, p=weights / weights.sum())
    return [found[kinds[int(k)]][int(rng.integers(len(found[kinds[int(k)]])))] for k in drawn]


def describe_cells(scene: Scene) -> np.ndarray:
    """Name what covers each 8x8 cell: int64 [3, S/8, S/8], colour, shape and size counted from 1, 0 = background."""
    side = SIZE // 8
    share = scene.masks.reshape(len(scene.masks), side, 8, side, 8).mean((2, 4))  # [N, side, side]
    top = share.argmax(0)
    names = np.array(
        [
            (
                1 + list(COLOURS).index(thing.colour),
                1 + SHAPES.index(thing.shape),
                1 + list(SIZES).index(thing.size),
            )
            for thing in scene.things
        ]
    )
    cells = names[top] * (share.max(0) > 0.25)[..., None]
    return np.asarray(cells.transpose(2, 0, 1), dtype=np.int64)


def box_of(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Tight box of a bool [S, S] mask as cxcywh in 0..1."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, x1, y0, y1 = xs[0], xs[-1] + 1, ys[0], ys[-1] + 1
    return ((x0 + x1) / 2 / SIZE, (y0 + y1) / 2 / SIZE, (x1 - x0) / SIZE, (y1 - y0) / SIZE)


def build(indices: list[int], shares: tuple[float, ...], tokenizer: WordTokenizer, data: DataConfig) -> Batch:
    """Make the batch of these training scenes: the same indices and shares give the same batch."""
    rows: list[list[_Turn]] = []
    scenes = [generate(data.seed, "train", index) for index in indices]
    for index, scene in zip(indices, scenes, strict=True):
        rng = np.random.default_rng([data.seed, 77, index])
        rows.append([_turn(tokenizer, e, rng) for e in _pick(rng, scene, shares, data.questions_per_image)])
    length = max(sum(len(turn.ids) for turn in turns) for turns in rows)
    ids = torch.full((len(rows), length), tokenizer.ids[PAD])
    labels = torch.full_like(ids, IGNORED)
    turn, place = torch.full_like(ids, -1), torch.zeros_like(ids)
    refs: list[tuple[int, int, int, int, int]] = []
    boxes, masks = [], []
    for row, turns in enumerate(rows):
        start = 0
        for number, item in enumerate(turns):
            span = slice(start, start + len(item.ids))
            ids[row, span], labels[row, span] = torch.tensor(item.ids), torch.tensor(item.labels)
            turn[row, span], place[row, span] = number, torch.arange(len(item.ids))
            group = find_groups(item.ids, tokenizer.special_ids)[0]
            refs.append((row, start + group.refs[0], start + group.phrase[0], start + group.phrase[1], len(refs)))
            mask = scenes[row].masks[item.target]
            boxes.append(box_of(mask))
            masks.append(mask.reshape(SIZE // 2, 2, SIZE // 2, 2).mean((1, 3)))
            start += len(item.ids)
    table = torch.tensor(refs)
    return Batch(
        pixels=torch.stack([normalise(scene.image) for scene in scenes]),
        ids=ids,
        labels=labels,
        turn=turn,
        place=place,
        ref_row=table[:, 0],
        ref_column=table[:, 1],
        phrase=table[:, 2:4],
        group=table[:, 4],
        boxes=torch.tensor(boxes, dtype=torch.float32),
        masks=torch.from_numpy(np.stack(masks)).float(),
        cells=torch.from_numpy(np.stack([describe_cells(scene) for scene in scenes])),
        seeds=indices,
    )


class _Stream(IterableDataset):
    """Batches from a step onwards, without end; a pure function of the configuration."""

    def __init__(self, data: DataConfig, tokenizer: WordTokenizer, first_step: int, steps: int) -> None:
        self.data, self.tokenizer, self.first_step, self.steps = data, tokenizer, first_step, steps

    def __iter__(self) -> Iterator[Batch]:
        size = self.data.images_per_step
        for step in range(self.first_step, self.steps):
            early = step < self.data.early_share * self.steps
            shares = self.data.early_shares if early else self.data.late_shares
            yield build(list(range(step * size, (step + 1) * size)), shares, self.tokenizer, self.data)


def stream(data: DataConfig, tokenizer: WordTokenizer, first_step: int, steps: int) -> Iterator[Batch]:
    """Yield the batches of steps `first_step` to `steps`, made ahead of time by a worker process."""
    loader = DataLoader(_Stream(data, tokenizer, first_step, steps), batch_size=None, num_workers=1, prefetch_factor=4)
    yield from loader
