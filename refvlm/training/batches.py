"""Batches for training: scenes streamed by index, several questions per image.

The language model reads an image once for all its questions; each question with its answer is a turn, a row of its own.
Turns are sorted by length, so that those of about one length can be run together without much padding.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset

from benchmarks.world.dense import generate_dense
from benchmarks.world.scenes import SIZE, generate
from refvlm.grouping import find_groups
from refvlm.processor import normalise
from refvlm.prompting import spread_regions, turn_text
from refvlm.regions import KINDS
from refvlm.tokenizer import EOS, PAD, REGION, WordTokenizer
from refvlm.training.cells import describe_cells, describe_dense_cells
from refvlm.training.config import DataConfig
from refvlm.training.questions import DENSE_MAKERS, SHAPES_MAKERS, Draw, Question, Ref
from refvlm.trp import answer_for, render

IGNORED = -100
JOINTS = 17


@dataclass
class Batch:
    """One step's input. B images, T turns of up to L tokens, N `<REF>` tokens, R visual prompts of K tokens.

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
        boxes: float32 [N, 4] cxcywh in 0..1; masks: float32 [N, S/2, S/2]; zeros where not spatial.
        joints: float32 [N, 17, 3], xy in 0..1 and visibility; visibility -1 where no joints are asked for.
        depth: float32 [B, S/2, S/2], metres, 0 where the image has none.
        cells: int [B, M, S/8, S/8], what covers each cell, see `refvlm.training.cells`.
        regions: float32 [R, S, S]; region_kind: int [R]; region_row: int [R], its image.
        region_at: int [R, K, 2], row and column of its tokens in `ids`.
        seeds: indices of the scenes, to name a bad batch.
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


@dataclass(frozen=True)
class _Turn:
    ids: tuple[int, ...]
    labels: tuple[int, ...]
    question: Question
    image: int


@dataclass(frozen=True)
class _Picture:
    """One image and what is asked about it."""

    image: np.ndarray
    cells: np.ndarray
    depth_m: np.ndarray | None
    questions: list[Question]


@dataclass
class _Rows:
    """What grows while turns are laid out."""

    refs: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    truths: list[tuple[Ref, bool]] = field(default_factory=list)
    regions: list[tuple[np.ndarray, int, int]] = field(default_factory=list)
    region_at: list[list[tuple[int, int]]] = field(default_factory=list)
    groups: int = 0


def _turn(tokenizer: WordTokenizer, question: Question, region_tokens: int, image: int) -> _Turn:
    text = turn_text(question.prompt, question.wants if question.commanded else None, len(question.regions))
    prompt = spread_regions(tokenizer.encode(text), tokenizer.ids[REGION], region_tokens)
    answer = (*tokenizer.encode(render(answer_for(question.body))), tokenizer.ids[EOS])
    return _Turn((*prompt, *answer), (*[IGNORED] * len(prompt), *answer), question, image)


def _questions(
    ask: Callable[[str], Question | None], shares: Mapping[str, float], draw: Draw, count: int
) -> list[Question]:
    """Draw kinds of questions by their shares; one that the scene does not offer is drawn again."""
    names = list(shares)
    weights = np.array([shares[name] for name in names])
    found: list[Question] = []
    while len(found) < count:
        question = ask(names[int(draw.rng.choice(len(names), p=weights / weights.sum()))])
        if question is not None:
            found.append(replace(question, commanded=draw.rng.random() >= draw.instruction_share))
    return found


def _picture(index: int, early: bool, data: DataConfig) -> _Picture:
    rng = np.random.default_rng([data.seed, 77, index])
    draw = Draw(rng, data.early_shares if early else data.late_shares, data.instruction_share)
    if bool(data.dense) and rng.random() < data.dense_share:
        dense = generate_dense.__wrapped__(data.seed, "train", index)
        asked = _questions(lambda name: DENSE_MAKERS[name](dense, draw), data.dense, draw, data.questions_per_image)
        return _Picture(dense.image, describe_dense_cells(dense), dense.depth_m, asked)
    scene = generate(data.seed, "train", index)
    asked = _questions(lambda name: SHAPES_MAKERS[name](scene, draw), data.shapes, draw, data.questions_per_image)
    return _Picture(scene.image, describe_cells(scene), None, asked)


def box_of(mask: np.ndarray) -> tuple[float, float, float, float]:
    """Tight box of a bool [S, S] mask as cxcywh in 0..1."""
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, x1, y0, y1 = xs[0], xs[-1] + 1, ys[0], ys[-1] + 1
    return ((x0 + x1) / 2 / SIZE, (y0 + y1) / 2 / SIZE, (x1 - x0) / SIZE, (y1 - y0) / SIZE)


