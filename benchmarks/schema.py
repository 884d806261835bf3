"""The types that flow: Sample (question and truth), Query (what a model gets), Prediction (what it returned).

Boxes are absolute float xyxy pixels of the original image, masks are compressed COCO RLE at its size.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from PIL import Image

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import DataError

Box = tuple[float, float, float, float]
Rle = Mapping[str, Any]
"""COCO run-length mask: {"size": [H, W], "counts": str}, column-major, compressed."""
Origin = Literal["official", "sample"]
"""Whether data is the publisher's or the sample world's."""
Unit = Literal["box", "mask", "keypoint", "depth", "point", "text"]
Status = Literal["ok", "parse_error", "failed"]
Regime = Literal["full", "instruction", "wrong"]
_Seen = TypeVar("_Seen")


@dataclass(frozen=True, slots=True)
class ImageRef:
    """An image file and the size its annotation file records for it."""

    path: Path
    size_hw: tuple[int, int]

    def open_rgb(self) -> Image.Image:
        """Decode the file as RGB, ignoring EXIF rotation as the official annotations do.

        Raises:
            DataError: the file is missing, cannot be decoded, or has another size than recorded.
        """
        try:
            with Image.open(self.path) as image:
                decoded = image.convert("RGB")
        except FileNotFoundError:
            raise DataError(f"{self.path} is missing: copy it there or point --data-root at its folder") from None
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise DataError(f"{self.path} cannot be decoded ({error}): fetch the file again") from None
        height, width = self.size_hw
        if decoded.size != (width, height):
            raise DataError(
                f"{self.path} is {decoded.width}x{decoded.height} but its annotation says {width}x{height}: "
                "fetch the original file"
            )
        return decoded

    def seen(self, see: "Callable[[ImageRef], _Seen]") -> "_Seen":
        """Return what a model makes of the photo, such as its preprocessed pixels.

        A run may have had it made ahead, in another thread, and shares one result among all questions about the photo:
        `see` must be the same function or method every time and bear to run in a thread, and nobody may change the
        result.
        """
        return see(self)


@dataclass(frozen=True, slots=True)
class Region:
    """A visual prompt on the original image. The kind says what was drawn; its shape, and where it has one its raster.

    Attributes:
        kind: what was drawn.
        box_xyxy: pixels; set for a box, which encloses the raster where there is one.
        points_xy: pixels, (0.5, 0.5) is the middle of the first one. Of a point: the point, or one for each part of an
            object, which no line joins. Of a scribble: where the pen went, in the order of drawing, joined by straight
            lines; empty where only its raster is known.
        mask_rle: set for a mask; for the other kinds the pixels of the prompt as its benchmark drew them, where it did,
            without order and one pixel wide. At the size of the original image.
    """

    kind: Literal["point", "box", "scribble", "mask"]
    box_xyxy: Box | None = None
    points_xy: tuple[tuple[float, float], ...] = ()
    mask_rle: Rle | None = None


class Truth:
    """Base of every truth. Other kinds of truth stand in `benchmarks.truth` and beside the readers that yield them."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Target(Truth):
    """The truth about one object: its box and its mask."""

    box_xyxy: Box
    mask_rle: Rle


@dataclass(frozen=True, slots=True)
class TextTarget(Truth):
    """The truth of a question that is answered in words: every accepted answer, as annotated and in that order."""

    answers: tuple[str, ...]


_Truth = TypeVar("_Truth", bound=Truth)


@dataclass(frozen=True, slots=True)
class Query:
    """What a model gets. It never carries the target.

    Attributes:
        sample_id: which sample it asks about.
        image: the picture; the first frame of a video.
        question: the expression or question as annotated, empty where the whole image is asked about.
        prompt: the exact text of the task.
        wants: unit of the answer.
        regions: visual prompts that the question refers to, in its order.
        categories: names that an answer may use as phrases, in the benchmark's order; empty where any words may come.
        frames: all frames of a video, in time order; empty for a photo.
        max_new_tokens: the task's limit on the length of an answer in words; None leaves it to the model.
        regime: which command a model with a template for commands puts before the prompt, see `benchmarks.commands`.
        seed: of this sample, in [0, 2**32). A model that samples draws from a generator of its own for every query,
            started from this seed: then its answers depend on neither batch, order nor process.
    """

    sample_id: str
    image: ImageRef
    question: str
    prompt: str
    wants: Unit
    regions: tuple[Region, ...] = ()
    categories: tuple[str, ...] = ()
    frames: tuple[ImageRef, ...] = ()
    max_new_tokens: int | None = None
    regime: Regime = "full"
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Sample:
    """One question with its truth.

    Attributes:
        id: stable and readable, for example `refcocog/umd/test/ref-1234/sent-2`.
        image: the picture asked about.
        image_id: groups samples of one picture (clusters of the bootstrap).
        question: the referring expression or question, as annotated.
        target: the truth.
        tags: facts to slice results by, such as {"kind": "superlative"}.
        regions: visual prompts of the question.
        categories: names an answer may use, see `Query`; one tuple shared by all samples of a split.
        frames: all frames of a video.
    """

    id: str
    image: ImageRef
    image_id: str
    question: str
    target: Truth
    tags: Mapping[str, str] = field(default_factory=dict)
    regions: tuple[Region, ...] = ()
    categories: tuple[str, ...] = ()
    frames: tuple[ImageRef, ...] = ()

    def truth(self, kind: type[_Truth]) -> _Truth:
        """Return the target, which must be of one type.

        Raises:
            DataError: the benchmark holds another type of truth: its task names the wrong kind or benchmark.
        """
        if not isinstance(self.target, kind):
            found, needed = type(self.target).__name__, kind.__name__
            raise DataError(f"{self.id} has a {found} but the task needs a {needed}: name another kind or benchmark")
        return self.target

    def query(
        self, prompt: str, wants: Unit, max_new_tokens: int | None = None, regime: Regime = "full", seed: int = 0
    ) -> Query:
        """Build what the model gets, without the target."""
        return Query(
            sample_id=self.id,
            image=self.image,
            question=self.question,
            prompt=prompt,
            wants=wants,
            regions=self.regions,
            categories=self.categories,
            frames=self.frames,
            max_new_tokens=max_new_tokens,
            regime=regime,
            seed=seed,
        )


