"""`refbench eval` with several models, with early stopping and with progress for programs."""

import json
import re

import pytest

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@pytest.fixture
def ask(refbench, small_world):
    """Evaluate on the small sample world."""

    def run(*words):
        return refbench("eval", "--task", "refcocog_res", "--split", "test", "--data-root", small_world, *words)

    return run


def test_several_models_make_one_table_and_each_is_loaded_once(ask, monkeypatch):
    from tasks.models import constant, oracle

    loads = []
    for module in (oracle, constant):
        (entry,) = module.MODELS
        real = entry.load
        object.__setattr__(
            entry, "load", lambda options, real=real, name=entry.name: loads.append(name) or real(options)
        )
        monkeypatch.setattr(module, "MODELS", [entry])
    try:
        words = ("--model", "oracle,constant", "--regime", "full,instruction")
        outcome = ask(*words, "--json")
        assert [(row["model"], row["regime"]) for row in outcome.json["rows"]] == [
            ("oracle", "full"), ("oracle", "instruction"), ("constant", "full"), ("constant", "instruction"),
        ]  # fmt: skip
        assert loads == ["oracle", "constant"]
        assert re.search(
            r"^4 rows: [\d,]+ samples, 0 failed, 0 unparsable; [\d,]+ answered now, in ", outcome.err, re.M
        )
        again = ask(*words)
        assert loads == ["oracle", "constant"]
        assert "; 0 answered now" in again.err
        assert again.out.count("oracle") >= 2 and again.out.count("constant") >= 2
    finally:
        for module in (oracle, constant):
            object.__setattr__(module.MODELS[0], "load", module.load)


def test_piped_progress_has_no_control_characters(ask):
    err = ask("--model", "oracle", "--fresh").err
    assert CONTROL.search(err) is None


def test_log_json_writes_nothing_but_objects_to_standard_error(ask):
    outcome = ask("--model", "oracle", "--log-json", "--json")
    events = [json.loads(line) for line in outcome.err.splitlines()]
    names = {event["event"] for event in events}
    assert {"started", "row_started", "batch", "row_done", "ended"} <= names
    (row,) = outcome.json["rows"]
    assert [event["samples"] for event in events if event["event"] == "started"] == [row["n"]]


def test_a_baseline_that_no_task_knows_is_refused_before_anything_is_run(ask):
    outcome = ask("--model", "oracle", "--early-stop", "ciuo=0.9")
    assert outcome.code == 2
    assert "did you mean ciou" in outcome.err
    assert "samples, into" not in outcome.err


def test_a_row_that_is_stopped_early_ends_with_1_and_says_so(ask):
    words = ("--model", "constant", "--batch-size", "1", "--early-stop", "giou=0.95")
    outcome = ask(*words)
    assert outcome.code == 1
    assert "stopped early" in outcome.out and "stopped early" in outcome.err
    (row,) = ask(*words, "--json").json["rows"]
    assert row["stopped_early"]["baseline"] == 0.95
    whole = ask("--model", "constant", "--batch-size", "1", "--json")
    assert whole.code == 0
    assert whole.json["rows"][0]["n"] > row["n"]
    assert "stopped_early" not in whole.json["rows"][0]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--retry-failed", "--early-stop", "ciou=0.5"), "leave out --early-stop"),
        (("--model", "oracle,constant", "--weights", "w"), "--weights belongs to one model"),
    ],
)
def test_options_that_exclude_each_other_are_named(ask, words, text):
    outcome = ask("--model", "oracle", *words)
    assert (outcome.code, text in outcome.err) == (2, True)


def test_several_models_under_a_launcher_are_refused(ask, monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    outcome = ask("--model", "oracle,constant")
    assert outcome.code == 2
    assert "under a launcher" in outcome.err


def test_the_data_are_opened_once_for_all_models_and_parts_of_rows_name_theirs(refbench):
    words = ("--task", "refcocog_res", "--split", "val", "--limit", "4")
    outcome = refbench("eval", *words, "--model", "oracle,constant")
    assert outcome.err.count("no data root") == 1
    assert "\nconstant refcocog_res val, by kind of expression\n" in outcome.out
