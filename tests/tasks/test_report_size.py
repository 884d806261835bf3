"""A report of 10,000 samples with long answers and large noisy photos stays below 20 MB."""

from types import SimpleNamespace

import numpy as np
from PIL import Image

from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample, Target
from metrics import masks, rec
from results.record import Record
from results.report.page import render
from tasks import report
from tasks.kinds import all_kinds
from tasks.stored import Stored

SAMPLES, HW = 10_000, (480, 640)
BOX = (10.0, 10.0, 200.0, 200.0)


def record(model):
    return Record(
        model=model, task="toy", kind="rec", dataset="toy", split="test", data="sample", limit=None, n=SAMPLES,
        available=SAMPLES, expected=None, failed=0, unparsable=0, missing=0, headline="acc@0.5", columns=("acc@0.5",),
        metrics={"acc@0.5": 0.5}, units={"acc@0.5": "fraction", "miou": "fraction"}, intervals={"acc@0.5": (0.4, 0.6)},
        protocols={"rec": "rec/1"}, refbench="0",
    )  # fmt: skip


def stored(model, samples):
    ids = [sample.id for sample in samples]
    rows = [{"iou": (at * 37 % 1000) / 1000, "malformed": 0, "missing": 0} for at in range(SAMPLES)]
    run = SimpleNamespace(
        record=record(model), rows={"rec": rows}, sample_ids=ids, image_ids=ids, facts={}, id="0" * 10, name=model,
        ended="", commit="", folder=None,
    )  # fmt: skip
    said = {
        each: Prediction(each, "ok", "ein Wörtchen " * 200, groups=(Group("x", "box", (Instance(0.5, BOX),)),))
        for each in ids
    }
    task = SimpleNamespace(kind=all_kinds()["rec"], protocol={})
    return Stored(run, rec.REC, task, {sample.id: sample for sample in samples}, said)


def test_ten_thousand_samples_stay_below_20_mb(tmp_path, monkeypatch):
    noise = np.random.default_rng(0).integers(0, 256, (*HW, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    plane = np.zeros(HW, dtype=bool)
    plane[10:200, 10:200] = True
    target = Target(BOX, masks.encode(plane))
    image = ImageRef(tmp_path / "noise.png", HW)
    question = "the red one beside the blue one on the left " * 4
    samples = [
        Sample(f"toy/test/ref-{at}", image, f"image-{at}", question, target, {"kind": "long"}) for at in range(SAMPLES)
    ]
    monkeypatch.setattr(report, "_changes", lambda runs: ({}, []))  # toy runs have no files that could be paired
    page = report.build([stored(model, samples) for model in ("one", "other")])
    size = len(render(page).encode("utf-8"))
    pictured = sum(bool(entry.pictures) for entry in page.entries)
    print(f"{size / 1e6:.1f} MB, {pictured} samples with pictures")
    assert len(page.entries) == SAMPLES and pictured > 10
    assert 8e6 < size < 20e6
