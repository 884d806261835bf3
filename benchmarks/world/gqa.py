"""The GQA part of the sample world: questions of several structural and semantic types, in the official format."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.few import few
from benchmarks.world.photos import jpeg
from benchmarks.world.questions import ask, choice
from benchmarks.world.scenes import Scene, SplitName

SPLITS: Mapping[str, tuple[SplitName, int]] = {"testdev_balanced": ("test", 40), "val_balanced": ("val", 20)}


def write_gqa(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `gqa/questions1.2` and `gqa/images` below a data root."""
    (questions := folder / "gqa" / "questions1.2").mkdir(parents=True)
    (photos := folder / "gqa" / "images").mkdir()
    for number, (split, (world_split, at_most)) in enumerate(SPLITS.items(), start=1):
        found: dict[str, dict[str, Any]] = {}
        for index, scene in enumerate(few(seed, scenes, world_split, at_most)):
            image_id = f"n{number}{index:05d}"
            (photos / f"{image_id}.jpg").write_bytes(jpeg(scene.image))
            asked = _questions(scene, np.random.default_rng([seed, 5000, number, index]))
            found |= {f"{number}{index:05d}{k}": {**each, "imageId": image_id} for k, each in enumerate(asked)}
        if found:
            (questions / f"{split}_questions.json").write_text(json.dumps(found), encoding="utf-8")


def _questions(scene: Scene, rng: np.random.Generator) -> list[dict[str, Any]]:
    _, there, colour, place = ask(scene, rng)
    asked = [
        _entry(there[1], there[2], "verify", "obj"),
        _entry(colour[1], colour[2], "query", "attr"),
        _entry(place[1], place[2], "query", "rel"),
    ]
    if (chosen := choice(scene.things, rng)) is not None:
        asked.append(_entry(*chosen, "choose", "attr"))
    return asked


def _entry(question: str, answer: str, structural: str, semantic: str) -> dict[str, Any]:
    types = {"structural": structural, "semantic": semantic, "detailed": f"{structural}{semantic.capitalize()}"}
    return {"question": question, "answer": answer, "fullAnswer": answer, "isBalanced": True, "types": types}


PARTS = [write_gqa]
