"""Questions with exact answers about scenes of the sample world: one maker per kind of question.

Makers of SHAPES_MAKERS ask about scenes of shapes, those of DENSE_MAKERS about scenes where every pixel has a truth. A
maker returns None where a scene does not offer its question.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.schema import Unit
from benchmarks.world.dense import STUFF, THINGS, DenseObject, DenseScene
from benchmarks.world.expressions import KINDS, all_expressions
from benchmarks.world.grandf import describe as describe_grounded
from benchmarks.world.grefcoco import expressions as several_expressions
from benchmarks.world.reasonseg import LONG, SHORT
from benchmarks.world.salient import salient_mask
from benchmarks.world.scenes import SIZE, Scene
from benchmarks.world.visual7w import candidates, which
from refvlm.training.prompts_drawn import DRAWN, draw_prompt
from refvlm.training.question import Draw, Drawn, Question, Ref
from refvlm.training.worded import ask, caption, choose, exists, look_up, recall
from refvlm.training.wording import word
from refvlm.trp import Text, Triplet

LEAST_PIXELS = 30
"""Stuff that shows in fewer pixels is not asked about, as small objects are not."""


def refer(scene: Scene, draw: Draw) -> Question | None:
    """Find the one object that an expression means, as a box or a mask."""
    found = all_expressions(scene.things, with_articles=bool(draw.rng.random() < 0.5))
    kinds = [kind for kind in KINDS if found[kind]]
    weights = np.array([draw.expression_shares[KINDS.index(kind)] for kind in kinds])
    kind = kinds[int(draw.rng.choice(len(kinds), p=weights / weights.sum()))]
    chosen = found[kind][int(draw.rng.integers(len(found[kind])))]
    unit: Unit = "mask" if draw.rng.random() < 0.5 else "box"
    key = "segment_expression" if unit == "mask" else "locate_expression"
    body = (Triplet(chosen.text, unit, 1), Text("."))
    return Question(word(key, draw.rng, chosen.text), unit, body, (Ref(scene.masks[chosen.target]),))


def refer_many(scene: Scene, draw: Draw) -> Question | None:
    """Find everything that an expression means, which may be nothing."""
    absent, fitting = several_expressions(scene.things, "train", draw.rng, several=bool(draw.rng.random() < 0.7))
    text, meant = absent if draw.rng.random() < 0.3 else fitting
    prompt = word("segment_expression", draw.rng, text)
    if not meant:
        return Question(prompt, "mask", (Text("nothing."),))
    refs = tuple(Ref(scene.masks[row]) for row in meant)
    return Question(prompt, "mask", (Triplet(text, "mask", len(refs)), Text(".")), refs)


def detect(scene: DenseScene, draw: Draw) -> Question | None:
    """Find all things, by category, as boxes."""
    return _things(scene, draw, "detect_objects", "box")


def instances(scene: DenseScene, draw: Draw) -> Question | None:
    """Find all things, by category, as masks."""
    return _things(scene, draw, "segment_objects", "mask")


def panoptic(scene: DenseScene, draw: Draw) -> Question | None:
    """Find all things and stuff, as masks."""
    groups = [*_by_category(scene), *_stuff(scene)]
    return _grouped(word("segment_everything", draw.rng), "mask", groups)


def semantic(scene: DenseScene, draw: Draw) -> Question | None:
    """Find the pixels of every class, as one mask each."""
    merged = [
        (name, [Ref(np.any([each.mask for each in refs if each.mask is not None], axis=0))])
        for name, refs in _by_category(scene)
    ]
    return _grouped(word("segment_regions", draw.rng), "mask", [*merged, *_stuff(scene)])


def keypoints(scene: DenseScene, draw: Draw) -> Question | None:
    """Find the joints of all people."""
    people = [each for each in scene.objects if each.keypoints is not None]
    prompt = word("locate_joints", draw.rng)
    if not people:
        return Question(prompt, "keypoint", (Text("nothing."),))
    return _grouped(prompt, "keypoint", [("person", [Ref(each.mask, each.keypoints) for each in people])])


def depth(scene: DenseScene, draw: Draw) -> Question | None:
    """Estimate the depth of every pixel."""
    body = (Triplet("whole scene", "depth", 1), Text("."))
    return Question(word("estimate_depth", draw.rng), "depth", body, (Ref(),))


def prompted(scene: DenseScene, draw: Draw) -> Question | None:
    """Segment what a point, box, scribble or mask marks."""
    chosen, region = _marked(scene, draw)
    body = (Triplet(chosen.category, "mask", 1), Text("."))
    return Question(word("segment_region", draw.rng), "mask", body, (Ref(chosen.mask),), (region,))


def pose_of(scene: DenseScene, draw: Draw) -> Question | None:
    """Find the joints of the person in a box."""
    people = [each for each in scene.objects if each.keypoints is not None]
    if not people:
        return None
    chosen = people[int(draw.rng.integers(len(people)))]
    body = (Triplet("person", "keypoint", 1), Text("."))
    region = Drawn("box", draw_prompt("box", chosen.mask, draw.rng))
    refs = (Ref(chosen.mask, chosen.keypoints),)
    return Question(word("locate_joints_in_box", draw.rng, "person"), "keypoint", body, refs, (region,))


def name(scene: DenseScene, draw: Draw) -> Question | None:
    """Name what a visual prompt marks."""
    chosen, region = _marked(scene, draw)
    return Question(word("describe_region", draw.rng), "text", (Text(describe(chosen)),), (), (region,))


def describe_shape(scene: Scene, draw: Draw) -> Question | None:
    """Name a shape that a visual prompt marks, by size, colour and shape."""
    place = int(draw.rng.integers(len(scene.things)))
    thing, mask = scene.things[place], scene.masks[place]
    kind = "box" if draw.rng.random() < 0.6 else DRAWN[int(draw.rng.integers(len(DRAWN)))]
    region = Drawn(kind, draw_prompt(kind, mask, draw.rng))
    text = f"the {thing.size} {thing.colour} {thing.shape}"
    return Question(word("describe_region", draw.rng), "text", (Text(text),), (), (region,))


def about_point(scene: DenseScene, draw: Draw) -> Question | None:
    """Answer about what is under a point: what it is, its colour, how many are like it."""
    chosen = scene.objects[int(draw.rng.integers(len(scene.objects)))]
    alike = str(sum(each.category == chosen.category for each in scene.objects))
    kind, plural = ("beings", "people") if chosen.category == "person" else ("shapes", _plural(chosen.category))
    counts = (f"How many {plural} are there?", f"How many of these {kind} are there?", "How many of these are there?")
    asked = [*((text, alike) for text in counts), ("What is this?", chosen.category)]
    asked += [] if chosen.category == "person" else [("What color is the shape?", chosen.colour)] * 2
    text, answer = asked[int(draw.rng.integers(len(asked)))]
    region = Drawn("point", draw_prompt("point", chosen.mask, draw.rng))
    return Question(word("answer_about_region", draw.rng, text), "text", (Text(answer),), (), (region,))


def choose_region(scene: DenseScene, draw: Draw) -> Question | None:
    """Choose among four boxes, by letter or by box."""
    asked = which(scene)
    text, meant = asked[int(draw.rng.integers(len(asked)))]
    boxes = candidates(meant, scene)
    order = draw.rng.permutation(len(boxes)).tolist()
    right = order.index(0)
    regions = tuple(Drawn("box", _filled(boxes[place])) for place in order)
    if draw.rng.random() < 0.6:
        return Question(word("choose_region", draw.rng, text), "text", (Text("abcd"[right]),), (), regions)
    body = (Triplet(meant.category, "box", 1), Text("."))
    return Question(word("locate_choice", draw.rng, text), "box", body, (Ref(meant.mask),), regions)


def _filled(box_xywh: tuple[int, int, int, int]) -> np.ndarray:
    x, y, width, height = box_xywh
    drawn = np.zeros((SIZE, SIZE), np.float32)
    drawn[y : y + height, x : x + width] = 1
    return drawn


def _plural(category: str) -> str:
    return f"{category}es" if category == "cross" else f"{category}s"


def describe(thing: DenseObject) -> str:
    """Name a thing: "a striped red circle", "a person in blue"."""
    if thing.keypoints is not None:
        return f"a person in {thing.colour}"
    words = f"{'' if thing.texture == 'plain' else thing.texture} {thing.colour} {thing.category}".strip()
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def grounded_caption(scene: DenseScene, draw: Draw) -> Question | None:
    """Describe the scene and segment what each phrase names."""
    _, named = describe_grounded(scene)
    body: list[Text | Triplet] = []
    for place, phrase in enumerate(named):
        left = len(named) - place
        body += [Text(" on " if left == 1 else " and " if left == 2 else ", ")] if place else []
        body.append(Triplet(phrase, "mask", 1))
    refs = tuple(Ref(mask) for mask in named.values())
    return Question(word("describe_with_masks", draw.rng), "mask", (*body, Text(".")), refs)


def salient(scene: DenseScene, draw: Draw) -> Question | None:
    """Segment what stands out."""
    body = (Triplet("salient object", "mask", 1), Text("."))
    return Question(word("segment_salient", draw.rng), "mask", body, (Ref(salient_mask(scene)),))


def by_depth(scene: DenseScene, draw: Draw) -> Question | None:
    """Segment the nearest or the farthest object, asked for by a phrase or a sentence."""
    side = int(draw.rng.integers(2))
    meant, phrase = scene.objects[-1 if side == 0 else 0], SHORT[side]
    asked = (SHORT if draw.rng.random() < 0.5 else LONG)[side]
    body = (Triplet(phrase, "mask", 1), Text("."))
    return Question(word("segment_answer", draw.rng, asked), "mask", body, (Ref(meant.mask),))


def _marked(scene: DenseScene, draw: Draw) -> tuple[DenseObject, Drawn]:
    chosen = scene.objects[int(draw.rng.integers(len(scene.objects)))]
    kind = DRAWN[int(draw.rng.integers(len(DRAWN)))]
    return chosen, Drawn(kind, draw_prompt(kind, chosen.mask, draw.rng))


def _by_category(scene: DenseScene) -> list[tuple[str, list[Ref]]]:
    """Things by category in the order of THINGS, those of one category from left to right."""
    ordered = sorted(scene.objects, key=lambda each: each.box_xywh[0])
    groups = [(kind, [Ref(each.mask) for each in ordered if each.category == kind]) for kind in THINGS]
    return [(kind, refs) for kind, refs in groups if refs]


def _stuff(scene: DenseScene) -> list[tuple[str, list[Ref]]]:
    masks = [(kind, scene.stuff_mask(kind)) for kind in STUFF]
    return [(kind, [Ref(mask)]) for kind, mask in masks if mask.sum() >= LEAST_PIXELS]


def _things(scene: DenseScene, draw: Draw, key: str, unit: Unit) -> Question:
    return _grouped(word(key, draw.rng), unit, _by_category(scene))


def _grouped(prompt: str, unit: Unit, groups: Sequence[tuple[str, list[Ref]]]) -> Question:
    """Join triplets with commas and end with a full stop."""
    body: list[Text | Triplet] = []
    for place, (phrase, refs) in enumerate(groups):
        body += [Text(", ")] if place else []
        body.append(Triplet(phrase, unit, len(refs)))
    body.append(Text("."))
    return Question(prompt, unit, tuple(body), tuple(ref for _, refs in groups for ref in refs))


SHAPES_MAKERS: Mapping[str, Callable[[Scene, Draw], Question | None]] = {
    "refer": refer, "refer_many": refer_many, "exists": exists, "ask": ask, "choose": choose, "recall": recall,
    "look_up": look_up, "caption": caption, "describe_shape": describe_shape,
}  # fmt: skip
DENSE_MAKERS: Mapping[str, Callable[[DenseScene, Draw], Question | None]] = {
    "detect": detect, "instances": instances, "panoptic": panoptic, "semantic": semantic, "keypoints": keypoints,
    "depth": depth, "prompted": prompted, "pose_of": pose_of, "name": name,
    "grounded_caption": grounded_caption, "salient": salient, "by_depth": by_depth,
    "about_point": about_point, "choose_region": choose_region,
}  # fmt: skip
