"""Whatever a model prefers, an answer made under the constraint parses, agrees with its plan, and ends in time."""

import random

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from refvlm.constrain import Automaton, Vocabulary
from refvlm.tokenizer import EOS, LONGEST_PHRASE, WordTokenizer
from refvlm.training.vocabulary import build_tokenizer
from refvlm.trp import UNITS, Answer, Text, Triplet, answer_for, parse, render, spoken

TOKENIZER = build_tokenizer()
VOCABULARY = Vocabulary.of(TOKENIZER, (*UNITS, "text"))
STAR = Triplet("red star", "mask", 1)
CIRCLE = Triplet("circle left of red star", "box", 2, (Text("circle left of "), STAR))
DEEP = Triplet("square above circle left of red star", "point", 1, (Text("square above "), CIRCLE))
BODIES = (
    (Triplet("the red star", "box", 1), Text(".")),
    (Triplet("circle", "mask", 3), Text(","), Triplet("the large blue square", "keypoint", 16), Text(".")),
    (Text("the circle is red."),),
    (Text("the "), Triplet("red circle", "mask", 1), Text(" left of "), Triplet("square", "mask", 2), Text(".")),
)


def walk(choose, room, tokenizer=TOKENIZER, vocabulary=VOCABULARY):
    """Make an answer with a function that chooses among the allowed ids."""
    automaton, ids = Automaton(vocabulary, room), []
    for _ in range(room + 1):
        token = choose(automaton.allowed())
        automaton.take(token)
        if token == tokenizer.ids[EOS]:
            return ids
        ids.append(token)
    raise AssertionError(f"no end after {room} tokens: {tokenizer.decode(ids)}")


def nested(words, most=3):
    """Triplets whose phrases hold others, and words between them: as a tokenizer of whole words can say it."""

    def around(inner):
        pieces = st.lists(st.tuples(words, inner), min_size=1, max_size=2)
        return st.builds(_held, pieces, st.none() | words, st.sampled_from(UNITS), st.integers(1, most))

    return st.recursive(st.builds(Triplet, words, st.sampled_from(UNITS), st.integers(1, most)), around, max_leaves=4)


def _held(pieces, end, unit, count):
    parts = [
        part for place, (text, inner) in enumerate(pieces) for part in (Text(f"{' ' * (place > 0)}{text} "), inner)
    ]
    parts += [Text(f" {end}")] if end else []
    return Triplet(spoken(parts), unit, count, tuple(parts))


WORDS = st.lists(st.sampled_from(["red", "star", "of", "circle"]), min_size=1, max_size=2).map(" ".join)


SHAPES = st.recursive(st.just(()), lambda inner: st.lists(inner, min_size=1, max_size=2).map(tuple), max_leaves=5)
PLAIN = [token for token in TOKENIZER.tokens if token.isalpha()]


def distinct(shape, words):
    """A triplet with others inside it, in words that never recur: those that recur may be meant in many ways."""
    pieces = [(next(words), distinct(inner, words)) for inner in shape]
    return _held(pieces, next(words), "box", 1) if pieces else Triplet(next(words), "mask", 2)


@settings(max_examples=100, deadline=None)
@given(SHAPES)
def test_every_nested_answer_stays_possible(shape):
    answer = answer_for((Text("a "), distinct(shape, iter(PLAIN)), Text(".")))
    assume(len(TOKENIZER.encode(answer.plan[-1].phrase)) <= LONGEST_PHRASE)
    ids = [*TOKENIZER.encode(render(answer)), TOKENIZER.ids[EOS]]
    side_by_side = len(ids) + sum(len(TOKENIZER.encode(inner.phrase)) for inner in answer.triplets[:-1])
    automaton = Automaton(VOCABULARY, side_by_side - 1)
    for token in ids:
        assert automaton.allowed()[token], TOKENIZER.tokens[token]
        automaton.take(token)


