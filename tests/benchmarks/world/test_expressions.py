"""Every expression is true of exactly one object, checked by a reader that shares no code with the writer."""

import math

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.world.expressions import KINDS, all_expressions
from benchmarks.world.scenes import Thing, generate

RELATIONS = {
    "left of": lambda a, b: b.x - a.x,
    "right of": lambda a, b: a.x - b.x,
    "above": lambda a, b: b.y - a.y,
    "below": lambda a, b: a.y - b.y,
}
EXTREMES = {
    "leftmost": lambda t: -t.x,
    "rightmost": lambda t: t.x,
    "topmost": lambda t: -t.y,
    "bottommost": lambda t: t.y,
    "largest": lambda t: t.radius,
    "smallest": lambda t: -t.radius,
}


def named(phrase: str, things: tuple[Thing, ...]) -> list[int]:
    """Objects that a noun phrase fits."""
    words = [word for word in phrase.split() if word != "the"]
    return [i for i, t in enumerate(things) if all(w in (t.colour, t.shape, t.size, "object") for w in words)]


def referents(phrase: str, things: tuple[Thing, ...]) -> list[int]:
    """Objects that an expression fits, read from its words."""
    for words, measure in RELATIONS.items():
        if f" {words} " in phrase:
            noun, anchor = phrase.split(f" {words} ")
            (place,) = named(anchor, things)
            return [i for i in named(noun, things) if i != place and measure(things[i], things[place]) > 0]
    if " closest to " in phrase:
        noun, anchor = phrase.split(" closest to ")
        (place,) = named(anchor, things)
        near = {
            i: math.dist((things[i].x, things[i].y), (things[place].x, things[place].y)) for i in named(noun, things)
        }
        near.pop(place, None)
        return [i for i, distance in near.items() if distance == min(near.values())]
    for word, measure in EXTREMES.items():
        if word in phrase:
            found = named(phrase.replace(word, ""), things)
            return [i for i in found if measure(things[i]) == max(measure(things[j]) for j in found)]
    return named(phrase, things)


@given(st.sampled_from(["train", "shifted"]), st.integers(0, 100_000), st.booleans())
def test_an_expression_fits_its_target_and_nothing_else(split, index, articles):
    things = generate(0, split, index).things
    for kind, expressions in all_expressions(things, articles).items():
        for expression in expressions:
            assert expression.kind == kind
            assert referents(expression.text, things) == [expression.target], expression.text


@given(st.integers(0, 100_000))
def test_texts_of_a_scene_differ_and_articles_are_the_only_difference_of_styles(index):
    things = generate(0, "val", index).things
    plain, full = (all_expressions(things, articles) for articles in (False, True))
    texts = [e.text for kind in KINDS for e in plain[kind]]
    assert len(texts) == len(set(texts))
    assert [" ".join(w for w in e.text.split() if w != "the") for kind in KINDS for e in full[kind]] == texts
