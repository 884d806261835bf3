"""The VQA part of the sample world: four questions a scene, each with ten equal answers, in the official format.

The same questions stand for VQA v2 and OK-VQA: the sample world has no knowledge to ask for beyond its pictures.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.scenes import COLOURS, SHAPES, Scene

ANNOTATORS = 10
FILES = {"vqav2": "v2_", "okvqa": ""}


@dataclass
class QuestionWriter:
    """Collects scenes, then writes both benchmarks."""

    seed: int
    questions: list[dict[str, Any]] = field(default_factory=list)
    annotations: list[dict[str, Any]] = field(default_factory=list)

    def add(self, scene: Scene, image_id: int) -> None:
        """Record one scene."""
        for place, (kind, text, answer) in enumerate(ask(scene, np.random.default_rng([self.seed, 4000, image_id]))):
            ids = {"image_id": image_id, "question_id": image_id * 1000 + place}
            answers = [{"answer": answer, "answer_confidence": "yes", "answer_id": k + 1} for k in range(ANNOTATORS)]
            self.questions.append({**ids, "question": text})
            self.annotations.append(
                {**ids, "answer_type": kind, "question_type": text.split()[0].lower(), "answers": answers}
            )

    def write(self, folder: Path) -> None:
        """Write `vqav2` and `okvqa` below a data root; nothing without scenes."""
        for name, prefix in FILES.items() if self.questions else ():
            (folder / name).mkdir()
            for part, content in (
                ("OpenEnded_mscoco_val2014_questions", {"questions": self.questions}),
                ("mscoco_val2014_annotations", {"annotations": self.annotations}),
            ):
                text = json.dumps({"data_subtype": "val2014", **content})
                (folder / name / f"{prefix}{part}.json").write_text(text, encoding="utf-8")


def ask(scene: Scene, rng: np.random.Generator) -> list[tuple[str, str, str]]:
    """Four questions about a scene: (answer type, question, answer)."""
    things = scene.things
    biggest = max(things, key=lambda thing: thing.radius)
    leftmost = min(things, key=lambda thing: thing.x)
    colour, shape = list(COLOURS)[rng.integers(len(COLOURS))], SHAPES[rng.integers(len(SHAPES))]
    if rng.random() < 0.5:
        chosen = things[rng.integers(len(things))]
        colour, shape = chosen.colour, chosen.shape
    there = any((thing.colour, thing.shape) == (colour, shape) for thing in things)
    article = "an" if colour[0] in "aeiou" else "a"
    return [
        ("number", "How many shapes are there?", str(len(things))),
        ("yes/no", f"Is there {article} {colour} {shape}?", "yes" if there else "no"),
        ("other", "What color is the largest shape?", biggest.colour),
        ("other", "Which shape is leftmost?", leftmost.shape),
    ]
