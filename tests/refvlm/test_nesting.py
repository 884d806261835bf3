"""Which triplets may stand inside the phrase of another, and how that is written."""

import pytest

from refvlm.constrain import Vocabulary
from refvlm.nesting import MOST_WAYS, Owed, ways
from refvlm.tokenizer import WordTokenizer
from refvlm.trp import DEEPEST, UNITS, parse

TOKENIZER = WordTokenizer.build(["the", "man", "in", "a", "red", "hat", "hats", "dog"])
VOCABULARY = Vocabulary.of(TOKENIZER, UNITS)


def owed(*phrases: str) -> list[Owed]:
    return [
        Owed(phrase, tuple(TOKENIZER.encode(phrase)), tuple(TOKENIZER.encode("</Phrase>(<Unit>box</Unit>[0]<REF>)")))
        for phrase in phrases
    ]


def written(*phrases: str) -> list[str]:
    """What stands in the body, without the targets."""
    texts = [TOKENIZER.decode(way.tokens) for way in ways(owed(*phrases), VOCABULARY)]
    return [text.replace("(<Unit>box</Unit>[0]<REF>)", "").replace("Phrase>", ">") for text in texts]


def test_alone_comes_first_and_later_phrases_hold_all_that_come_before_them():
    assert written("a hat", "the man", "the man in a hat") == ["<>a hat</>"]  # the man comes before the hat
    assert written("the man", "a hat", "the man in a hat", "dog") == [
        "<>the man</>",
        "<><>the man</> in <>a hat</></>",
    ]


def test_a_way_says_how_many_triplets_it_settles():
    nested = ways(owed("hat", "red hat", "a red hat"), VOCABULARY)
    assert [way.triplets for way in nested] == [1, 2, 3]
    for way in nested:
        answer = parse(TOKENIZER.decode(way.tokens))
        assert len(answer.triplets) == way.triplets


@pytest.mark.parametrize(
    ("inner", "around"),
    [("hat", "red hats"), ("red hat", "red hat"), ("a red", "hat red"), ("lt", "a &lt; red")],
    ids=["half a word", "its like", "other words", "half an escape"],
)
def test_only_whole_words_of_a_longer_phrase_are_held(inner, around):
    assert len(written(inner, around)) == 1


def test_words_that_recur_may_be_meant_wherever_they_stand():
    assert written("hat", "a hat in hat") == ["<>hat</>", "<>a <>hat</> in hat</>", "<>a hat in <>hat</></>"]


def test_what_the_tokenizer_cannot_say_is_not_offered():
    """There is no word between the two, and a tokenizer of whole words has no token for the space."""
    assert written("red", "hat", "red hat") == ["<>red</>"]


def test_no_phrase_stands_deeper_than_the_parser_reads():
    chain = ["hat", *(f"{'red ' * count}hat" for count in range(1, DEEPEST + 2))]
    found = ways(owed(*chain), VOCABULARY)
    assert max(way.triplets for way in found) == DEEPEST
    assert all(parse(TOKENIZER.decode(way.tokens)).triplets[-1].phrase == chain[way.triplets - 1] for way in found)


def test_endless_ways_are_cut():
    many = ways(owed(*["a"] * 8, "a in " * 19 + "a"), VOCABULARY)
    assert len(many) == 1 + MOST_WAYS