def halved(values: np.ndarray) -> np.ndarray:
    """Mean over blocks of 2 x 2: [S, S] -> float32 [S/2, S/2]."""
    half = SIZE // 2
    return np.asarray(values.reshape(half, 2, half, 2).mean((1, 3)), dtype=np.float32)


def build(indices: list[int], early: bool, tokenizer: WordTokenizer, data: DataConfig, region_tokens: int = 1) -> Batch:
    """Make the batch of these training scenes: the same arguments give the same batch."""
    pictures = [_picture(index, early, data) for index in indices]
    turns = [
        _turn(tokenizer, question, region_tokens, image)
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
    boxes, masks, joints = _truths(rows)
    return Batch(
        pixels=torch.stack([normalise(each.image) for each in pictures]),
        ids=ids,
        labels=labels,
        lengths=torch.tensor([len(turn.ids) for turn in turns]),
        image=torch.tensor([turn.image for turn in turns]),
        ref_row=table[:, 0],
        ref_column=table[:, 1],
        phrase=table[:, 2:4],
        group=table[:, 4],
        spatial=torch.tensor([spatial for _, spatial in rows.truths], dtype=torch.bool),
        boxes=boxes,
        masks=masks,
        joints=joints,
        depth=torch.from_numpy(np.stack([_depth(each.depth_m) for each in pictures])),
        cells=torch.from_numpy(np.stack([each.cells for each in pictures])),
        regions=torch.from_numpy(np.array([mask for mask, *_ in rows.regions], np.float32).reshape(-1, SIZE, SIZE)),
        region_kind=torch.tensor([kind for _, kind, _ in rows.regions], dtype=torch.long),
        region_row=torch.tensor([row for *_, row in rows.regions], dtype=torch.long),
        region_at=torch.tensor(rows.region_at, dtype=torch.long).reshape(-1, region_tokens, 2),
        seeds=indices,
    )


def _lay_out(rows: _Rows, row: int, item: _Turn, tokenizer: WordTokenizer, region_tokens: int) -> None:
    """Note where the `<REF>` tokens and visual prompts of a turn stand, and their truths."""
    truths = iter(item.question.refs)
    base = next(k for k, label in enumerate(item.labels) if label != IGNORED)
    for group in find_groups(item.ids[base:], tokenizer.special_ids):
        for ref in group.refs:
            rows.refs.append((row, base + ref, base + group.phrase[0], base + group.phrase[1], rows.groups))
            truth = next(truths)
            rows.truths.append((truth, truth.mask is not None))
        rows.groups += 1
    places = [k for k, i in enumerate(item.ids[:base]) if i == tokenizer.ids[REGION]]
    for number, drawn in enumerate(item.question.regions):
        rows.regions.append((drawn.mask, KINDS.index(drawn.kind), item.image))
        own = places[number * region_tokens : (number + 1) * region_tokens]
        rows.region_at.append([(row, column) for column in own])


def _truths(rows: _Rows) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes, masks and joints of all `<REF>` tokens, see `Batch`."""
    count, half = len(rows.truths), SIZE // 2
    boxes, masks = np.zeros((count, 4), np.float32), np.zeros((count, half, half), np.float32)
    joints = np.zeros((count, JOINTS, 3), np.float32)
    joints[..., 2] = -1
    for place, (ref, _) in enumerate(rows.truths):
        if ref.mask is not None:
            boxes[place], masks[place] = box_of(ref.mask), halved(ref.mask)
        if ref.joints is not None:
            joints[place] = ref.joints
            joints[place, :, :2] /= SIZE
    return torch.from_numpy(boxes), torch.from_numpy(masks), torch.from_numpy(joints)


def _depth(depth_m: np.ndarray | None) -> np.ndarray:
    return np.zeros((SIZE // 2, SIZE // 2), np.float32) if depth_m is None else halved(depth_m)


class _Stream(IterableDataset):
    """Batches from a step onwards, without end; a pure function of the configuration."""

    def __init__(self, data: DataConfig, tokenizer: WordTokenizer, span: tuple[int, int], region_tokens: int) -> None:
        self.data, self.tokenizer, self.region_tokens = data, tokenizer, region_tokens
        self.first_step, self.steps = span

    def __iter__(self) -> Iterator[Batch]:
        size = self.data.images_per_step
        for step in range(self.first_step, self.steps):
            early = step < self.data.early_share * self.steps
            indices = range(self.data.first_scene + step * size, self.data.first_scene + (step + 1) * size)
            yield build(list(indices), early, self.tokenizer, self.data, self.region_tokens)


def stream(data: DataConfig, tokenizer: WordTokenizer, span: tuple[int, int], region_tokens: int) -> Iterator[Batch]:
    """Yield the batches of the steps from the first to the second of `span`, made ahead of time by a worker process."""
    dataset = _Stream(data, tokenizer, span, region_tokens)
    yield from DataLoader(dataset, batch_size=None, num_workers=1, prefetch_factor=4)
