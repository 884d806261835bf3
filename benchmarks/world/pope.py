"""The POPE part of the sample world: six questions a scene about coloured shapes, half of them absent.

Absent objects are drawn as in POPE: at random; the most frequent ones of the whole split (popular); or those that share
the most colours and shapes with what is in the scene (adversarial, where POPE takes what often occurs together).
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

import numpy as np

from benchmarks.world.scenes import COLOURS, SHAPES, Scene

PER_LABEL = 3
Name = tuple[str, str]
"""(colour, shape)."""
_ALL: tuple[Name, ...] = tuple(product(COLOURS, SHAPES))


@dataclass
class PopeWriter:
    """Collects scenes, then writes the three files."""

    seed: int
    photos: list[str] = field(default_factory=list)
    names: list[list[Name]] = field(default_factory=list)

    def add(self, scene: Scene, photo: str) -> None:
        """Record one scene and the name of its photo."""
        self.photos.append(photo)
        self.names.append(sorted({(thing.colour, thing.shape) for thing in scene.things}))

    def write(self, folder: Path) -> None:
        """Write `pope/coco_pope_<split>.json` below a data root; nothing without scenes."""
        if not self.photos:
            return
        (folder / "pope").mkdir()
        frequent = Counter(name for present in self.names for name in present)
        for code, split in enumerate(("random", "popular", "adversarial")):
            rng = np.random.default_rng([self.seed, 2000 + code])
            lines: list[str] = []
            for photo, present in zip(self.photos, self.names, strict=True):
                asked = rng.permutation(len(present))[:PER_LABEL]
                absent = _absent(split, present, frequent, rng)[: len(asked)]
                for yes, no in zip([present[k] for k in asked], absent, strict=True):
                    lines += [_line(len(lines) + 1, photo, yes, "yes"), _line(len(lines) + 2, photo, no, "no")]
            (folder / "pope" / f"coco_pope_{split}.json").write_text("".join(lines), encoding="utf-8")


def _absent(split: str, present: Sequence[Name], frequent: Counter[Name], rng: np.random.Generator) -> list[Name]:
    """Objects that are not in the scene, those to ask about first; ties in random order."""
    others = [_ALL[k] for k in rng.permutation(len(_ALL)) if _ALL[k] not in present]
    if split == "popular":
        return sorted(others, key=lambda name: -frequent[name])
    if split == "adversarial":
        parts = Counter(part for name in present for part in name)
        return sorted(others, key=lambda name: -(parts[name[0]] + parts[name[1]]))
    return others


def _line(number: int, photo: str, name: Name, label: str) -> str:
    article = "an" if name[0][0] in "aeiou" else "a"
    text = f"Is there {article} {name[0]} {name[1]} in the image?"
    return json.dumps({"question_id": number, "image": photo, "text": text, "label": label}) + "\n"
