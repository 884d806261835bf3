"""Prompts: every bank has its paraphrases, and what is filled in is never read as a template."""

import pytest

from benchmarks.errors import ConfigError, UnknownName
from tasks import prompts, strict_yaml
from tasks.prompts import Bank, bank, keys, render, sets, template
from tasks.registry import find, task_files


@pytest.mark.parametrize("key", keys())
def test_every_prompt_has_a_default_and_four_paraphrases_or_more(key):
    wordings = bank(key).wordings()
    assert list(wordings)[:5] == ["default", "1", "2", "3", "4"]
    assert len(set(wordings.values())) == len(wordings)
    assert all(text == text.strip() and text for text in wordings.values())


@pytest.mark.parametrize("key", keys())
def test_every_wording_says_the_question_exactly_when_the_default_does(key):
    said = [render(key, "the red cup", ["cat"], each).count("the red cup") for each in bank(key).wordings()]
    assert set(said) in ({0}, {1})


def test_every_task_of_ours_names_a_bank():
    assert {content.prompt for content in task_files().values()} <= set(keys())


def test_what_is_filled_in_is_never_read_as_a_template():
    assert render("locate_expression", "{0} {question}{categories}") == "Locate {0} {question}{categories} with a box."
    assert render("Find {categories} or {question} here", "x", ["{question}", "b"]) == "Find {question}, b or x here"


def test_regions_are_left_for_the_model():
    assert "<region>" in render("segment_region", "")


def test_categories_that_a_benchmark_lacks_are_told():
    with pytest.raises(ConfigError, match="the benchmark lists none"):
        render("Find these: {categories}", "x")


def test_an_unknown_prompt_gets_the_nearest_name():
    with pytest.raises(UnknownName, match="did you mean segment_expression"):
        render("segment_expresion", "x")


def test_a_text_with_a_space_is_its_own_only_wording():
    assert bank("Find {question} now").wordings() == {"default": "Find {question} now"}


def test_a_place_that_nothing_fills_is_told():
    with pytest.raises(
        ConfigError, match=r"holds \{questoin\}, but only \{question\} and \{categories\} are filled in"
    ):
        template("Find {questoin} now")


def test_sets_are_resolved_in_order_and_once():
    assert sets("locate_expression", ["2", "all"]) == ["2", "default", "1", "3", "4"]
    with pytest.raises(UnknownName, match="no prompt set of locate_expression is called '9'"):
        sets("locate_expression", ["9"])
    with pytest.raises(UnknownName, match="no prompt set of locate_expression is called 'all'"):
        template("locate_expression", "all")


def test_a_paraphrase_that_forgets_the_question_is_refused(tmp_path):
    (tmp_path / "bad.yaml").write_text('default: "Find {question}."\nparaphrases: ["Find it."]\n')
    with pytest.raises(ConfigError, match=r"bad.yaml: 'Find it\.' must hold \{question\}, as the default does"):
        strict_yaml.read(tmp_path / "bad.yaml", Bank)


def test_a_bank_with_an_unknown_key_is_refused(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text("default: Find it.\nparaphrase: [Look]\n")
    monkeypatch.setattr(prompts, "BUILT_IN", tmp_path)
    bank.cache_clear()
    with pytest.raises(ConfigError, match="did you mean paraphrases"):
        bank("mine")


@pytest.mark.parametrize("name", task_files())
def test_every_task_of_ours_renders_every_wording_of_its_prompt(name):
    task = find(name)
    for each in sets(task.prompt, ["all"]):
        assert render(task.prompt, "the red cup", ["cat", "dog"], each)
