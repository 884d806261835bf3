"""Triplets are found in token sequences, whole or broken."""

from hypothesis import given
from hypothesis import strategies as st

from refvlm.grouping import TokenGroup, find_groups
from refvlm.training.vocabulary import build_tokenizer

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


@given(st.lists(st.integers(0, len(TOKENIZER) - 1), max_size=60))
def test_every_ref_of_any_sequence_belongs_to_exactly_one_group(ids):
    refs = [position for group in find_groups(ids, TOKENIZER.special_ids) for position in group.refs]
    assert refs == [position for position, token in enumerate(ids) if token == TOKENIZER.special_ids["<REF>"]]
