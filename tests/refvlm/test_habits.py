"""How answers usually go on: what is kept of training, and its file."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import ModelError
from refvlm.fingerprint import HABITS, fingerprint
from refvlm.habits import ECHO, HEAD, Echoes, Habits, beginnings
from refvlm.predictor import BUNDLED
from refvlm.tokenizer import load_tokenizer

TURNS = st.lists(st.tuples(st.lists(st.integers(2, 6), min_size=3, max_size=9), st.just(3)), max_size=20)


def test_what_comes_most_often_is_kept_with_its_share():
    turns = [([7, 8, 5, 6], 3)] * 3 + [([7, 8, 5, 9], 3)]
    assert Habits.of(turns).next[7, 8, 5] == (6, 0.75)


def test_what_was_met_only_twice_is_not_kept():
    assert not Habits.of([([7, 8, 5, 6], 3)] * 2).next


def test_the_first_tokens_of_a_turn_tell_answers_apart():
    known = Habits.of([([1, 2, 5, 6], 3)] * 3 + [([3, 4, 5, 7], 3)] * 3).next
    assert (known[1, 2, 5][0], known[3, 4, 5][0]) == (6, 7)


def test_words_of_the_question_are_kept_as_what_they_repeat():
    turns = [([1, 2, colour, shape, 9, colour, shape], 5) for colour in (20, 21, 22) for shape in (30, 31, 32)]
    assert ECHO in {token for token, _ in Habits.of(turns).next.values()}


def test_the_last_two_tokens_decide_before_the_last_one():
    echoes = Echoes([1, 5, 6, 2, 5, 7])
    assert (echoes.behind([1, 5]), echoes.behind([9, 5]), echoes.behind([9, 9])) == (6, 7, None)


@given(TURNS)
def test_shares_are_shares_and_beginnings_end_where_the_answer_goes_on(turns):
    """Counted once more, the plain way."""
    for beginning, (token, share) in Habits.of(turns).next.items():
        places = [
            (ids, start, place)
            for ids, start in turns
            for place in range(start, len(ids))
            if beginning in set(beginnings(ids[:HEAD], ids[:place]))
        ]
        says = [Echoes(ids[:start]).behind(ids[:place]) if token == ECHO else token for ids, start, place in places]
        right = sum(ids[place] == said for (ids, _, place), said in zip(places, says, strict=True))
        assert share == pytest.approx(right / len(places), abs=5.1e-4)  # three decimals are kept


@given(TURNS)
def test_the_file_says_the_same(tmp_path_factory, turns):
    folder, habits = tmp_path_factory.mktemp("habits"), Habits.of(turns)
    habits.save(folder)
    assert Habits.load(folder, 10) == habits


def test_a_checkpoint_may_do_without(tmp_path):
    assert Habits.load(tmp_path, 10) == Habits()


@pytest.mark.parametrize("text", ["", "{", "[[1]]", "[3]", '[["a", 1, 0.5]]', "[[1, 2, 99, 0.5]]", "[[1, 2, -2, 0.5]]"])
def test_a_damaged_file_is_refused_by_name(tmp_path, text):
    (tmp_path / HABITS).write_text(text)
    with pytest.raises(ModelError, match=r"habits\.json cannot be used .*delete this file"):
        Habits.load(tmp_path, 10)


def test_the_bundled_ones_are_of_its_words_and_part_of_its_hash(tmp_path):
    words = len(load_tokenizer(BUNDLED / "tokenizer.json"))
    assert len(Habits.load(BUNDLED, words).next) > 500
    for path in BUNDLED.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert fingerprint(tmp_path) == fingerprint(BUNDLED)
    (tmp_path / HABITS).write_text(json.dumps([]))
    assert fingerprint(tmp_path) != fingerprint(BUNDLED)
