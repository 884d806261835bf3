"""Batches for training: images streamed by index, several questions per image.

The language model reads an image once for all its questions; each question with its answer is a turn, a row of its own.
Turns are sorted by length, so that those of about one length can be run together without much padding.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from benchmarks.errors import ConfigError
from refvlm.grammars import turn_in, write
from refvlm.grouping import find_groups
from refvlm.processor import normalise
from refvlm.prompting import spread_regions
from refvlm.regions import KINDS
from refvlm.tokenizer import EOS, PAD, REGION, Tokenizer
from refvlm.training.config import DataConfig
from refvlm.training.pictures import Frame, Picture, world_picture
from refvlm.training.question import Question, Ref
from refvlm.trp import answer_for

if TYPE_CHECKING:
    from refvlm.training.mixture import Mixture

IGNORED = -100
JOINTS = 17


@dataclass
class Batch:
    """One step's input. B images, T turns of up to L tokens, N `<REF>` tokens, R visual prompts of K tokens.

    S is the side of the square input, M that of masks and C that of cells, see `refvlm.training.pictures.Frame`.

    Attributes:
        pixels: float32 [B, 3, S, S].
        ids: int [T, L], padded on the right; turns from short to long.
        labels: int [T, L], -100 where nothing is to be predicted at the position.
        lengths: int [T], tokens of each turn.
        image: int [T], image of each turn.
        ref_row, ref_column: int [N], where the `<REF>` tokens stand in `ids`.
        phrase: int [N, 2], half-open span of each one's phrase in its row.
        group: int [N], number of the triplet, over the whole batch, ascending.
        spatial: bool [N], those that stand for an object; the others ask for depth.
        masked: bool [N], those whose mask is known; of some objects only the box is.
        boxes: float32 [N, 4] cxcywh in 0..1, zeros where not spatial; masks: float32 [N, M, M], zeros where not masked.
        joints: float32 [N, 17, 3], xy in 0..1 and visibility; visibility -1 where no joints are asked for.
        depth: float32 [B, M, M], metres, 0 where the image has none.
        cells: int [B, 5, C, C], what covers each cell, see `refvlm.training.cells`.
        regions: float32 [R, S, S]; region_kind: int [R]; region_row: int [R], its image.
        region_at: int [R, K, 2], row and column of its tokens in `ids`.
        seeds: indices of the images.
        names: what a person finds the images by, to name a bad batch.
    """

    pixels: Tensor
    ids: Tensor
    labels: Tensor
    lengths: Tensor
    image: Tensor
    ref_row: Tensor
    ref_column: Tensor
    phrase: Tensor
    group: Tensor
    spatial: Tensor
    masked: Tensor
    boxes: Tensor
    masks: Tensor
    joints: Tensor
    depth: Tensor
    cells: Tensor
    regions: Tensor
    region_kind: Tensor
    region_row: Tensor
    region_at: Tensor
    seeds: list[int]
    names: list[str]


@dataclass(frozen=True)
class _Turn:
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    question: Question
    image: int


@dataclass
class _Rows:
    """What grows while turns are laid out."""

    refs: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    truths: list[Ref] = field(default_factory=list)
    regions: list[tuple[np.ndarray, int, int]] = field(default_factory=list)
    region_at: list[list[tuple[int, int]]] = field(default_factory=list)
    groups: int = 0


def _turn(tokenizer: Tokenizer, question: Question, region_tokens: int, image: int, grammar: str) -> _Turn:
    text = turn_in(grammar, question.prompt, question.wants if question.commanded else None, len(question.regions))
    prompt = spread_regions(tokenizer.encode(text), tokenizer.ids[REGION], region_tokens)
    answer = (*tokenizer.encode(write(answer_for(question.body), grammar)), tokenizer.ids[EOS])
    return _Turn((*prompt, *answer), (*[IGNORED] * len(prompt), *answer), question, image)


@dataclass(frozen=True)
class View:
    """How a process looks at the data of a run.

    Attributes:
        frame: the square that the model sees.
        mixture: real data beside the sample world; None for the sample world alone.
        rank: number of this process among `world` that share every batch: it takes every world-th image.
    """

    frame: Frame = field(default_factory=Frame)
    mixture: "Mixture | None" = None
    rank: int = 0
    world: int = 1


ALONE = View()
"""One process, the sample world in its own size."""


def box_of(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Tight box of a mask [S, S] as cxcywh in 0..1."""
    side = len(mask)
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, x1, y0, y1 = xs[0], xs[-1] + 1, ys[0], ys[-1] + 1
    return ((x0 + x1) / 2 / side, (y0 + y1) / 2 / side, (x1 - x0) / side, (y1 - y0) / side)


