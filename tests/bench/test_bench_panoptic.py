"""Panoptic scoring against panopticapi and hotcoco on the same files, one process each; run with -m bench -s.

panopticapi is not on the package index: its bench runs where `import panopticapi` works (its repository on the path).
"""

import contextlib
import io
import json
import os
import time

import numpy as np
import pytest
from PIL import Image

from metrics import panoptic_png
from metrics.panoptic_files import score

pytestmark = pytest.mark.bench
IMAGES, SIZE_HW = 200, (480, 640)
CATEGORIES = [{"id": c, "name": f"c{c}", "isthing": int(c < 80)} for c in range(1, 134)]


def scene(rng):
    """About a dozen blobs on bands of stuff, as in COCO: int [H, W] of segment numbers from 1."""
    rows, columns = np.mgrid[: SIZE_HW[0], : SIZE_HW[1]]
    ids = 1 + (rows + 25 * np.sin(columns / rng.uniform(20, 60)) > SIZE_HW[0] * rng.uniform(0.3, 0.7)).astype(np.int64)
    for number in range(3, 3 + int(rng.integers(6, 14))):
        y, x = rng.uniform(0, SIZE_HW[0]), rng.uniform(0, SIZE_HW[1])
        radius = rng.uniform(15, 90) * (1 + 0.3 * np.sin(np.arctan2(rows - y, columns - x) * rng.integers(2, 9)))
        ids[np.hypot(rows - y, columns - x) < radius] = number
    return ids


def write(folder, name, maps, rng):
    (folder / name).mkdir()
    annotations = []
    for number, ids in enumerate(maps):
        colours = rng.choice(2**24 - 1, int(ids.max()) + 1, replace=False) + 1
        rgb = np.stack([colours[ids] >> shift & 255 for shift in (0, 8, 16)], axis=-1).astype(np.uint8)
        Image.fromarray(rgb).save(folder / name / f"{number}.png")
        info = [
            {"id": int(colours[i]), "category_id": 1 + int(i) * 9 % 133, "area": int(n), "iscrowd": 0}
            for i, n in zip(*np.unique(ids, return_counts=True), strict=True)
        ]
        annotations.append({"image_id": number, "file_name": f"{number}.png", "segments_info": info})
    path = folder / f"{name}.json"
    images = [{"id": n, "height": SIZE_HW[0], "width": SIZE_HW[1]} for n in range(len(maps))]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": CATEGORIES}))
    return path


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("panoptic")
    targets = [scene(rng) for _ in range(IMAGES)]
    preds = [np.roll(t, (3, 5), (0, 1)) for t in targets]
    return write(folder, "gt", targets, rng), write(folder, "pred", preds, rng)


def milliseconds(call):
    """Run twice; the second run's CPU and wall time for each image, and its result."""
    call()
    cpu, wall = time.process_time(), time.perf_counter()
    result = call()
    return (time.process_time() - cpu) / IMAGES * 1e3, (time.perf_counter() - wall) / IMAGES * 1e3, result


def test_per_core_alone(files):
    """Our own time, for environments without any peer."""
    cpu, wall, report = milliseconds(lambda: score(*files, {}))
    print(f"\nrefbench, one core: {cpu:.2f} ms CPU, {wall:.2f} ms wall per image")
    print("for orientation, not measured here: panopticapi took 10.9 ms on 640x480 images with 11.6 segments")
    assert report.n == IMAGES


def show(name, cpu, wall, peer_cpu):
    print(f"{name:32} {cpu:6.2f} ms CPU, {wall:6.2f} ms wall per image, {peer_cpu / cpu:5.2f} x")


def official(files):
    evaluation = pytest.importorskip("panopticapi.evaluation")
    truth, answer = (json.loads(path.read_text()) for path in files)
    categories = {c["id"]: c for c in truth["categories"]}
    pairs = list(zip(truth["annotations"], answer["annotations"], strict=True))
    folders = [str(path.with_suffix("")) for path in files]

    def run():
        with contextlib.redirect_stdout(io.StringIO()):
            return evaluation.pq_compute_single_core(0, pairs, *folders, categories)

    # The peer goes first: our run leaves the heap in a state that would speed it up.
    cpu, wall, result = milliseconds(run)
    return cpu, wall, result.pq_average(categories, isthing=None)[0]["pq"]


def test_per_core_against_panopticapi(files, monkeypatch):
    peer_cpu, peer_wall, peer_pq = official(files)
    print()
    show("panopticapi, one core", peer_cpu, peer_wall, peer_cpu)
    fast = panoptic_png._decoder() is not None
    cpu, wall, report = milliseconds(lambda: score(*files, {}))
    show(f"refbench, one core ({'kornia_rs' if fast else 'Pillow'})", cpu, wall, peer_cpu)
    assert report.metrics["pq"] == pytest.approx(peer_pq, abs=1e-12)
    if fast:
        monkeypatch.setattr(panoptic_png, "_decoder", lambda: None)
        cpu, wall, report = milliseconds(lambda: score(*files, {}))
        show("refbench, one core (Pillow)", cpu, wall, peer_cpu)
        assert report.metrics["pq"] == pytest.approx(peer_pq, abs=1e-12)


def test_against_hotcoco(files):
    engine = pytest.importorskip("hotcoco.panoptic")

    def run():
        evaluation = engine.PanopticEval(*map(str, files))
        evaluation.evaluate()
        return evaluation.results()["All"]["pq"]

    peer_cpu, peer_wall, peer_pq = milliseconds(run)
    cpu, wall, report = milliseconds(lambda: score(*files, {}))
    print()
    show("hotcoco, all cores", peer_cpu, peer_wall, peer_cpu)
    show("refbench, one core", cpu, wall, peer_cpu)
    assert report.metrics["pq"] == pytest.approx(peer_pq, abs=1e-12)


def repeated(path, times):
    """The same PNGs under `times` image ids each, so that starting processes weighs as little as in a real set."""
    content = json.loads(path.read_text())
    entries = content["annotations"]
    content["annotations"] = [
        {**e, "image_id": e["image_id"] + copy * IMAGES} for copy in range(times) for e in entries
    ]
    longer = path.with_name(f"many_{path.name}")
    longer.write_text(json.dumps(content))
    return longer


def test_scaling_over_processes(files):
    times = 10
    many = [repeated(path, times) for path in files]
    folders = {"gt_folder": str(files[0].with_suffix("")), "pred_folder": str(files[1].with_suffix(""))}
    walls, reports = {}, {}
    for workers in sorted({1, 2, os.cpu_count() or 1}):
        start = time.perf_counter()
        reports[workers] = score(*many, {**folders, "workers": str(workers)})
        walls[workers] = (time.perf_counter() - start) / times / IMAGES * 1e3
    print()
    for workers, wall in walls.items():
        print(f"{workers} processes: {wall:5.2f} ms wall per image with start-up, {walls[1] / wall:5.2f} x")
    assert all(report == reports[1] for report in reports.values())
