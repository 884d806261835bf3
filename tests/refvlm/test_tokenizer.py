"""The tokenizer keeps the grammar intact and shows what it cannot read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import ModelError
from refvlm.tokenizer import EOS, PAD, WordTokenizer
from refvlm.trp import SPECIAL_TOKENS, UNITS, Text, Triplet, answer_for, parse, render

WORDS = ("red", "circle", "left", "of", "the", "star")
TOKENIZER = WordTokenizer.build(WORDS)
phrases = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(" ".join)


@given(st.lists(st.builds(Triplet, phrases, st.sampled_from(UNITS), st.integers(1, 16)), min_size=1, max_size=3))
def test_answers_in_the_vocabulary_survive_the_tokenizer(triplets):
    answer = answer_for((*triplets, Text(".")))
    assert parse(TOKENIZER.decode(TOKENIZER.encode(render(answer)))) == answer


@given(st.text())
def test_any_text_can_be_encoded(text):
    assert all(0 <= i < len(TOKENIZER) for i in TOKENIZER.encode(text))


def test_an_unknown_word_stays_visible():
    assert TOKENIZER.decode(TOKENIZER.encode("the zebra.")) == "the ⁇."


def test_every_grammar_token_is_one_token():
    assert [len(TOKENIZER.encode(token)) for token in SPECIAL_TOKENS] == [1] * len(SPECIAL_TOKENS)


def test_decoding_stops_at_the_end_token_and_skips_padding():
    ids = TOKENIZER.ids
    assert TOKENIZER.decode([ids[PAD], ids["red"], ids[EOS], ids["star"]]) == "red"


def test_a_saved_vocabulary_loads_again_and_a_broken_one_is_refused(tmp_path):
    path = tmp_path / "tokenizer.json"
    TOKENIZER.save(path)
    assert WordTokenizer.load(path).tokens == TOKENIZER.tokens
    path.write_text('{"tokens": ["a", "a"]}')
    with pytest.raises(ModelError, match="vocabulary"):
        WordTokenizer.load(path)
    path.write_text("[")
    with pytest.raises(ModelError, match="tokenizer"):
        WordTokenizer.load(path)
