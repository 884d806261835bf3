"""Opening a RefCOCO-sized dataset: ours cold and warm, against a plain pickle load and pycocotools' index."""

import json
import pickle
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from benchmarks import index_cache
from benchmarks.registry import benchmark

PHOTOS, REFS, EXTRA_INSTANCES = 19_994, 50_000, 146_771  # what the published refcoco/unc files hold
SPLIT_REFS = {"train": 42_404, "val": 3_811, "testA": 1_975, "testB": 1_810}
WORDS = ["man", "woman", "left", "right", "red", "blue shirt", "dog", "second from the", "holding", "in front of"]


def polygon(rng: random.Random) -> list[float]:
    """A star-shaped outline of 25 to 60 points, as long as COCO's."""
    x, y, size = rng.uniform(100, 500), rng.uniform(100, 380), rng.uniform(20, 90)
    points = rng.randint(25, 60)
    spokes = [(size * rng.uniform(0.7, 1), 2 * 3.141592 * i / points) for i in range(points)]
    return [round(v, 2) for r, a in spokes for v in (x + r * (1 - a * a / 20), y + r * (a / 3.2 - 1))]


def write_stand_in(root: Path) -> None:
    """Write refs(unc).p, instances.json and empty photos of the published size."""
    rng = random.Random(0)
    names = [f"COCO_train2014_{n:012d}.jpg" for n in range(PHOTOS)]
    images = [{"id": n, "file_name": name, "height": 480, "width": 640} for n, name in enumerate(names)]
    annotations, refs, sent_id = [], [], 0
    for ann_id in range(REFS + EXTRA_INSTANCES):
        outline = polygon(rng)
        x, y = min(outline[::2]), min(outline[1::2])
        box = [x, y, round(max(outline[::2]) - x, 2), round(max(outline[1::2]) - y, 2)]
        record = {"id": ann_id, "image_id": ann_id % PHOTOS, "category_id": 1, "iscrowd": 0}
        annotations.append(record | {"bbox": box, "segmentation": [outline]})
    splits = [name for name, count in SPLIT_REFS.items() for _ in range(count)]
    for ref_id, split in enumerate(splits):
        sentences = []
        for _ in range(3 if ref_id % 6 else 2):
            tokens = rng.choices(WORDS, k=rng.randint(1, 7))
            sent = " ".join(tokens)
            sentences.append({"tokens": tokens, "raw": sent, "sent_id": sent_id, "sent": sent})
            sent_id += 1
        record = {"ref_id": ref_id, "ann_id": ref_id, "image_id": ref_id % PHOTOS, "category_id": 1, "split": split}
        record |= {"sentences": sentences, "sent_ids": [s["sent_id"] for s in sentences], "file_name": "unused"}
        refs.append(record)
    (root / "refcoco").mkdir(parents=True)
    (root / "images/train2014").mkdir(parents=True)
    for name in names:
        (root / "images/train2014" / name).touch()
    (root / "refcoco/refs(unc).p").write_bytes(pickle.dumps(refs, protocol=2))
    (root / "refcoco/instances.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]})
    )


def seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


@pytest.mark.bench
@pytest.mark.timeout(900)
def test_opening_a_full_sized_split(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("REFBENCH_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "root"
    write_stand_in(root)
    monkeypatch.setattr(index_cache, "_RACY_NS", 0)  # files this young are hashed at every start, not so a user's
    entry = benchmark("refcoco/unc")

    def peer() -> None:
        with (root / "refcoco/refs(unc).p").open("rb") as stream:
            pickle.load(stream)
        COCO(root / "refcoco/instances.json")

    def all_evaluation_splits() -> None:
        for split in ("val", "testA", "testB"):
            entry.open(root, split, "official")

    timings = {
        "pickle.load + pycocotools.COCO()": seconds(peer),
        "refbench cold, val (all evaluation splits indexed)": seconds(lambda: entry.open(root, "val", "official")),
        "refbench warm, val": seconds(lambda: entry.open(root, "val", "official")),
        "refbench warm, val + testA + testB": seconds(all_evaluation_splits),
        "refbench cold, train": seconds(lambda: entry.open(root, "train", "official")),
        "refbench warm, train": seconds(lambda: entry.open(root, "train", "official")),
    }
    size = (root / "refcoco/instances.json").stat().st_size / 2**20
    with capsys.disabled():
        print(f"\nrefcoco/unc stand-in: {REFS} refs, instances.json {size:.0f} MiB")
        for name, value in timings.items():
            print(f"  {name:<52} {value:7.2f} s")
    assert len(entry.open(root, "val", "official").samples) > 10_000
