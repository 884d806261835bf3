"""The caption part of the sample world: five references a scene, in the form of Karpathy's dataset_coco.json."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.scenes import Scene, Thing

COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight"}


@dataclass
class CaptionWriter:
    """Collects scenes, then writes the file."""

    seed: int
    images: list[dict[str, Any]] = field(default_factory=list)

    def add(self, scene: Scene, split: str, photo: str, image_id: int) -> None:
        """Record one scene."""
        texts = references(scene, np.random.default_rng([self.seed, 3000, image_id]))
        sentences = [
            {"raw": text, "tokens": text.rstrip(".").lower().split(), "imgid": len(self.images), "sentid": number}
            for number, text in enumerate(texts, start=5 * len(self.images))
        ]
        image = {"filepath": "val2014", "filename": photo, "cocoid": image_id, "imgid": len(self.images)}
        ids = [sentence["sentid"] for sentence in sentences]
        self.images.append({**image, "split": split, "sentids": ids, "sentences": sentences})

    def write(self, folder: Path) -> None:
        """Write `karpathy/dataset_coco.json` below a data root; nothing without scenes."""
        if self.images:
            (folder / "karpathy").mkdir()
            content = json.dumps({"dataset": "coco", "images": self.images})
            (folder / "karpathy" / "dataset_coco.json").write_text(content, encoding="utf-8")


def references(scene: Scene, rng: np.random.Generator) -> list[str]:
    """Five true sentences about a scene, each from another point of view."""
    things = [scene.things[k] for k in rng.permutation(len(scene.things))]
    across, down = sorted(things, key=lambda thing: thing.x), sorted(things, key=lambda thing: thing.y)
    biggest = max(things, key=lambda thing: thing.radius)
    others = COUNTS.get(len(things) - 1, "one")
    return [
        f"{_list([_a(thing) for thing in things])}.".capitalize(),
        f"There are {COUNTS[len(things)]} shapes: {_list(_counted(things))}.",
        f"From left to right: {_list([_a(thing) for thing in across])}.",
        f"{_a(down[0])} at the top and {_a(down[-1])} at the bottom.".capitalize(),
        f"{_a(biggest)} with {others} other shape{'s' if others != 'one' else ''} around it.".capitalize(),
    ]


def _a(thing: Thing) -> str:
    name = f"{thing.colour} {thing.shape}"
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _counted(things: list[Thing]) -> list[str]:
    counts = Counter(thing.shape for thing in things)
    return [f"{COUNTS.get(count, 'one')} {_plural(shape, count)}" for shape, count in counts.items()]


def _plural(shape: str, count: int) -> str:
    return shape if count == 1 else f"{shape}es" if shape == "cross" else f"{shape}s"


def _list(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
