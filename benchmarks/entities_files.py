"""The two files that Flickr30k Entities has for each photo: sentences with marked phrases, and boxes of chains.

Sentences/<photo>.txt holds a caption a line, its phrases as `[/EN#<chain>/<type>/… words]`. Annotations/<photo>.xml
holds `object` elements, each with the chains (`name`) it belongs to and a box (`bndbox`), or a flag that a chain has
none (`scene`, `nobndbox`). Corners count from 1 and become ours by taking 1 away, as the publisher's reader does.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

from benchmarks.errors import DataError
from benchmarks.files import read_bytes
from benchmarks.safe_xml import parse_xml
from benchmarks.schema import Box

_OPENS = "[/EN#"


@dataclass(frozen=True, slots=True)
class Phrase:
    """A marked phrase: its words, its chain ("0" where nothing to see is meant), its types such as people."""

    words: str
    chain: str
    types: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A caption without its marks, and its phrases in order."""

    text: str
    phrases: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True)
class Boxes:
    """The size that the file records, and the boxes of every chain that has any."""

    size_hw: tuple[int, int]
    of_chain: dict[str, list[Box]]


def read_sentences(path: Path) -> list[Sentence]:
    """Read the captions of a photo, in order; empty lines are passed over.

    Raises:
        DataError: the file is missing, not UTF-8, or a mark is broken.
    """
    data = read_bytes(path)
    try:
        lines = data.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: byte {error.start} is not UTF-8 text; fetch the file again") from None
    return [_sentence(line, f"{path}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _sentence(line: str, place: str) -> Sentence:
    words: list[str] = []
    phrases: list[Phrase] = []
    opened: tuple[str, tuple[str, ...], int] | None = None
    for token in line.split():
        if opened is None and token.startswith(_OPENS):
            parts = token.removeprefix(_OPENS).split("/")
            opened = (parts[0], tuple(parts[1:]), len(words))
            continue
        closes = opened is not None and token.endswith("]")
        words.append(token.removesuffix("]") if closes else token)
        if opened is not None and closes:
            chain, types, first = opened
            phrases.append(Phrase(" ".join(words[first:]), chain, types))
            opened = None
    if opened is not None:
        raise DataError(f"{place}: the phrase of chain {opened[0]} is not closed by ]; fetch the file again")
    if nameless := [phrase for phrase in phrases if not phrase.chain or not phrase.types or not phrase.words.strip()]:
        raise DataError(f"{place}: phrase '{nameless[0].words}' needs a chain, a type and words; fetch the file again")
    return Sentence(" ".join(words), tuple(phrases))


def read_boxes(path: Path) -> Boxes:
    """Read the boxes of a photo. A box without width or height is kept: nothing but itself can meet it.

    Raises:
        DataError: the file is missing or broken, or a corner is no number or lies before its opposite.
    """
    tree = parse_xml(read_bytes(path), path)
    width, height = (_number(tree.find("size"), name, f"{path}: size") for name in ("width", "height"))
    of_chain: dict[str, list[Box]] = {}
    for place, item in enumerate(tree.iter("object")):
        chains = [name.text for name in item.iter("name") if name.text]
        if not chains:
            raise DataError(f"{path}: object {place} names no chain; fetch the file again")
        if item.find("bndbox") is None:
            continue
        box = _box(item, f"{path}: object {place}")
        for chain in chains:
            of_chain.setdefault(chain, []).append(box)
    return Boxes((int(height), int(width)), of_chain)


def _box(item: Element, place: str) -> Box:
    x1, y1, x2, y2 = _corners(item, place)
    if x2 < x1 or y2 < y1:
        raise DataError(f"{place}: box {x1:g} {y1:g} {x2:g} {y2:g} ends before it begins; fetch the file again")
    return (x1 - 1, y1 - 1, x2 - 1, y2 - 1)


def _corners(item: Element, place: str) -> Iterator[float]:
    for name in ("xmin", "ymin", "xmax", "ymax"):
        yield _number(item.find("bndbox"), name, f"{place}: bndbox")


def _number(parent: Element | None, name: str, place: str) -> float:
    text = None if parent is None else parent.findtext(name)
    try:
        value = float(text or "")
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DataError(f"{place}: {name} must be a number, got {text!r}; fetch the file again")
    return value
