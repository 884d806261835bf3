"""Flickr30k Entities in its official layout: which box does a phrase of a caption mean. One sample a phrase.

    <root>/flickr30k_entities/{val,test}.txt               one photo number a line
    <root>/flickr30k_entities/Sentences/<photo>.txt        Annotations/<photo>.xml   (see `benchmarks.entities_files`)
    <root>/flickr30k_entities/flickr30k-images/<photo>.jpg          or flickr30k/flickr30k-images/…

Samples go by the list, then by sentence, then by phrase. As MDETR's evaluator does, a phrase is asked when its chain
has a box, whichever of an object's names the chain is; phrases that mean a scene or nothing to see are not. The
question quotes the phrase and its sentence, since "a man" alone may be any. Tag `type`: people, clothing, bodyparts,
animals, vehicles, instruments, scene, other; joined by + where there are several. The publisher's lists hold 1,000
photos each; the counts of phrases, 14,433 in val and 14,481 in test, are those that work on these splits reports.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from benchmarks.entities_files import read_boxes, read_sentences
from benchmarks.errors import DataError, unknown
from benchmarks.files import plain_name, read_bytes
from benchmarks.photos import folder_of, sized
from benchmarks.schema import Benchmark, Box, ImageRef, Origin, Sample, Split, Truth
from benchmarks.splits import build_split

NAME = "flickr30k_entities"
SPLITS = {"val": 14_433, "test": 14_481}
IMAGE_FOLDERS = (
    "flickr30k_entities/flickr30k-images",
    "flickr30k/flickr30k-images",
    "flickr30k/flickr30k_images",
    "images/flickr30k-images",
)


@dataclass(frozen=True, slots=True)
class PhraseTarget(Truth):
    """The boxes that a phrase means, at least one, and the phrase without its sentence."""

    phrase: str
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One phrase: its photo, the numbers of its sentence and of itself there, from 0."""

    photo: str
    sentence: int
    place: int
    text: str
    phrase: str
    types: str
    boxes: tuple[Box, ...]


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open one split.

    Raises:
        DataError: the list, a file or a photo is missing, a record is broken, or a photo has another size.
        UnknownName: no such split.
    """
    if split not in SPLITS:
        raise unknown(f"split of {NAME}", split, SPLITS)
    sizes, asked = _index(root, split)
    photos = sized(root, IMAGE_FOLDERS, [f"{photo}.jpg" for photo in sizes], "Flickr30k")
    for photo, (height, width) in sizes.items():
        _check_size(photos[f"{photo}.jpg"], (height, width))
    samples = tuple(
        Sample(
            id=f"{NAME}/{split}/{each.photo}/sent-{each.sentence}/phrase-{each.place}",
            image=photos[f"{each.photo}.jpg"],
            image_id=each.photo,
            question=f'"{each.phrase}" in "{each.text}"',
            target=PhraseTarget(each.phrase, each.boxes),
            tags={"type": each.types},
        )
        for each in asked
    )
    return build_split(NAME, split, origin, SPLITS[split], samples, map(astuple, asked))


def found(root: Path) -> dict[str, int]:
    """Count the phrases of every split whose list is here.

    Raises:
        DataError: there is no list, or a file is broken.
    """
    here = [split for split in SPLITS if _list_path(root, split).is_file()]
    if not here:
        raise DataError(f"{root / NAME} holds neither val.txt nor test.txt: put the files of Flickr30k Entities there")
    return {split: len(_index(root, split)[1]) for split in here}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders in reading order."""
    folder = root / NAME
    lists = (_list_path(root, split) for split in SPLITS)
    photos = folder_of(root, IMAGE_FOLDERS) or root / IMAGE_FOLDERS[0]
    return (*lists, folder / "Sentences", folder / "Annotations", photos)


def _list_path(root: Path, split: str) -> Path:
    return root / NAME / f"{split}.txt"


def _photos(path: Path) -> list[str]:
    """Read the photo numbers of a split."""
    try:
        lines = read_bytes(path).decode("ascii").split()
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is no part of a photo number; fetch the file again") from None
    if not lines:
        raise DataError(f"{path} lists no photo; fetch the file again")
    if twice := [photo for photo, count in Counter(lines).items() if count > 1]:
        raise DataError(f"{path}: photo {twice[0]} is listed twice; fetch the file again")
    return [plain_name(photo, str(path)) for photo in lines]


def _index(root: Path, split: str) -> tuple[dict[str, tuple[int, int]], list[Asked]]:
    """Photo -> recorded height and width, and all phrases that are asked."""
    sizes: dict[str, tuple[int, int]] = {}
    asked: list[Asked] = []
    for photo in _photos(_list_path(root, split)):
        boxes = read_boxes(root / NAME / "Annotations" / f"{photo}.xml")
        sizes[photo] = boxes.size_hw
        asked += _asked(root / NAME / "Sentences" / f"{photo}.txt", photo, boxes.of_chain)
    return sizes, asked


def _asked(path: Path, photo: str, of_chain: dict[str, list[Box]]) -> Iterator[Asked]:
    for number, sentence in enumerate(read_sentences(path)):
        for place, phrase in enumerate(sentence.phrases):
            if boxes := of_chain.get(phrase.chain):
                types = "+".join(phrase.types)
                yield Asked(photo, number, place, sentence.text, phrase.words, types, tuple(boxes))


def _check_size(photo: ImageRef, size_hw: tuple[int, int]) -> None:
    if photo.size_hw != size_hw:
        there, said = ("{1}x{0}".format(*each) for each in (photo.size_hw, size_hw))
        raise DataError(f"{photo.path} is {there} but its annotations say {said}: fetch the original file")


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits=SPLITS,
        open=open_split,
        files=files,
        card=(
            "Plummer et al., Flickr30k Entities, ICCV 2015 and IJCV 2017, arXiv:1505.04870. "
            "Licence: annotations for research; photos keep their Flickr licences (ask the publisher for them)."
        ),
        found=found,
        where="github.com/BryanPlummer/flickr30k_entities (annotations.zip, split lists); Flickr30k photos on request",
    )
]
