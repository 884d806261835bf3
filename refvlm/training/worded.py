"""Questions about scenes of shapes that are answered in words."""

from collections.abc import Iterable

from benchmarks.world import captions, questions
from benchmarks.world.expressions import standing_out
from benchmarks.world.scenes import COLOURS, SHAPES, Scene
from refvlm.training.question import Draw, Question, in_words


def exists(scene: Scene, draw: Draw) -> Question | None:
    """Say whether an object is there."""
    there = sorted({(thing.colour, thing.shape) for thing in scene.things})
    parts = [(c, s) for c in {c for c, _ in there} for s in {s for _, s in there} if (c, s) not in there]
    every = [(c, s) for c in COLOURS for s in SHAPES if (c, s) not in there]
    yes = bool(draw.rng.random() < 0.5)
    pool = there if yes else sorted(parts) if parts and draw.rng.random() < 0.5 else every
    colour, shape = pool[int(draw.rng.integers(len(pool)))]
    text = f"Is there {_article(colour)} {colour} {shape} in the image?"
    return in_words("answer_yes_or_no", draw, text, "yes" if yes else "no")


def ask(scene: Scene, draw: Draw) -> Question | None:
    """Answer in a word: how many, is there, which colour, which shape."""
    asked = questions.ask(scene, draw.rng)
    _, text, answer = asked[int(draw.rng.integers(len(asked)))]
    return in_words("answer_briefly", draw, text, answer)


def choose(scene: Scene, draw: Draw) -> Question | None:
    """Say which of two colours the largest shape has, or another that stands out."""
    chosen = questions.choice(scene.things, draw.rng)
    return None if chosen is None else in_words("answer_briefly", draw, *chosen)


def caption(scene: Scene, draw: Draw) -> Question | None:
    """Describe the scene from left to right; captions are of several objects."""
    if len(scene.things) == 1:
        return None
    return in_words("describe_image", draw, "", captions.references(scene, draw.rng)[2].lower())


def recall(scene: Scene, draw: Draw) -> Question | None:
    """Answer in a word about what a single attribute picks out: which colour, which shape, how many, is there.

    Questions of two attributes, as `exists` asks, are hardly learnt without these.
    """
    makers = (_colour_of, _shape_of, _is_there, _is_there, _how_many, _outermost)
    return makers[int(draw.rng.integers(len(makers)))](scene, draw)


def _colour_of(scene: Scene, draw: Draw) -> Question | None:
    shapes = [thing.shape for thing in scene.things]
    alone = [thing for thing in scene.things if shapes.count(thing.shape) == 1]
    if not alone:
        return None
    thing = alone[int(draw.rng.integers(len(alone)))]
    return in_words("answer_briefly", draw, f"What color is the {thing.shape}?", thing.colour)


def _shape_of(scene: Scene, draw: Draw) -> Question | None:
    colours = [thing.colour for thing in scene.things]
    alone = [thing for thing in scene.things if colours.count(thing.colour) == 1]
    if not alone:
        return None
    thing = alone[int(draw.rng.integers(len(alone)))]
    return in_words("answer_briefly", draw, f"Which shape is {thing.colour}?", thing.shape)


def look_up(scene: Scene, draw: Draw) -> Question | None:
    """Answer in a word which colour, shape or size something has, "nothing" where there is no such thing.

    Whether something is there is hardly learnt from yes and no, as neither the words nor the picture alone tell
    anything; here what is looked up is missing, which shows in the picture.
    """
    makers = (_colour_of_any, _shape_of_any, _size_of_any)
    return makers[int(draw.rng.integers(len(makers)))](scene, draw)


def _colour_of_any(scene: Scene, draw: Draw) -> Question | None:
    shape = _absent(draw, SHAPES, {thing.shape for thing in scene.things})
    if shape is None:
        return _colour_of(scene, draw)
    return in_words("answer_briefly", draw, f"What color is the {shape}?", "nothing")


def _shape_of_any(scene: Scene, draw: Draw) -> Question | None:
    colour = _absent(draw, COLOURS, {thing.colour for thing in scene.things})
    if colour is None:
        return _shape_of(scene, draw)
    return in_words("answer_briefly", draw, f"Which shape is {colour}?", "nothing")


def _absent(draw: Draw, names: Iterable[str], there: set[str]) -> str | None:
    """Decide whether to ask about what is not there, and about which; None for not."""
    missing = [name for name in names if name not in there]
    if draw.rng.random() >= _MISSING or not missing:
        return None
    return missing[int(draw.rng.integers(len(missing)))]


def _size_of_any(scene: Scene, draw: Draw) -> Question | None:
    pairs = [(thing.colour, thing.shape) for thing in scene.things]
    alone = {pair: thing.size for pair, thing in zip(pairs, scene.things, strict=True) if pairs.count(pair) == 1}
    apart = [(c, s) for c, _ in pairs for _, s in pairs if (c, s) not in pairs]
    pool = apart if apart and draw.rng.random() < _MISSING else list(alone)
    if not pool:
        return None
    colour, shape = pool[int(draw.rng.integers(len(pool)))]
    answer = alone.get((colour, shape), "nothing")
    return in_words("answer_briefly", draw, f"Is the {colour} {shape} small or large?", answer)


def _is_there(scene: Scene, draw: Draw) -> Question | None:
    coloured, there = bool(draw.rng.random() < 0.5), bool(draw.rng.random() < 0.5)
    here = {thing.colour if coloured else thing.shape for thing in scene.things}
    pool = sorted(here) if there else [name for name in (COLOURS if coloured else SHAPES) if name not in here]
    if not pool:
        return None
    name = pool[int(draw.rng.integers(len(pool)))]
    text = f"Is there {_article(name)} {name}{' shape' if coloured else ''} in the image?"
    return in_words("answer_yes_or_no", draw, text, "yes" if there else "no")


def _how_many(scene: Scene, draw: Draw) -> Question | None:
    colours = [thing.colour for thing in scene.things]
    pool = colours if draw.rng.random() < 0.7 else list(COLOURS)
    colour = pool[int(draw.rng.integers(len(pool)))]
    return in_words("answer_briefly", draw, f"How many {colour} shapes are there?", str(colours.count(colour)))


def _outermost(scene: Scene, draw: Draw) -> Question | None:
    ends = list(standing_out(scene.things, range(len(scene.things))))
    if not ends:
        return None
    end, row = ends[int(draw.rng.integers(len(ends)))]
    thing = scene.things[row]
    if draw.rng.random() < 0.5:
        return in_words("answer_briefly", draw, f"What color is the {end} shape?", thing.colour)
    return in_words("answer_briefly", draw, f"Which shape is {end}?", thing.shape)


def _article(word: str) -> str:
    return "an" if word[0] in "aeiou" else "a"


_MISSING = 0.35
"""Share of the questions of `look_up` about what is not there."""