@settings(max_examples=100, deadline=None)
@given(nested(WORDS), st.randoms(use_true_random=False), st.integers(0, 8), st.booleans())
def test_whatever_is_nested_the_answer_parses_and_agrees(triplet, source: random.Random, spare, eager):
    """The plan is one that can be nested, and the body is chosen token by token."""
    said = iter(TOKENIZER.encode(render(Answer(answer_for((triplet,)).plan))))
    phrase = TOKENIZER.ids["<Phrase>"]

    def choose(allowed):
        if (token := next(said, None)) is not None:
            return token
        return phrase if eager and allowed[phrase] else source.choice(allowed.nonzero()[:, 0].tolist())

    plan = answer_for((triplet,)).plan
    flat = render(Answer(plan, tuple(Triplet(item.phrase, item.unit, item.count) for item in plan)))
    answer = parse(TOKENIZER.decode(walk(choose, len(TOKENIZER.encode(flat)) + spare)))
    assert answer.ok, answer.diagnostics
    assert answer.plan_agrees
    assert answer.plan == plan


def test_choices_by_chance_nest_what_can_be_nested_to_any_depth():
    said, source = set(), random.Random(0)
    opened = TOKENIZER.encode(render(answer_for((DEEP,))).split("<Phrase>")[0])
    for _ in range(40):
        prefix = iter(opened)

        def choose(allowed, prefix=prefix):
            return next(prefix, None) or source.choice(allowed.nonzero()[:, 0].tolist())

        answer = parse(TOKENIZER.decode(walk(choose, 90)))
        assert answer.plan_agrees
        said.add(tuple(len(part.parts) > 0 for part in answer.triplets))
    assert said == {(False, False, False), (False, True, False), (False, False, True), (False, True, True)}


def test_a_phrase_that_can_be_nested_is_chosen_word_by_word():
    automaton = Automaton(VOCABULARY, 100)
    opened = render(answer_for((DEEP,))).split("<Phrase>")[0] + "<Phrase>"
    for token in TOKENIZER.encode(opened):
        automaton.take(token)
    choices = [TOKENIZER.tokens[i] for i in automaton.allowed().nonzero()[:, 0].tolist()]
    assert sorted(choices) == ["circle", "red", "square"]  # each of the three may be the outermost
    automaton.take(TOKENIZER.ids["circle"])
    assert automaton.only() == TOKENIZER.ids["left"]


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(VOCABULARY.least_room, 200), st.floats(0, 1))
def test_random_choices_make_answers_that_parse_and_agree(random_source: random.Random, room, eager):
    """`eager` is the chance to take the last allowed token, so that long answers come as well as short ones."""

    def choose(allowed):
        options = allowed.nonzero()[:, 0].tolist()
        return options[-1] if random_source.random() < eager else random_source.choice(options)

    answer = parse(TOKENIZER.decode(walk(choose, room)))
    assert answer.ok, answer.diagnostics
    assert answer.plan_agrees


@pytest.mark.parametrize("body", BODIES)
def test_every_answer_of_the_grammar_stays_possible(body):
    ids = [*TOKENIZER.encode(render(answer_for(body))), TOKENIZER.ids[EOS]]
    automaton = Automaton(VOCABULARY, len(ids) - 1)  # not a token to spare
    for token in ids:
        assert automaton.allowed()[token], TOKENIZER.tokens[token]
        automaton.take(token)


def test_only_units_with_a_decoder_may_be_named():
    words = WordTokenizer.build(["red"])
    vocabulary = Vocabulary.of(words, ("box", "text"))
    source = random.Random(1)

    def choose(allowed):
        named = [i for i in allowed.nonzero()[:, 0].tolist() if words.tokens[i] != "Unit decode (False)."]
        return source.choice(named or allowed.nonzero()[:, 0].tolist())

    units = {t.unit for _ in range(30) for t in parse(words.decode(walk(choose, 80, words, vocabulary))).triplets}
    assert units == {"box"}


def test_a_finished_answer_only_pads():
    automaton = Automaton(VOCABULARY, 50)
    ids = [*TOKENIZER.encode(render(answer_for(BODIES[0]))), TOKENIZER.ids[EOS]]
    for token in ids:
        automaton.take(token)
    assert torch.equal(automaton.allowed().nonzero()[:, 0], torch.tensor([TOKENIZER.ids["<pad>"]]))
