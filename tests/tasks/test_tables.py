"""Descriptions of paper tables: all of ours are sound, and mistakes in those of users are named."""

import pytest

from benchmarks.errors import ConfigError, UnknownName
from tasks import tables
from tasks.tables import evidence, find, only, paths, sets, verify

SPEC = """
description: mine
columns:
  - {head: Toy, task: TASK, splits: [val], metrics: [METRIC]}
rows:
  - {model: MODEL}
"""
GOOD = {"TASK": "refcocog_rec", "METRIC": "acc@0.5", "MODEL": "refvlm"}


@pytest.fixture
def mine(tmp_path):
    """Write a table with some words of it replaced, and return its path."""

    def write(**changes):
        text = SPEC
        for word, name in {**GOOD, **changes}.items():
            text = text.replace(word, name)
        (tmp_path / "mine.yaml").write_text(text)
        return str(tmp_path / "mine.yaml")

    return write


def test_every_table_of_ours_names_what_there_is():
    found = find(paths())
    for name, spec in found.items():
        verify(name, spec, ())
    shapes = {spec.shape for spec in found.values()}
    assert {f"T{number}" for number in range(1, 14)} <= shapes


def test_every_set_names_tables():
    for name, each in sets().items():
        assert list(find([name])) == each.tables


def test_a_table_of_a_users_own_needs_no_code(mine):
    [(name, spec)] = find([mine()]).items()
    verify(name, spec, ())
    assert (name, spec.columns[0].head) == ("mine", "Toy")


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"TASK": "refcoco_recc"}, "did you mean refcoco_rec?"),
        ({"METRIC": "acc@0.6"}, "did you mean acc@0.5?"),
        ({"MODEL": "refvlmm"}, "did you mean refvlm?"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(mine, changes, hint):
    [(name, spec)] = find([mine(**changes)]).items()
    with pytest.raises(UnknownName) as refusal:
        verify(name, spec, ())
    assert "table mine" in str(refusal.value)
    assert hint in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("description: d\ncolumns: []\nrows: [{model: a}]\n", "columns"),
        ("description: d\ncolumns: [{head: H}]\nrows: [{model: a}]\n", "needs one of"),
        ("description: d\ncolumns: [{head: H, fact: f}]\nrows: [{model: a, published: b}]\n", "needs one of"),
        ("description: d\ncolumns: [{head: H, average: [X]}]\nrows: [{model: a}]\n", "averages 'X'"),
        ("description: d\ncolumns: [{head: H, fact: f}]\nrows: [{model: a}]\nmissing: '×'\n", "must differ"),
        ("description: d\ncolumn: []\n", "column"),
    ],
)
def test_descriptions_that_cannot_be_used_are_refused(tmp_path, text, reason):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ConfigError, match=reason):
        find([str(tmp_path / "mine.yaml")])


def test_an_unknown_table_names_the_nearest():
    with pytest.raises(UnknownName, match="did you mean refvlm_paper"):
        find(["refvlm_papers"])


def test_rows_of_other_models_and_printed_ones_are_taken_out():
    [spec] = find(["rec"]).values()
    [line] = only(spec, ["refvlm"], with_published=False).rows
    assert line.models == ["refvlm"]
    [spec] = find(["ablation"]).values()
    with pytest.raises(ConfigError, match="no row is left"):
        only(spec, ["oracle"], with_published=True)


def test_what_models_declare_becomes_cannot():
    found = evidence(find(["rec"]).values(), ())
    assert "not mask" in found.cannot("hf-captioner", "refcocog_res")
    assert found.cannot("refvlm", "refcocog_res") == ""
    assert found.cannot("a model that is not here", "refcocog_res") == ""
    assert found.abilities("refvlm", "res") is True
    assert "oracle" in found.bounds
    assert any(each.model == "Shikra-7B" for each in found.published)


def test_files_of_an_included_folder_are_found_and_may_not_hide_ours(tmp_path, mine):
    (tmp_path / tables.FOLDER).mkdir()
    own = tmp_path / tables.FOLDER / "own.yaml"
    own.write_text(SPEC)
    assert paths(tmp_path)["own"] == own
    own.rename(own.with_name("rec.yaml"))
    with pytest.raises(ConfigError, match="built-in table"):
        paths(tmp_path)
