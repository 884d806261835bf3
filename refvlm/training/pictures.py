"""One image of training and what is asked about it, in the frame of the model's input; those of the sample world."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from benchmarks.world.dense import generate_dense
from benchmarks.world.scenes import SIZE, generate
from refvlm.config import PixelConfig, SizesConfig
from refvlm.processor import PLAIN, Letterbox
from refvlm.training.cells import KINDS, UNKNOWN, describe_cells, describe_dense_cells
from refvlm.training.config import DataConfig
from refvlm.training.question import Draw, Drawn, Question, Ref
from refvlm.training.questions import DENSE_MAKERS, SHAPES_MAKERS

Asker = Callable[[str], Question | None]
"""(kind of question) -> a question, None where the scene does not offer it."""


@dataclass(frozen=True)
class Frame:
    """The square that a model sees.

    Attributes:
        side: of the square input, pixels.
        maps: side of masks and depth maps.
        cells: side of the map of cells, see `refvlm.training.cells`.
        pixels: how colours become numbers.
        grammar: how questions and answers are spelled, see `refvlm.grammars`.
    """

    side: int = SIZE
    maps: int = SIZE // 2
    cells: int = SIZE // 8
    pixels: PixelConfig = PLAIN
    grammar: str = "trp"

    @classmethod
    def of(cls, sizes: SizesConfig) -> "Frame":
        """Read the frame off a model's sizes: masks have the stride of the finest level of its pyramid."""
        stride = 2 if sizes.trunk.kind == "plain" else 4
        cells = sizes.image_size // sizes.decoder.key_stride
        return cls(sizes.image_size, sizes.image_size // stride, cells, sizes.pixels, sizes.grammar)

    def shrink(self, values: np.ndarray) -> np.ndarray:
        """Mean over blocks: [side, side] -> float32 [maps, maps]."""
        block = self.side // self.maps
        blocks = values.reshape(self.maps, block, self.maps, block)
        return np.asarray(blocks.mean((1, 3)), dtype=np.float32)

    def depth(self, metres: np.ndarray, letterbox: Letterbox) -> np.ndarray:
        """Bring depth [H, W] of a picture into the square: mean of the readings, float32 [maps, maps], 0 = none."""
        known = metres > 0
        total, share = (self.shrink(letterbox.mask_in(each)) for each in (np.where(known, metres, 0), known))
        return np.asarray(np.divide(total, share, out=np.zeros_like(total), where=share > 0))

    def no_cells(self) -> np.ndarray:
        """The map of cells of a picture about whose cells nothing is known: int64 [5, cells, cells]."""
        return np.full((len(KINDS), self.cells, self.cells), UNKNOWN)


_FEW = 2
"""Most objects of a scene of few."""


@dataclass(frozen=True)
class Picture:
    """One image and what is asked about it.

    Attributes:
        name: what a person finds it by.
        image: uint8 [side, side, 3].
        cells: int64 [5, cells, cells].
        depth_m: float32 [maps, maps], metres, 0 where there is no reading; None where the picture has none.
        questions: at least one.
    """

    name: str
    image: np.ndarray
    cells: np.ndarray
    depth_m: np.ndarray | None
    questions: list[Question]


def world_picture(index: int, early: bool, data: DataConfig, frame: Frame) -> Picture:
    """Draw a training scene of the sample world and its questions: a pure function of the arguments."""
    rng = np.random.default_rng([data.seed, 77, index])
    draw = Draw(rng, data.early_shares if early else data.late_shares, data.instruction_share)
    if bool(data.dense) and rng.random() < data.dense_share:
        dense = generate_dense.__wrapped__(data.seed, "train", index)
        asked = _questions(lambda name: DENSE_MAKERS[name](dense, draw), data.dense, draw, data.questions_per_image)
        return _framed(frame, index, dense.image, describe_dense_cells(dense), dense.depth_m, asked)
    few = bool(data.few_share) and rng.random() < data.few_share
    scene = generate(data.seed, "train", index, most=int(rng.integers(1, _FEW + 1)) if few else None)
    asked = _questions(lambda name: SHAPES_MAKERS[name](scene, draw), data.shapes, draw, data.questions_per_image)
    return _framed(frame, index, scene.image, describe_cells(scene), None, asked)


def _questions(ask: Asker, shares: Mapping[str, float], draw: Draw, count: int) -> list[Question]:
    """Draw kinds of questions by their shares; one that the scene does not offer is drawn again."""
    names = list(shares)
    weights = np.array([shares[name] for name in names])
    found: list[Question] = []
    while len(found) < count:
        question = ask(names[int(draw.rng.choice(len(names), p=weights / weights.sum()))])
        if question is not None:
            found.append(replace(question, commanded=draw.rng.random() >= draw.instruction_share))
    return found


def _framed(
    frame: Frame, index: int, image: np.ndarray, cells: np.ndarray, depth_m: np.ndarray | None, asked: list[Question]
) -> Picture:
    """Bring a scene of SIZE pixels into another frame; its own is left as it is."""
    letterbox = Letterbox((SIZE, SIZE), frame.side)
    if frame.side != SIZE:
        image = letterbox.paste(Image.fromarray(image))
        asked = [_enlarged(question, letterbox) for question in asked]
    nearest = np.arange(frame.cells) * cells.shape[-1] // frame.cells
    depth = None if depth_m is None else frame.depth(depth_m, letterbox)
    return Picture(f"scene {index}", image, cells[:, nearest][:, :, nearest], depth, asked)


def _enlarged(question: Question, letterbox: Letterbox) -> Question:
    refs = tuple(_enlarged_ref(ref, letterbox) for ref in question.refs)
    regions = tuple(
        Drawn(each.kind, (letterbox.mask_in(each.mask) > 0.5).astype(np.float32)) for each in question.regions
    )
    return replace(question, refs=refs, regions=regions)


def _enlarged_ref(ref: Ref, letterbox: Letterbox) -> Ref:
    joints = None if ref.joints is None else ref.joints * np.array([letterbox.scale, letterbox.scale, 1])
    mask = None if ref.mask is None else letterbox.mask_in(ref.mask) > 0.5
    return Ref(mask, joints, ref.box)
