"""Checks that official files are whole: every split is opened by its reader and counted against what was published."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import DataError
from benchmarks.schema import Benchmark, ImageRef, Origin, Split

Progress = Callable[[int, int], None]
"""Called with (photos decoded, photos in all) of one split."""


@dataclass(frozen=True)
class Verdict:
    """What is true of one split.

    Attributes:
        benchmark: full name.
        split: name of the split.
        found: samples that its reader yields; None where it cannot be opened.
        published: samples that the publisher states; None where no number is published.
        problems: what is missing or broken, with file and remedy.
    """

    benchmark: str
    split: str
    found: int | None
    published: int | None
    problems: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether the split opens, has the published number of samples, and nothing is wrong."""
        return not self.problems and self.found is not None and self.published in (None, self.found)


def verify(benchmark: Benchmark, root: Path, origin: Origin, progress: Progress | None = None) -> Iterator[Verdict]:
    """Check every split of a benchmark under a data root: the official ones, and others that its files hold.

    Args:
        benchmark: which.
        root: data root.
        origin: "sample" where our own generator wrote the files: then no number is published.
        progress: given, every photo is decoded too, and this is told after each.
    """
    try:
        present = dict.fromkeys((*benchmark.splits, *benchmark.found(root)))
    except DataError:
        present = dict.fromkeys(benchmark.splits)
    for split in present:
        published = (benchmark.splits.get(split) or None) if origin == "official" else None
        try:
            opened = benchmark.open(root, split, origin)
        except DataError as error:
            absent = [f"{path} is missing" for path in benchmark.files(root) if not path.exists()]
            yield Verdict(benchmark.name, split, None, published, tuple(dict.fromkeys((*absent, str(error)))))
            continue
        problems = () if progress is None else tuple(_undecodable(opened, progress))
        yield Verdict(benchmark.name, split, len(opened.samples), opened.expected, problems)


def _undecodable(split: Split, progress: Progress) -> Iterator[str]:
    photos: dict[Path, ImageRef] = {}
    for sample in split.samples:
        photos.update({image.path: image for image in (sample.image, *sample.frames)})
    for done, photo in enumerate(photos.values(), start=1):
        try:
            photo.open_rgb()
        except DataError as error:
            yield str(error)
        progress(done, len(photos))
