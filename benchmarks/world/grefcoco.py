"""The gRefCOCO part of the sample world: two expressions a scene, one that fits nothing and one that fits.

What fits means one object in every other scene, as in RefCOCO, and all of some kind in the rest ("all small red
objects"). What fits nothing is of the same form and names, where it can, what is in the scene but not together ("all
large red objects"). testA holds scenes of up to four objects, testB the others.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.expressions import KINDS, Expression, all_expressions
from benchmarks.world.scenes import COLOURS, HELD_OUT, SHAPES, SIZES, SplitName, Thing, draw_things, rng_for

TEST_A_OBJECTS = 4
"""Most objects of a scene of testA."""
RELATED = 0.3
"""Share of the expressions for one object that name its place, its rank in size or its neighbour."""


def write_grefs(folder: Path, seed: int, scenes: Mapping[SplitName, int], instances: Mapping[str, Any]) -> None:
    """Write `grefcoco/grefs(unc).json` and `grefcoco/instances.json` below a data root.

    Args:
        folder: the data root.
        seed: seed of the world.
        scenes: number of scenes per split, in the order in which the images are numbered, from 1.
        instances: what instances.json holds; the annotations of an image are its scene's objects, in order.
    """
    annotations: dict[int, list[dict[str, Any]]] = {}
    for annotation in instances["annotations"]:
        annotations.setdefault(annotation["image_id"], []).append(annotation)
    refs: list[dict[str, Any]] = []
    numbered = [(split, index) for split, count in scenes.items() for index in range(count)]
    for image_id, (split, index) in enumerate(numbered, start=1):
        things = draw_things(rng_for(seed, split, index), split == "shifted")
        for text, meant in expressions(things, split, np.random.default_rng([seed, 3000, image_id]), image_id % 2 == 0):
            chosen = [annotations[image_id][row] for row in meant]
            refs.append(_ref(len(refs) + 1, _split(split, things), image_id, text, chosen))
    (folder / "grefcoco").mkdir()
    (folder / "grefcoco" / "grefs(unc).json").write_text(json.dumps(refs), encoding="utf-8")
    (folder / "grefcoco" / "instances.json").write_text(json.dumps(instances), encoding="utf-8")


def expressions(
    things: tuple[Thing, ...], split: SplitName, rng: np.random.Generator, several: bool
) -> list[tuple[str, tuple[int, ...]]]:
    """Draw two expressions about a scene, each with the rows of the objects that it means: none, then one or several.

    Where the second one is a noun phrase, the first names as many attributes, so that words alone do not tell.

    Args:
        things: the objects of the scene.
        split: only "shifted" names colour-shape pairs that the others hold out.
        rng: decides.
        several: whether the second expression means several objects; so it does where no phrase means exactly one.
    """
    phrases = _phrases(things, split, False)
    fitting = [each for each in phrases if len(each.fits) == 1]
    several = len(things) > 1 and (several or not fitting)
    if several:
        phrases = _phrases(things, split, True)
        fitting = [each for each in phrases if len(each.fits) > 1]
    chosen = fitting[int(rng.integers(len(fitting)))]
    absent = _absent(phrases, chosen.form)
    none = absent[int(rng.integers(len(absent)))]
    related = [] if several or rng.random() >= RELATED else _related(things)
    if related:
        other = related[int(rng.integers(len(related)))]
        return [(none.text, ()), (other.text, (other.target,))]
    return [(none.text, ()), (chosen.text, chosen.fits)]


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A noun phrase: which of size, colour and shape it names, and the rows that it fits.

    Attributes:
        near: whether everything that it names is in the scene, together or apart.
    """

    form: tuple[bool, bool, bool]
    text: str
    fits: tuple[int, ...]
    near: bool


def _phrases(things: Sequence[Thing], split: SplitName, plural: bool) -> list[_Phrase]:
    """List "[size] [colour] shape-or-object", or "all … shapes-or-objects" in the plural, whatever they fit."""
    found = []
    for size, colour, shape in product(("", *SIZES), ("", *COLOURS), ("", *SHAPES)):
        if split != "shifted" and (colour, shape) in HELD_OUT:
            continue
        pairs = [(size, "size"), (colour, "colour"), (shape, "shape")]
        rows = [{row for row, thing in enumerate(things) if word in ("", getattr(thing, part))} for word, part in pairs]
        ending = "" if not plural else "es" if shape == "cross" else "s"
        words = ("all" if plural else "", size, colour, f"{shape or 'object'}{ending}")
        form = (bool(size), bool(colour), bool(shape))
        fits = tuple(sorted(set.intersection(*rows)))
        found.append(_Phrase(form, " ".join(word for word in words if word), fits, all(rows)))
    return found


def _absent(phrases: Sequence[_Phrase], form: tuple[bool, bool, bool]) -> list[_Phrase]:
    """Phrases that fit nothing: of this form and about what the scene has, or as near to that as there are."""
    nothing = [each for each in phrases if not each.fits]
    alike = [each for each in nothing if each.form == form]
    return [each for each in alike if each.near] or alike or [each for each in nothing if each.near] or nothing


def _related(things: tuple[Thing, ...]) -> list[Expression]:
    """Expressions that single an object out by its place, size or neighbour."""
    found = all_expressions(things, False)
    return [each for kind in KINDS if kind != "attribute" for each in found[kind]]


def _split(split: SplitName, things: Sequence[Thing]) -> str:
    if split != "test":
        return split
    return "testA" if len(things) <= TEST_A_OBJECTS else "testB"


def _ref(number: int, split: str, image_id: int, text: str, chosen: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One record as the official file has them; numbers of refs and sentences are the same here."""
    return {
        "ref_id": number,
        "image_id": image_id,
        "ann_id": [each["id"] for each in chosen] or [-1],
        "category_id": [each["category_id"] for each in chosen] or [-1],
        "file_name": f"COCO_train2014_{image_id:012d}.jpg",
        "split": split,
        "sent_ids": [number],
        "sentences": [{"sent_id": number, "sent": text, "raw": text, "tokens": text.split()}],
        "no_target": not chosen,
    }
