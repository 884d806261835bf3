"""Referring expressions about a scene, each true of exactly one object by a clear margin.

Kinds: attribute ("the small red circle"), superlative ("the leftmost star"), direction ("the star left
of the blue square") and distance ("the star closest to the blue square").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal

import numpy as np

from benchmarks.world.scenes import Thing

Kind = Literal["attribute", "superlative", "direction", "distance"]
KINDS: tuple[Kind, ...] = ("attribute", "superlative", "direction", "distance")

SIDE_MARGIN_PX = 8.0
"""A positional superlative or direction holds by at least this much."""
SIZE_MARGIN_PX = 3.0
"""The largest or smallest differs from the next by at least this much in circumradius."""
DISTANCE_MARGIN_PX = 10.0
"""The closest is nearer than the next by at least this much."""

DIRECTIONS = {"left of": (-1, 0), "right of": (1, 0), "above": (0, -1), "below": (0, 1)}
SUPERLATIVES = {"leftmost": (-1, 0), "rightmost": (1, 0), "topmost": (0, -1), "bottommost": (0, 1)}
SIZE_SUPERLATIVES = {"largest": -1, "smallest": 1}
"""Word -> sign of the circumradius of which it is the least."""
VOCABULARY = (
    "the", "small", "large", "object", "leftmost", "rightmost", "topmost", "bottommost",
    "largest", "smallest", "left", "right", "of", "above", "below", "closest", "to",
)  # fmt: skip
"""Every word of an expression besides the colours and shapes."""


@dataclass(frozen=True, slots=True)
class Expression:
    """A phrase, the index of the only object it fits, and its kind."""

    text: str
    target: int
    kind: Kind


@dataclass(frozen=True, slots=True)
class _Noun:
    """A noun phrase without article and the objects it fits."""

    text: str
    fits: tuple[int, ...]


def _nouns(things: tuple[Thing, ...]) -> list[_Noun]:
    """List every noun phrase that fits at least one object: [size] [colour] shape-or-"object"."""
    found: dict[str, tuple[int, ...]] = {}
    for thing, (size, colour, shape) in product(things, product((False, True), repeat=3)):
        words = (
            ([thing.size] if size else []) + ([thing.colour] if colour else []) + [thing.shape if shape else "object"]
        )
        text = " ".join(words)
        if text in found:
            continue
        found[text] = tuple(
            i
            for i, other in enumerate(things)
            if (not size or other.size == thing.size)
            and (not colour or other.colour == thing.colour)
            and (not shape or other.shape == thing.shape)
        )
    return [_Noun(text, fits) for text, fits in found.items()]


def _best_by(values: dict[int, float], margin: float) -> int | None:
    """Return the key of the lowest value if it leads by the margin, else None."""
    ranked = sorted(values, key=lambda key: values[key])
    return ranked[0] if len(ranked) > 1 and values[ranked[1]] - values[ranked[0]] >= margin else None


def standing_out(things: tuple[Thing, ...], among: Iterable[int]) -> Iterator[tuple[str, int]]:
    """Yield every superlative that one of some objects, by index, earns by a clear margin, with its index."""
    rows = tuple(among)
    for word, (dx, dy) in SUPERLATIVES.items():
        best = _best_by({i: -(dx * things[i].x + dy * things[i].y) for i in rows}, SIDE_MARGIN_PX)
        if best is not None:
            yield word, best
    for word, sign in SIZE_SUPERLATIVES.items():
        best = _best_by({i: sign * things[i].radius for i in rows}, SIZE_MARGIN_PX)
        if best is not None:
            yield word, best


def _superlatives(things: tuple[Thing, ...], nouns: list[_Noun]) -> Iterator[Expression]:
    for noun in (n for n in nouns if len(n.fits) > 1):
        sized = noun.text.startswith(("small", "large"))
        for word, best in standing_out(things, noun.fits):
            if not (sized and word in SIZE_SUPERLATIVES):
                yield Expression(f"{word} {noun.text}", best, "superlative")


def _relations(things: tuple[Thing, ...], nouns: list[_Noun], article: str) -> Iterator[Expression]:
    anchors = [noun for noun in nouns if len(noun.fits) == 1 and not noun.text.endswith("object")]
    for noun, anchor in product((n for n in nouns if len(n.fits) > 1), anchors):
        centre = things[anchor.fits[0]]
        others = [i for i in noun.fits if i != anchor.fits[0]]
        if len(others) < 2:
            continue
        for words, (dx, dy) in DIRECTIONS.items():
            along = {i: dx * (things[i].x - centre.x) + dy * (things[i].y - centre.y) for i in others}
            inside = [i for i, value in along.items() if value >= SIDE_MARGIN_PX]
            if len(inside) == 1 and all(v <= 0 for i, v in along.items() if i != inside[0]):
                yield Expression(f"{noun.text} {words} {article}{anchor.text}", inside[0], "direction")
        near = {i: float(np.hypot(things[i].x - centre.x, things[i].y - centre.y)) for i in others}
        best = _best_by(near, DISTANCE_MARGIN_PX)
        if best is not None:
            yield Expression(f"{noun.text} closest to {article}{anchor.text}", best, "distance")


def all_expressions(things: tuple[Thing, ...], with_articles: bool) -> dict[Kind, list[Expression]]:
    """List every unambiguous expression about a scene, by kind.

    Args:
        things: the objects of the scene.
        with_articles: "the star left of the cross" (RefCOCOg style) or "star left of cross" (RefCOCO style).
    """
    nouns = _nouns(things)
    article = "the " if with_articles else ""
    found: dict[Kind, list[Expression]] = {kind: [] for kind in KINDS}
    found["attribute"] = [Expression(n.text, n.fits[0], "attribute") for n in nouns if len(n.fits) == 1]
    for expression in (*_superlatives(things, nouns), *_relations(things, nouns, article)):
        found[expression.kind].append(expression)
    return {
        kind: [Expression(article + e.text, e.target, e.kind) for e in expressions]
        for kind, expressions in found.items()
    }


def choose(rng: np.random.Generator, found: dict[Kind, list[Expression]], wanted: dict[Kind, int]) -> list[Expression]:
    """Draw distinct expressions: up to `wanted` of each kind, fewer where the scene has fewer."""
    chosen: list[Expression] = []
    for kind, count in wanted.items():
        pool = found[kind]
        picks = rng.permutation(len(pool))[:count]
        chosen += [pool[int(i)] for i in picks]
    return chosen
