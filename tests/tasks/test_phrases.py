import sys
from itertools import pairwise

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.errors import ConfigError, UnknownName
from tasks import phrases
from tasks.phrases import find, fold, lexical, plain, synonyms

COCO = ["person", "car", "dog", "dining table", "sports ball", "skis", "scissors", "mouse", "bus", "carrot", "hot dog"]
names = st.lists(st.text(min_size=1, max_size=12), max_size=6, unique_by=lambda name: (fold(name), plain(name)))
repeatable = settings(deadline=None, derandomize=True)
mappers = st.sampled_from(["exact", "synonyms", "lexical"]).map(find)


def mapped(mapper, *answers, categories=COCO):
    return [None if place is None else categories[place] for place in mapper(answers, categories)]


def test_exact_reads_over_capitals_underscores_and_spaces_only():
    assert mapped(find("exact"), "Dining_Table", " hot  DOG ", "a dog", "dogs", "") == [
        "dining table", "hot dog", None, None, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        ("a dog", "dog"), ("The Dogs", "dog"), ("people", "person"), ("two men", None), ("the men", "person"),
        ("a ski", "skis"), ("pair of scissors", "scissors"), ("mice", "mouse"), ("buses", "bus"), ("bus", "bus"),
        ("table", "dining table"), ("tennis-ball", "sports ball"), ("the sofa", None), ("...", None), ("the", None),
    ],
)  # fmt: skip
def test_synonyms_read_over_articles_plurals_and_other_names(answer, category):
    assert mapped(synonyms, answer) == [category]


def test_aliases_of_a_category_stand_between_commas():
    categories = ["building, edifice", "pool table, billiard table", "person, individual"]
    assert synonyms(["edifices", "billiard-table", "building, edifice", "man"], categories) == [0, 1, 0, None]


def test_a_remark_in_brackets_need_not_be_said():
    categories = ["bow_(weapon)", "bow_(decorative_ribbons)", "orange_(fruit)", "orange juice"]
    assert synonyms(["a bow", "bow (decorative ribbon)", "oranges", "orange juice"], categories) == [0, 1, 2, 3]


def test_a_category_of_that_name_comes_before_a_synonym():
    assert mapped(synonyms, "table", "desk", categories=["dining table", "table", "desk"]) == ["table", "desk"]


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        ("a large black dog on the grass", "dog"), ("big hot dog", "hot dog"), ("scissor", "scissors"),
        ("man with a dog", "person"), ("carrots", "carrot"), ("cart", None), ("carpet", None), ("zebra", None),
        ("", None), ("with", None),
    ],
)  # fmt: skip
def test_lexical_reads_the_noun_and_refuses_what_only_begins_alike(answer, category):
    assert mapped(lexical, answer) == [category]


def test_equal_claims_go_to_the_category_listed_first():
    assert lexical(["green box"], ["red box", "box", "Box "]) == [1]
    assert synonyms(["boxes"], ["boxs", "box"]) == synonyms(["a box"], ["boxs", "box!"]) == [0]


def test_the_words_of_one_category_of_coco_mean_no_other():
    table = yaml.safe_load((phrases.VOCABULARY / "coco.yaml").read_text("utf-8"))["synonyms"]
    words = [plain(word) for others in table.values() for word in {plain(word) for word in others}]
    assert sorted(words) == sorted(set(words))
    assert not {plain(name) for name in table} & {
        plain(word) for name, others in table.items() for word in others if plain(word) != plain(name)
    }


@repeatable
@given(names, mappers)
def test_every_category_maps_to_itself(categories, mapper):
    assert mapper(categories, categories) == list(range(len(categories)))


@repeatable
@given(st.lists(st.text(max_size=15), max_size=5), names, mappers)
def test_each_phrase_is_mapped_on_its_own_to_a_category_or_none(answers, categories, mapper):
    found = mapper(answers, categories)
    assert len(found) == len(answers)
    assert all(place is None or 0 <= place < len(categories) for place in found)
    assert found == [mapper([answer], categories)[0] for answer in answers]


@repeatable
@given(st.lists(st.text(max_size=15), max_size=5), names)
def test_each_mapper_keeps_what_the_stricter_one_found(answers, categories):
    ladder = [find(name)(answers, categories) for name in ("exact", "synonyms", "lexical")]
    for strict, loose in pairwise(ladder):
        assert all(a is None or a == b for a, b in zip(strict, loose, strict=True))


@repeatable
@given(st.text(max_size=30))
def test_folding_twice_changes_nothing(text):
    assert fold(fold(text)) == fold(text)


def test_an_unknown_mapper_gets_the_nearest_name():
    with pytest.raises(UnknownName, match="no phrase mapper is called 'synonym'; did you mean synonyms"):
        find("synonym")


def test_a_mapper_of_ones_own_is_found_by_its_name(monkeypatch):
    monkeypatch.setattr(phrases, "_MAPPERS", dict(phrases._MAPPERS))
    phrases.register("first", lambda answers, categories: [0 for _ in answers])
    assert find("first")(["x"], COCO) == [0]
    assert "first" in phrases.names()
    with pytest.raises(ConfigError, match="already called 'exact'"):
        phrases.register("exact", phrases.exact)


def test_an_embedding_model_needs_its_folder_and_its_library(tmp_path, monkeypatch):
    with pytest.raises(ConfigError, match="there is no such folder"):
        find(f"embedding:{tmp_path / 'none'}")
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ConfigError, match="needs the library sentence-transformers: install it, or use exact, lexical"):
        find(f"embedding:{tmp_path}")


def test_embeddings_map_what_synonyms_leave_open():
    space = {"hound of hell": (0.8, 0.6), "void": (-1.0, 0.0), "dog": (1.0, 0.0), "car": (0.0, 1.0)}
    mapper = phrases.by_embedding(lambda texts: np.array([space[text] for text in texts]))
    assert mapper(["hound of hell", "void", "cars"], ["car", "dog"]) == [1, None, 0]