@dataclass(frozen=True, slots=True)
class Instance:
    """One object of an answer. Fields of other units stay None.

    Attributes:
        score: confidence, higher is surer; only the order matters.
        box_xyxy: pixels of the original image.
        mask_rle: at the size of the original image.
        keypoints: (x, y, score) of every joint in the benchmark's order, pixels of the original image.
    """

    score: float | None = None
    box_xyxy: Box | None = None
    mask_rle: Rle | None = None
    keypoints: tuple[tuple[float, float, float], ...] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """One triplet of an answer: phrase, unit and its instances in answer order."""

    phrase: str
    unit: Unit
    instances: tuple[Instance, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model returned for one query.

    Attributes:
        sample_id: which sample it answers.
        status: "ok"; "parse_error" when the text could not be read; "failed" when the model raised.
        text: the raw answer.
        prompt: the exact text the model was given.
        groups: decoded triplets, in answer order.
        error: reason, when the status is not "ok".
        seconds: wall time of the sample's share of its batch; kept out of the merged predictions file.
        depth: the depth map, where the task asks for one.
        usage: what the answer cost where a server counts it: tokens, requests, money, how it ended; JSON values. Kept
            out of the merged predictions file.
    """

    sample_id: str
    status: Status
    text: str = ""
    prompt: str = ""
    groups: tuple[Group, ...] = ()
    error: str = ""
    seconds: float = 0.0
    depth: DepthMap | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)

    def boxes(self) -> list[Box]:
        """All boxes in answer order; REC scores the first only."""
        return [i.box_xyxy for g in self.groups for i in g.instances if i.box_xyxy is not None]

    def masks(self) -> list[Rle]:
        """All masks in answer order; RES scores their union."""
        return [i.mask_rle for g in self.groups for i in g.instances if i.mask_rle is not None]


@dataclass(frozen=True)
class Split:
    """One split of a benchmark, opened.

    Attributes:
        benchmark: full name with its partition, for example `refcocog/umd`.
        name: split name, for example `test`.
        origin: "official" or "sample" (the sample world).
        expected: published number of samples, None where none is published or the data is the sample world.
        fingerprint: hash over ids and targets, hex.
        samples: all samples in their defined order.
        notes: facts about the data that a reader of the numbers must know.
        beside: names the other splits that lie in the same data root -> what opens each; None where nobody knows.
    """

    benchmark: str
    name: str
    origin: Origin
    expected: int | None
    fingerprint: str
    samples: Sequence[Sample]
    notes: tuple[str, ...] = ()
    beside: "Callable[[], Mapping[str, Callable[[], Split]]] | None" = field(default=None, compare=False, repr=False)

    @property
    def complete(self) -> bool:
        """Whether the count equals the published one (always true for the sample world)."""
        return self.expected is None or len(self.samples) == self.expected


@dataclass(frozen=True)
class Benchmark:
    """A benchmark: its splits with published counts, and how to open one.

    Attributes:
        name: with partition, for example `refcoco+/unc`.
        splits: official split -> published number of samples, 0 where none is published.
        open: (data root, split, origin) -> Split. Raises DataError or UnknownName.
        files: (data root) -> files and folders it needs, in reading order, for `data status`.
        card: source, paper, licence.
        found: (data root) -> split -> number of samples in the files there, official splits first; empty where the
            reader cannot tell without opening. Raises DataError.
        where: one line on who publishes the files.
    """

    name: str
    splits: Mapping[str, int]
    open: Callable[[Path, str, Origin], Split]
    files: Callable[[Path], tuple[Path, ...]]
    card: str
    found: Callable[[Path], Mapping[str, int]] = lambda root: {}
    where: str = ""

    def splits_present(self, root: Path) -> tuple[str, ...]:
        """Name the splits that the files under a data root hold: all official ones, unless the reader knows better.

        Raises:
            DataError: the root or the files are missing or unreadable.
        """
        return tuple(self.found(root)) or tuple(self.splits)
