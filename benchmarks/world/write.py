"""Write the sample world in official on-disk formats: refs pickles, instances.json and photos.

    <out>/refcoco/refs(unc).p, <out>/refcoco+/refs(unc).p, <out>/refcocog/refs(umd).p, refs(google).p
    <out>/<each>/instances.json      <out>/images/train2014/COCO_train2014_<12 digits>.jpg

    and what the other modules of this folder write, see `benchmarks.world.parts`

All three datasets share the photos, as the real ones do. RefCOCO has short expressions of every kind, RefCOCO+ no
location words, RefCOCOg full phrases. testA holds scenes of up to four objects, testB the others. The train split here
is for inspection: training streams scenes of the same generator.
"""

import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.errors import DataError
from benchmarks.world import parts
from benchmarks.world.dense import generate_dense
from benchmarks.world.expressions import Expression, Kind, all_expressions, choose
from benchmarks.world.grefcoco import write_grefs
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SHAPES, SIZE, Scene, SplitName, generate

VERSION = "world-7"
"""Changes whenever the same seed would draw another world."""
SEED = 0
SCENES: dict[SplitName, int] = {"train": 100, "val": 100, "test": 250, "shifted": 100}
PER_SCENE: dict[Kind, int] = {"attribute": 2, "superlative": 2, "direction": 1, "distance": 1}
"""Expressions drawn per scene, by kind."""
_WITHOUT_PLACES = ("left", "right", "top", "bottom")
_MARKER = "world.json"

Progress = Callable[[int, int], None]
"""Called with (scenes done, scenes in all)."""


@dataclass(frozen=True)
class Dataset:
    """One of the datasets that the world writes: its folder, its partitions, its style of expressions."""

    folder: str
    partitions: tuple[str, ...]
    articles: bool
    places: bool
    split_test: bool


DATASETS = (
    Dataset("refcoco", ("unc",), articles=False, places=True, split_test=True),
    Dataset("refcoco+", ("unc",), articles=False, places=False, split_test=True),
    Dataset("refcocog", ("umd", "google"), articles=True, places=True, split_test=False),
)


class _Writer:
    """Numbers images, objects, refs and sentences the way the official files do."""

    def __init__(self) -> None:
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.refs: dict[str, list[dict[str, Any]]] = {dataset.folder: [] for dataset in DATASETS}
        self.sentences = dict.fromkeys(self.refs, 0)

    def add(self, scene: Scene, split: SplitName, image_id: int, rng: np.random.Generator) -> str:
        """Record one scene; return its file name."""
        name = f"COCO_train2014_{image_id:012d}.jpg"
        self.images.append({"id": image_id, "file_name": name, "width": SIZE, "height": SIZE})
        first = len(self.annotations) + 1
        for thing, mask in zip(scene.things, scene.masks, strict=True):
            self.annotations.append(_annotation(len(self.annotations) + 1, image_id, thing.shape, thing.outline, mask))
        for dataset in DATASETS:
            found = all_expressions(scene.things, dataset.articles)
            if not dataset.places:
                found = {
                    "attribute": found["attribute"],
                    "superlative": [e for e in found["superlative"] if not any(w in e.text for w in _WITHOUT_PLACES)],
                    "direction": [],
                    "distance": [],
                }
            name_split = (
                split if split != "test" or not dataset.split_test else ("testA" if len(scene.things) <= 4 else "testB")
            )
            self._refer(dataset.folder, choose(rng, found, PER_SCENE), name_split, image_id, first)
        return name

    def _refer(self, folder: str, expressions: list[Expression], split: str, image_id: int, first: int) -> None:
        refs = self.refs[folder]
        for target in sorted({e.target for e in expressions}):
            sentences = []
            for expression in (e for e in expressions if e.target == target):
                self.sentences[folder] += 1
                text = expression.text
                sentences.append(
                    {
                        "sent_id": self.sentences[folder],
                        "sent": text,
                        "raw": text,
                        "tokens": text.split(),
                        "kind": expression.kind,
                    }
                )
            annotation = self.annotations[first - 1 + target]
            refs.append(
                {
                    "ref_id": len(refs) + 1,
                    "ann_id": annotation["id"],
                    "category_id": annotation["category_id"],
                    "image_id": image_id,
                    "file_name": f"COCO_train2014_{image_id:012d}_{annotation['id']}.jpg",
                    "split": split,
                    "sent_ids": [s["sent_id"] for s in sentences],
                    "sentences": sentences,
                }
            )


