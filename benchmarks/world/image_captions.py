"""NoCaps and Flickr30k in the sample world: five references a photo, in the official format of each."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.captions import references
from benchmarks.world.few import few
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import SIZE, SplitName

DOMAINS: Mapping[str, SplitName] = {"in-domain": "val", "near-domain": "test", "out-domain": "shifted"}
"""Scenes of the shifted split hold pairs of colour and shape that training never shows."""
AT_MOST = 15


def write_nocaps(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `nocaps` below a data root; nothing without scenes."""
    (photos := folder / "nocaps" / "val").mkdir(parents=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for domain, split in DOMAINS.items():
        for scene in few(seed, scenes, split, AT_MOST):
            number = len(images)
            open_images_id = f"{number:016x}"
            (photos / f"{open_images_id}.jpg").write_bytes(jpeg(scene.image))
            name = {"open_images_id": open_images_id, "file_name": f"{open_images_id}.jpg", "domain": domain}
            images.append({"id": number, **name, "height": SIZE, "width": SIZE})
            texts = references(scene, np.random.default_rng([seed, 5300, number]))
            annotations += [{"id": number * 5 + k, "image_id": number, "caption": text} for k, text in enumerate(texts)]
    if images:
        content = {"info": {"description": "nocaps validation dataset"}, "images": images, "annotations": annotations}
        (folder / "nocaps" / "nocaps_val_4500_captions.json").write_text(json.dumps(content), encoding="utf-8")


def write_flickr30k(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `flickr30k` below a data root; nothing without scenes."""
    (photos := folder / "flickr30k" / "flickr30k-images").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    splits: tuple[SplitName, ...] = ("val", "test")
    for split in splits:
        for scene in few(seed, scenes, split, AT_MOST):
            name = f"{1_000_000 + len(images)}.jpg"
            (photos / name).write_bytes(jpeg(scene.image))
            texts = references(scene, np.random.default_rng([seed, 5400, len(images)]))
            sentences = [{"raw": text, "tokens": text.rstrip(".").lower().split()} for text in texts]
            images.append({"filename": name, "imgid": len(images), "split": split, "sentences": sentences})
    if images:
        content = json.dumps({"dataset": "flickr30k", "images": images})
        (folder / "flickr30k" / "dataset_flickr30k.json").write_text(content, encoding="utf-8")


PARTS = [write_nocaps, write_flickr30k]
