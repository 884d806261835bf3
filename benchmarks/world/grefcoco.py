"""The gRefCOCO part of the sample world: two expressions a scene, one that fits nothing and one that fits.

What fits nothing names a colour and a shape that are both in the scene, but not together. What fits means one object
in every other scene, as in RefCOCO, and all of some kind in the rest ("all small red objects"). testA holds scenes of
up to four objects, testB the others.
"""

import json
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.expressions import all_expressions
from benchmarks.world.scenes import COLOURS, HELD_OUT, SHAPES, SIZES, SplitName, Thing, draw_things, rng_for

TEST_A_OBJECTS = 4
"""Most objects of a scene of testA."""


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

    Args:
        things: the objects of the scene.
        split: only "shifted" names colour-shape pairs that the others hold out.
        rng: decides.
        several: whether the second expression means several objects; so it does where no phrase means exactly one.
    """
    absent = _absent(things, split)
    one = [(each.text, (each.target,)) for found in all_expressions(things, False).values() for each in found]
    fitting = _plurals(things) if several or not one else one
    return [(absent[int(rng.integers(len(absent)))], ()), fitting[int(rng.integers(len(fitting)))]]


def _absent(things: Sequence[Thing], split: SplitName) -> list[str]:
    """Phrases of a colour and a shape that no object has together, though both occur where that is possible."""
    there = {(thing.colour, thing.shape) for thing in things}
    hidden = there if split == "shifted" else there | HELD_OUT
    near = product(sorted({thing.colour for thing in things}), sorted({thing.shape for thing in things}))
    return [f"{c} {s}" for c, s in near if (c, s) not in hidden] or [
        f"{c} {s}" for c, s in product(COLOURS, SHAPES) if (c, s) not in hidden
    ]


def _plurals(things: Sequence[Thing]) -> list[tuple[str, tuple[int, ...]]]:
    """Phrases "all [size] [colour] shapes-or-objects" that fit two objects or more; "all objects" always does."""
    found = []
    for size, colour, shape in product(("", *SIZES), ("", *COLOURS), ("", *SHAPES)):
        fits = tuple(
            row
            for row, thing in enumerate(things)
            if size in ("", thing.size) and colour in ("", thing.colour) and shape in ("", thing.shape)
        )
        if len(fits) > 1:
            noun = "crosses" if shape == "cross" else f"{shape or 'object'}s"
            found.append((" ".join(word for word in ("all", size, colour, noun) if word), fits))
    return found


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
