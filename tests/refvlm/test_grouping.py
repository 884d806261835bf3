"""Triplets are found in token sequences, whole or broken."""

from hypothesis import given
from hypothesis import strategies as st

from refvlm.grouping import TokenGroup, find_groups
from refvlm.training.vocabulary import build_tokenizer
from refvlm.trp import Text, Triplet, answer_for, render

TOKENIZER = build_tokenizer()


def groups_of(text: str) -> list[TokenGroup]:
    return find_groups(TOKENIZER.encode(text), TOKENIZER.special_ids)


def test_phrase_unit_and_refs_are_found_per_triplet():
    text = (
        "<Phrase>red star</Phrase>(<Unit>box</Unit>[0]<REF>[1]<REF>),<Phrase>circle</Phrase>(<Unit>mask</Unit>[0]<REF>)"
    )
    ids = TOKENIZER.encode(text)
    first, second = groups_of(text)
    assert TOKENIZER.decode(ids[slice(*first.phrase)]) == "red star"
    assert TOKENIZER.decode(first.unit) == "box"
    assert len(first.refs) == 2
    assert TOKENIZER.decode(ids[slice(*second.phrase)]) == "circle"
    assert TOKENIZER.decode(second.unit) == "mask"


def test_a_stray_ref_has_neither_phrase_nor_unit():
    assert groups_of("<REF>") == [TokenGroup((0, 0), (), (0,))]


def test_the_next_phrase_does_not_inherit_the_last_unit():
    last = groups_of("<Phrase>star</Phrase>(<Unit>box</Unit>[0]<REF>)<Phrase>circle</Phrase>[0]<REF>")[-1]
    assert last.unit == ()


HAT = Triplet("red star", "box", 2)
NESTED = (
    Text("the "),
    Triplet("circle and red star on square", "mask", 1, (Text("circle and "), HAT, Text(" on square"))),
    Text(" left of "),
    Triplet("red star", "keypoint", 1, (HAT,)),
    Triplet("star red star", "mask", 3, (Triplet("star red star", "box", 1, (Text("star "), HAT)),)),
    Text("."),
)


def test_nested_phrases_keep_their_own_refs_and_say_inner_words_without_tags():
    """Compared with what the grammar reads from the same text."""
    answer = answer_for(NESTED)
    ids = TOKENIZER.encode(render(answer))
    found = find_groups(ids, TOKENIZER.special_ids)
    told = [(TOKENIZER.decode([ids[k] for k in g.words]).strip(), TOKENIZER.decode(g.unit).strip()) for g in found]
    assert told == [(triplet.phrase, triplet.unit) for triplet in answer.triplets]
    assert [len(group.refs) for group in found] == [triplet.count for triplet in answer.triplets]


def test_the_span_of_a_parent_phrase_holds_the_inner_triplet():
    ids = TOKENIZER.encode(render(answer_for(NESTED[:2])))
    inner, outer = find_groups(ids, TOKENIZER.special_ids)
    assert outer.phrase[0] < inner.phrase[0] < inner.refs[-1] < outer.phrase[1] <= outer.refs[0]
    assert set(inner.words) < set(outer.words)


def test_where_phrases_do_not_nest_the_words_are_the_span():
    text = (
        "<Phrase>red star</Phrase>(<Unit>box</Unit>[0]<REF>[1]<REF>),<Phrase>circle</Phrase>(<Unit>mask</Unit>[0]<REF>)"
    )
    assert all(group.words == tuple(range(*group.phrase)) for group in groups_of(text))


def test_an_inner_phrase_without_targets_is_words_of_the_one_around_it():
    ids = TOKENIZER.encode("<Phrase>red <Phrase>star</Phrase> left of circle</Phrase>(<Unit>box</Unit>[0]<REF>)")
    (group,) = find_groups(ids, TOKENIZER.special_ids)
    assert TOKENIZER.decode([ids[k] for k in group.words]).strip() == "red star left of circle"


@given(st.lists(st.integers(0, len(TOKENIZER) - 1), max_size=60))
def test_every_ref_of_any_sequence_belongs_to_exactly_one_group(ids):
    refs = [position for group in find_groups(ids, TOKENIZER.special_ids) for position in group.refs]
    assert refs == [position for position, token in enumerate(ids) if token == TOKENIZER.special_ids["<REF>"]]
