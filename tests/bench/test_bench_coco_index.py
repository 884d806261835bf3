"""Opening COCO annotations of train2014's size: ours cold, warm and in several ranks, against pycocotools and refer.

The peer is what a program does that evaluates referring expressions beside COCO: `pycocotools.COCO()`, and a second
load of the same file with the tables that the refer tool builds. Every figure is of a fresh process, imports not
counted; MiB are the growth of its peak resident set, and for ranks the sum of proportional set sizes (a page that N
processes map counts 1/N in each). Run with -m bench -s.
"""

import json
import math
import random
import subprocess
import sys
from pathlib import Path

import pytest

IMAGES, OBJECTS, CATEGORIES, CROWDS = 82_783, 604_907, 80, 7_000  # what instances_train2014.json holds
RANKS = 4
MEASURE = """
import json, multiprocessing, sys, time
def peak():  # VmHWM and not ru_maxrss, which a process inherits from the one that started it
    with open("/proc/self/status") as stream:
        return next(int(line.split()[1]) for line in stream if line.startswith("VmHWM:")) / 1024
def proportional():
    with open("/proc/self/smaps_rollup") as stream:
        return sum(int(line.split()[1]) for line in stream if line.startswith("Pss:")) / 1024
def measured(action):
    before, start, work = peak(), time.perf_counter(), time.process_time()
    result = action()
    seconds, cpu = time.perf_counter() - start, time.process_time() - work
    print(json.dumps({"seconds": seconds, "cpu": cpu, "mib": peak() - before}))
    return result
"""
PEER = """
from pycocotools.coco import COCO
def load():
    first = COCO(sys.argv[1])
    with open(sys.argv[1]) as stream:
        second = json.load(stream)
    images = {each["id"]: each for each in second["images"]}
    objects, by_image = {}, {}
    for each in second["annotations"]:
        objects[each["id"]] = each
        by_image[each["image_id"]] = by_image.get(each["image_id"], []) + [each]
    return first, images, objects, by_image
kept = measured(load)
"""
OURS = """
from pathlib import Path
import numpy, pycocotools.mask
from benchmarks import coco, coco_index, index_cache
index_cache._RACY_NS = 0
def load(): return coco.open_split(Path(sys.argv[1]), "train2017", "official")
"""
OPEN = f"{OURS}\nkept = measured(load)\nassert len(kept.samples) == {IMAGES}\n"
USE = """
def touch(split, start):
    for place in range(start, len(split.samples), 97):
        for each in split.samples[place].target.objects:
            each.mask_rle
def rank(number, opened, queue, barrier):
    before = proportional()
    split = opened if opened is not None else load()
    touch(split, number)
    barrier.wait()
    queue.put(proportional() - before)
    barrier.wait()
def ranks(method, opened):
    context = multiprocessing.get_context(method)
    queue, barrier = context.Queue(), context.Barrier(int(sys.argv[2]))
    own = [context.Process(target=rank, args=(k, opened, queue, barrier)) for k in range(int(sys.argv[2]))]
    for each in own: each.start()
    print(json.dumps({"mib": sum(queue.get() for _ in own)}))
    for each in own: each.join()
if __name__ == "__main__":
    ranks(sys.argv[3], load() if sys.argv[3] == "fork" else None)
"""


def polygon(rng):
    """An outline of 12 to 34 points, so that the file has the size of the published one."""
    x, y, size, points = rng.uniform(100, 500), rng.uniform(100, 380), rng.uniform(20, 90), rng.randint(12, 34)
    spokes = [(size * rng.uniform(0.7, 1), 2 * math.pi * k / points) for k in range(points)]
    return [round(value, 2) for r, a in spokes for value in (x + r * math.cos(a), y + r * math.sin(a))]


def crowd(rng):
    """Runs that cover an image of 640 x 480 pixels."""
    cuts = sorted(rng.sample(range(1, 640 * 480), 150))
    return {"counts": [b - a for a, b in zip([0, *cuts], [*cuts, 640 * 480], strict=True)], "size": [480, 640]}


def write_stand_in(root):
    """Write annotations of the published size, and empty photos."""
    rng = random.Random(0)
    (root / "coco/annotations").mkdir(parents=True)
    (root / "coco/train2017").mkdir()
    images = []
    for number in range(1, IMAGES + 1):
        name = f"COCO_train2014_{number:012d}.jpg"
        (root / "coco/train2017" / name).touch()
        links = {"coco_url": f"http://images.cocodataset.org/train2014/{name}", "date_captured": "2013-11-14 11:18:45"}
        images.append({"license": 3, "file_name": name, **links, "height": 480, "width": 640, "id": number})
    annotations = []
    for number in range(1, OBJECTS + 1):
        outline = polygon(rng)
        x, y = min(outline[::2]), min(outline[1::2])
        box = [x, y, round(max(outline[::2]) - x, 2), round(max(outline[1::2]) - y, 2)]
        many = number <= CROWDS
        record = {"segmentation": crowd(rng) if many else [outline], "area": box[2] * box[3], "iscrowd": int(many)}
        place = {"image_id": rng.randint(1, IMAGES), "bbox": box, "category_id": rng.randint(1, CATEGORIES)}
        annotations.append({**record, **place, "id": number})
    categories = [{"supercategory": "thing", "id": k, "name": f"thing {k}"} for k in range(1, CATEGORIES + 1)]
    path = root / "coco/annotations/instances_train2017.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """Run a program in a process of its own, with a cache of this test, and return what it printed last."""
    monkeypatch.setenv("REFBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))

    def run(program, *words):
        (script := tmp_path / "program.py").write_text(MEASURE + program)
        command = [sys.executable, str(script), *map(str, words)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


@pytest.mark.bench
@pytest.mark.timeout(1800)
def test_opening_annotations_of_the_size_of_train2014(tmp_path, fresh, capsys):
    root = tmp_path / "root"
    path = write_stand_in(root)
    peer = fresh(PEER, path)
    cold, warm = fresh(OPEN, root), fresh(OPEN, root)
    ranks = {method: fresh(OURS + USE, root, RANKS, method) for method in ("fork", "spawn")}
    one = fresh(OURS + USE, root, 1, "spawn")
    assert min(row["mib"] for row in (peer, cold, one, *ranks.values())) > 0  # what grew was seen
    rows = {"pycocotools.COCO() + refer's load": peer, "refbench cold": cold, "refbench warm": warm}
    with capsys.disabled():
        print(f"\n{IMAGES} images, {OBJECTS} objects, {path.stat().st_size / 2**20:.0f} MiB of JSON")
        for name, row in rows.items():
            print(f"  {name:<36} {row['seconds']:6.2f} s, {row['cpu']:6.2f} s of CPU, {row['mib']:5.0f} MiB")
        for name, row in (("cold", cold), ("warm", warm)):
            shares = {key: row[key] / peer[key] for key in row}
            print(f"  {name} / peer: {shares['seconds']:.3f} of the time, {shares['cpu']:.3f} of the CPU, ", end="")
            print(f"{shares['mib']:.3f} of the memory")
        print(f"  1 rank that opens and uses it: {one['mib']:.0f} MiB")
        for method, row in ranks.items():
            print(f"  {RANKS} ranks together, {method}: {row['mib']:.0f} MiB ({row['mib'] / one['mib']:.2f} copies)")
