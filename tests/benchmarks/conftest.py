"""A cache of its own for every test, and RefCOCO files of any content."""

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from PIL import Image

# No deadline: a busy machine is no failure. Derandomised: the same commit gives the same verdict everywhere.
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory, monkeypatch) -> Path:
    """Keep tests out of the user's cache and out of each other's."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("REFBENCH_CACHE", str(folder))
    return folder


@pytest.fixture
def tables() -> dict[str, Any]:
    """Records of two photos, two refs and three expressions, ready to be bent by a test."""
    image = {"height": 40, "width": 60}
    return {
        "images": [{"id": 7, "file_name": "COCO_train2014_000000000007.jpg", **image},
                   {"id": 9, "file_name": "COCO_train2014_000000000009.jpg", **image}],
        "annotations": [
            {"id": 70, "image_id": 7, "category_id": 1, "iscrowd": 0, "bbox": [10, 5, 20, 10],
             "segmentation": [[10, 5, 20, 5, 20, 15, 10, 15], [25, 5, 30, 5, 30, 15, 25, 15]]},
            {"id": 90, "image_id": 9, "category_id": 1, "iscrowd": 0, "bbox": [0.5, 0, 4, 40],
             "segmentation": [[0.5, 0, 4.5, 0, 4.5, 40, 0.5, 40]]},
        ],
        "refs": [ref(1234, 70, 7, "val", {2: "left cat", 3: "the cat"}), ref(1200, 90, 9, "testA", {8: "edge"})],
    }  # fmt: skip


def ref(ref_id: int, ann_id: int, image_id: int, split: str, sentences: dict[int, str]) -> dict[str, Any]:
    """One record as the refer tool stores it."""
    return {
        "ref_id": ref_id, "ann_id": ann_id, "category_id": 1, "image_id": image_id, "split": split,
        "file_name": f"COCO_train2014_{image_id:012d}_{ref_id}.jpg", "sent_ids": list(sentences),
        "sentences": [{"sent_id": n, "sent": s, "raw": s.upper(), "tokens": s.split()} for n, s in sentences.items()],
    }  # fmt: skip


@pytest.fixture
def write_root(tmp_path) -> Callable[..., Path]:
    """Write tables as refcoco/unc, with grey photos, and return the data root."""

    def write(tables: dict[str, Any], folder: str = "refcoco", partition: str = "unc", photos: bool = True) -> Path:
        root = tmp_path / "root"
        (root / folder).mkdir(parents=True, exist_ok=True)
        (root / folder / f"refs({partition}).p").write_bytes(pickle.dumps(tables["refs"], protocol=2))
        instances = {key: tables[key] for key in ("images", "annotations")} | {"categories": [{"id": 1, "name": "cat"}]}
        (root / folder / "instances.json").write_text(json.dumps(instances))
        if photos:
            (root / "images/train2014").mkdir(parents=True, exist_ok=True)
            for image in tables["images"]:
                picture = Image.new("RGB", (image["width"], image["height"]), "grey")
                picture.save(root / "images/train2014" / image["file_name"])
        return root

    return write