def build(
    indices: list[int],
    early: bool,
    tokenizer: Tokenizer,
    data: DataConfig,
    region_tokens: int = 1,
    view: View = ALONE,
) -> Batch:
    """Make the batch of these images: the same arguments give the same batch.

    Args:
        indices: of the images; those of the sample world are its training scenes.
        early: whether expressions are drawn by the shares of the first steps.
        tokenizer: the model's.
        data: which scenes and questions.
        region_tokens: tokens of one visual prompt.
        view: what the model sees; rank and world are the caller's business.
    """
    pictures = [_picture(index, early, data, view) for index in indices]
    return pack(pictures, indices, tokenizer, region_tokens, view.frame)


def _picture(index: int, early: bool, data: DataConfig, view: View) -> Picture:
    if view.mixture is None:
        return world_picture(index, early, data, view.frame)
    own, place = view.mixture.turn(index - data.first_scene)
    if own:
        return view.mixture.picture(place)
    return world_picture(data.first_scene + place, early, data, view.frame)


def pack(
    pictures: Sequence[Picture], seeds: list[int], tokenizer: Tokenizer, region_tokens: int, frame: Frame
) -> Batch:
    """Lay out all questions of some pictures as one batch.

    Args:
        pictures: each with its questions.
        seeds: a number for each picture.
        tokenizer: the model's.
        region_tokens: tokens of one visual prompt.
        frame: of the pictures.
    """
    turns = [
        _turn(tokenizer, question, region_tokens, image, frame.grammar)
        for image, picture in enumerate(pictures)
        for question in picture.questions
    ]
    turns.sort(key=lambda turn: len(turn.ids))
    ids = torch.full((len(turns), len(turns[-1].ids)), tokenizer.ids[PAD])
    labels = torch.full_like(ids, IGNORED)
    rows = _Rows()
    for row, turn in enumerate(turns):
        ids[row, : len(turn.ids)], labels[row, : len(turn.ids)] = torch.tensor(turn.ids), torch.tensor(turn.labels)
        _lay_out(rows, row, turn, tokenizer, region_tokens)
    table = torch.tensor(rows.refs, dtype=torch.long).reshape(-1, 5)
    boxes, masks, joints = _truths(rows.truths, frame)
    return Batch(
        pixels=torch.stack([normalise(each.image, frame.pixels) for each in pictures]),
        ids=ids,
        labels=labels,
        lengths=torch.tensor([len(turn.ids) for turn in turns]),
        image=torch.tensor([turn.image for turn in turns]),
        ref_row=table[:, 0],
        ref_column=table[:, 1],
        phrase=table[:, 2:4],
        group=table[:, 4],
        spatial=torch.tensor([truth.spatial for truth in rows.truths], dtype=torch.bool),
        masked=torch.tensor([truth.mask is not None for truth in rows.truths], dtype=torch.bool),
        boxes=boxes,
        masks=masks,
        joints=joints,
        depth=torch.from_numpy(np.stack([_depth(each.depth_m, frame) for each in pictures])),
        cells=torch.from_numpy(np.stack([each.cells for each in pictures])),
        regions=_prompts(rows, frame),
        region_kind=torch.tensor([kind for _, kind, _ in rows.regions], dtype=torch.long),
        region_row=torch.tensor([row for *_, row in rows.regions], dtype=torch.long),
        region_at=torch.tensor(rows.region_at, dtype=torch.long).reshape(-1, region_tokens, 2),
        seeds=seeds,
        names=[each.name for each in pictures],
    )


