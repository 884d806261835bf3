"""The VizWiz part of the sample world: one question a photo, every fifth about what the photo does not show."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.few import few
from benchmarks.world.photos import jpeg
from benchmarks.world.questions import ask
from benchmarks.world.scenes import SplitName

ANNOTATORS = 10
UNANSWERABLE_EVERY = 5
BEYOND = ("What does this label say?", "How much is this bill?", "What is the expiry date?", "Who wrote this book?")
"""Questions that no scene of shapes can answer."""


def write_vizwiz(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `vizwiz/Annotations/val.json` and `vizwiz/val` below a data root; no questions without scenes."""
    (folder / "vizwiz" / "Annotations").mkdir(parents=True)
    (photos := folder / "vizwiz" / "val").mkdir()
    entries: list[dict[str, Any]] = []
    for index, scene in enumerate(few(seed, scenes, "test")):
        kind, question, answer = ask(scene, np.random.default_rng([seed, 5200, index]))[index % 4]
        if index % UNANSWERABLE_EVERY == 0:
            kind, question, answer = "unanswerable", BEYOND[index // UNANSWERABLE_EVERY % len(BEYOND)], "unanswerable"
        (photos / (name := f"VizWiz_val_{index:08d}.jpg")).write_bytes(jpeg(scene.image))
        answers = [{"answer": answer, "answer_confidence": "yes"}] * ANNOTATORS
        flags = {"answer_type": kind, "answerable": int(kind != "unanswerable")}
        entries.append({"image": name, "question": question, "answers": answers, **flags})
    if entries:
        (folder / "vizwiz" / "Annotations" / "val.json").write_text(json.dumps(entries), encoding="utf-8")


PARTS = [write_vizwiz]