def _annotation(number: int, image_id: int, shape: str, outline: np.ndarray, mask: np.ndarray) -> dict[str, Any]:
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return {
        "id": number,
        "image_id": image_id,
        "category_id": 1 + SHAPES.index(shape),
        "segmentation": [outline.ravel().tolist()],
        "bbox": [int(xs[0]), int(ys[0]), int(xs[-1] - xs[0] + 1), int(ys[-1] - ys[0] + 1)],
        "area": int(mask.sum()),
        "iscrowd": 0,
    }


def write_world(
    out: Path, seed: int = SEED, scenes: dict[SplitName, int] | None = None, progress: Progress | None = None
) -> None:
    """Write the world into a folder that is new or empty.

    Args:
        out: data root to make.
        seed: another seed gives another world.
        scenes: number of scenes per split; default `SCENES`.
        progress: told after every scene.

    Raises:
        DataError: the folder holds something else, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataError(f"{out} is not an empty folder: choose a new one for the sample world")
    draft = out.parent / f".{out.name}.draft-{os.getpid()}"
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        _write(draft, seed, SCENES if scenes is None else scenes, progress)
        draft.replace(out)
    except OSError as error:
        raise DataError(
            f"{out} cannot be written ({error.strerror}): choose a folder with room and write access"
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _write(folder: Path, seed: int, scenes: dict[SplitName, int], progress: Progress | None) -> None:
    photos = folder / "images" / "train2014"
    photos.mkdir(parents=True)
    writer = _Writer()
    total, image_id = sum(scenes.values()), 0
    for split, count in scenes.items():
        for index in range(count):
            image_id += 1
            scene = generate(seed, split, index)
            name = writer.add(scene, split, image_id, np.random.default_rng([seed, 1000 + image_id]))
            (photos / name).write_bytes(jpeg(scene.image))
            if progress:
                progress(image_id, total)
    instances = {
        "info": {"description": f"refbench sample world, seed {seed}", "version": VERSION},
        "images": writer.images,
        "annotations": writer.annotations,
        "categories": [{"id": 1 + i, "name": shape, "supercategory": "shape"} for i, shape in enumerate(SHAPES)],
    }
    for dataset in DATASETS:
        target = folder / dataset.folder
        target.mkdir()
        (target / "instances.json").write_text(json.dumps(instances), encoding="utf-8")
        for partition in dataset.partitions:
            (target / f"refs({partition}).p").write_bytes(pickle.dumps(writer.refs[dataset.folder], protocol=2))
    write_grefs(folder, seed, scenes, instances)
    for part in parts.find():
        part(folder, seed, scenes)
    generate_dense.cache_clear()  # the parts shared its scenes; an evaluation that follows needs the memory
    (folder / _MARKER).write_text(json.dumps({"version": VERSION, "seed": seed}) + "\n", encoding="utf-8")


def is_world(root: Path) -> bool:
    """Whether a data root was written by `write_world`: its rows must never pass as official ones."""
    return (root / _MARKER).is_file()


def ensure_world(cache_root: Path, progress: Progress | None = None) -> Path:
    """Return the data root of the default sample world, writing it on the first call.

    Raises:
        DataError: the cache folder cannot be written.
    """
    out = cache_root / VERSION
    if is_world(out):
        return out
    try:
        cache_root.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{VERSION}-", dir=cache_root))
    except OSError as error:
        raise DataError(
            f"{cache_root} cannot be written ({error.strerror}): set REFBENCH_CACHE to a folder that can"
        ) from None
    try:
        write_world(draft / "world", progress=progress)
        if not is_world(out):
            shutil.rmtree(out, ignore_errors=True)
            (draft / "world").rename(out)
    except OSError:
        if not is_world(out):
            raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return out
