"""The VQA part of the sample world: four questions a scene, each with ten equal answers, in the official format.

The same questions stand for VQA v2 and OK-VQA: the sample world has no knowledge to ask for beyond its pictures.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.world.expressions import SIZE_SUPERLATIVES, SUPERLATIVES, standing_out
from benchmarks.world.scenes import COLOURS, SHAPES, Scene, Thing

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
    """Four questions about a scene: (answer type, question, answer).

    The third is about the colour of the largest shape and the fourth about the shape of the leftmost; where these stand
    out by less than the margins of `benchmarks.world.expressions`, about another that does.
    """
    things = scene.things
    colour, shape = list(COLOURS)[rng.integers(len(COLOURS))], SHAPES[rng.integers(len(SHAPES))]
    if rng.random() < 0.5:
        chosen = things[rng.integers(len(things))]
        colour, shape = chosen.colour, chosen.shape
    there = any((thing.colour, thing.shape) == (colour, shape) for thing in things)
    article = "an" if colour[0] in "aeiou" else "a"
    return [
        ("number", "How many shapes are there?", str(len(things))),
        ("yes/no", f"Is there {article} {colour} {shape}?", "yes" if there else "no"),
        _colour_of(things),
        _shape_of(things),
    ]


def nameable(things: tuple[Thing, ...]) -> tuple[str, Thing] | None:
    """An object that can be told from the others without its colour, and how it is called; None where there is none."""
    return next(_names(things), None)


def choice(things: tuple[Thing, ...], rng: np.random.Generator) -> tuple[str, str] | None:
    """Ask which of two colours a nameable object has, and answer; None where nothing can be named."""
    named = nameable(things)
    if named is None:
        return None
    name, thing = named
    other = str(rng.choice([colour for colour in COLOURS if colour != thing.colour]))
    first, second = rng.permutation([thing.colour, other]).tolist()
    return f"Is {name} {first} or {second}?", thing.colour


def _names(things: tuple[Thing, ...]) -> Iterator[tuple[str, Thing]]:
    best = dict(standing_out(things, range(len(things))))
    yield from ((f"the {word} shape", things[best[word]]) for word in SIZE_SUPERLATIVES if word in best)
    shapes = [thing.shape for thing in things]
    yield from ((f"the {thing.shape}", thing) for thing in things if shapes.count(thing.shape) == 1)
    yield from ((f"the {word} shape", things[best[word]]) for word in SUPERLATIVES if word in best)


def _colour_of(things: tuple[Thing, ...]) -> tuple[str, str, str]:
    named = nameable(things)
    return _count(things) if named is None else ("other", f"What color is {named[0]}?", named[1].colour)


def _shape_of(things: tuple[Thing, ...]) -> tuple[str, str, str]:
    best = dict(standing_out(things, range(len(things))))
    colours = [thing.colour for thing in things]
    known = {word: things[best[word]] for word in (*SUPERLATIVES, *SIZE_SUPERLATIVES) if word in best}
    known |= {thing.colour: thing for thing in things if colours.count(thing.colour) == 1}
    return next((("other", f"Which shape is {word}?", thing.shape) for word, thing in known.items()), _count(things))


def _count(things: tuple[Thing, ...]) -> tuple[str, str, str]:
    colours = [thing.colour for thing in things]
    return "number", f"How many {colours[0]} shapes are there?", str(colours.count(colours[0]))
