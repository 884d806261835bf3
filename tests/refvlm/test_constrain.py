"""Whatever a model prefers, an answer made under the constraint parses, agrees with its plan, and ends in time."""

import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from refvlm.constrain import Automaton, Vocabulary
from refvlm.tokenizer import EOS, WordTokenizer
from refvlm.training.vocabulary import build_tokenizer
from refvlm.trp import UNITS, Text, Triplet, answer_for, parse, render

TOKENIZER = build_tokenizer()
VOCABULARY = Vocabulary.of(TOKENIZER, (*UNITS, "text"))
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