def _lay_out(rows: _Rows, row: int, item: _Turn, tokenizer: Tokenizer, region_tokens: int) -> None:
    """Note where the `<REF>` tokens and visual prompts of a turn stand, and their truths."""
    truths = iter(item.question.refs)
    base = next(k for k, label in enumerate(item.labels) if label != IGNORED)
    for group in find_groups(item.ids[base:], tokenizer.special_ids):
        for ref in group.refs:
            rows.refs.append((row, base + ref, base + group.phrase[0], base + group.phrase[1], rows.groups))
            rows.truths.append(next(truths))
        rows.groups += 1
    places = [k for k, i in enumerate(item.ids[:base]) if i == tokenizer.ids[REGION]]
    for number, drawn in enumerate(item.question.regions):
        rows.regions.append((drawn.mask, KINDS.index(drawn.kind), item.image))
        own = places[number * region_tokens : (number + 1) * region_tokens]
        rows.region_at.append([(row, column) for column in own])


def _truths(truths: Sequence[Ref], frame: Frame) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, masks and joints of all `<REF>` tokens, see `Batch`."""
    count, side = len(truths), frame.maps
    boxes, masks = np.zeros((count, 4), np.float32), np.zeros((count, side, side), np.float32)
    joints = np.zeros((count, JOINTS, 3), np.float32)
    joints[..., 2] = -1
    for place, ref in enumerate(truths):
        if ref.mask is not None:
            boxes[place], masks[place] = ref.box or box_of(ref.mask), frame.shrink(ref.mask)
        elif ref.box is not None:
            boxes[place] = ref.box
        if ref.joints is not None:
            joints[place] = ref.joints
            joints[place, :, :2] /= frame.side
    return torch.from_numpy(boxes), torch.from_numpy(masks), torch.from_numpy(joints)


def _prompts(rows: _Rows, frame: Frame) -> Tensor:
    drawn = np.array([mask for mask, *_ in rows.regions], np.float32)
    return torch.from_numpy(drawn.reshape(-1, frame.side, frame.side))


def _depth(depth_m: np.ndarray | None, frame: Frame) -> np.ndarray:
    return np.zeros((frame.maps, frame.maps), np.float32) if depth_m is None else depth_m


class _Stream(IterableDataset):
    """Batches from a step onwards, without end; a pure function of the configuration."""

    def __init__(
        self, data: DataConfig, tokenizer: Tokenizer, span: tuple[int, int], region_tokens: int, view: View
    ) -> None:
        self.data, self.tokenizer, self.region_tokens, self.view = data, tokenizer, region_tokens, view
        self.first_step, self.steps = span

    def __iter__(self) -> Iterator[Batch]:
        size = self.data.images_per_step
        for step in range(self.first_step, self.steps):
            early = step < self.data.early_share * self.steps
            indices = range(self.data.first_scene + step * size, self.data.first_scene + (step + 1) * size)
            own = list(indices[self.view.rank :: self.view.world])
            yield build(own, early, self.tokenizer, self.data, self.region_tokens, self.view)


def stream(
    data: DataConfig, tokenizer: Tokenizer, span: tuple[int, int], region_tokens: int, view: View = ALONE
) -> Iterator[Batch]:
    """Yield the batches of the steps from the first to the second of `span`, made ahead of time by a worker process.

    Raises:
        ConfigError: more processes share a step than it has images.
    """
    if view.world > data.images_per_step:
        raise ConfigError(f"{view.world} processes share {data.images_per_step} images: raise data.images_per_step")
    dataset = _Stream(data, tokenizer, span, region_tokens, view)
    yield from DataLoader(dataset, batch_size=None, num_workers=1, prefetch_factor=4)
