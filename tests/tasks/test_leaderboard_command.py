"""`leaderboard` and `runs` over runs that `eval` made."""

import csv
import io
import json
import shutil
from pathlib import Path

import pytest

MODEL = """
from benchmarks.schema import Prediction
from tasks.base import ModelEntry

class Silent:
    def predict(self, queries):
        return [Prediction(sample_id=query.sample_id, status="ok", text="") for query in queries]

    def fingerprint(self):
        return "silent/1"

MODELS = [ModelEntry("silent|<b>", "mine", units=("text",), load=lambda options: Silent())]
"""


@pytest.fixture
def runs(refbench, small_world):
    """A folder of runs: two models on val and test, one of them on a few samples of val."""

    def evaluate(*words):
        assert refbench("eval", "--data-root", small_world, "--task", "refcocog_rec", "--quiet", *words).code == 0

    evaluate("--model", "oracle,constant", "--split", "val,test")
    return evaluate


def cells(text, name):
    [line] = [line for line in text.splitlines() if line.startswith(name)]
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def test_a_task_has_a_table_for_each_split(refbench, runs):
    text = refbench("leaderboard", "--task", "refcocog_rec").out
    assert text.index("refcocog_rec test\n") < text.index("refcocog_rec val\n")
    assert "sample data: procedural scenes" in text
    val = text[text.index("refcocog_rec val\n") :]
    assert cells(val, "oracle")[:2] == ["oracle", "sanity"] and "100.00" in cells(val, "oracle")


def test_every_format_holds_the_same_numbers(refbench, runs):
    words = ("leaderboard", "--task", "refcocog_rec", "--split", "val", "--metric", "miou")
    [board] = refbench(*words, "--json").json["boards"]
    assert refbench(*words, "--format", "json").json["boards"] == [board]
    values = {line["model"]: line["cells"][0]["value"] for line in board["lines"]}
    entries = list(csv.DictReader(io.StringIO(refbench(*words, "--format", "csv").out)))
    assert {entry["model"]: float(entry["value"]) for entry in entries} == values
    for words_of_format in (words, (*words, "--format", "markdown")):
        text = refbench(*words_of_format).out
        assert all(f"{100 * value:.2f}" in text for value in values.values())
    assert {entry["protocol"] for entry in entries} == {board["columns"][0]["code"]}


def test_rows_of_a_part_are_refused_then_mixed_then_left_out(refbench, runs, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "silent.py").write_text(MODEL.replace('units=("text",)', 'units=("box",)'))
    runs("--model", "silent|<b>", "--include", tmp_path / "mine", "--limit", "4", "--split", "val")
    words = ("leaderboard", "--task", "refcocog_rec", "--split", "val", "--include", tmp_path / "mine")
    refused = refbench(*words)
    assert refused.code == 2 and not refused.out
    assert "rows of 2 protocols are not ranked together: samples is 4 of" in refused.err
    mixed = refbench(*words, "--mixed").out
    assert "limit: 4 of" in mixed and "other protocol: samples is 4 of" in mixed
    assert "silent\\|&lt;b&gt;" in refbench(*words, "--mixed", "--format", "markdown").out
    [board] = refbench(*words, "--model", "oracle", "--json").json["boards"]
    code = board["columns"][0]["code"]
    assert "silent" not in refbench(*words, "--protocol", code).out


def test_a_model_without_the_unit_is_told_from_one_that_was_not_run(refbench, runs, small_world, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "silent.py").write_text(MODEL)
    of_silent = ("--model", "silent|<b>", "--include", tmp_path / "mine", "--quiet")
    assert refbench("eval", "--data-root", small_world, "--task", "vqav2", *of_silent).code == 0
    [board] = refbench("leaderboard", "--split", "val", "--include", tmp_path / "mine", "--json").json["boards"]
    states = {line["model"]: [cell["state"] for cell in line["cells"]] for line in board["lines"]}
    assert [column["task"] for column in board["columns"]] == ["refcocog_rec", "vqav2"]
    assert states == {
        "silent|<b>": ["impossible", "number"],
        "oracle": ["number", "missing"],
        "constant": ["number", "missing"],
    }


def test_boards_by_suite_and_capability_cover_their_tasks(refbench, runs):
    for words in (("--suite", "grounding"), ("--capability", "rec"), ()):
        [board] = refbench("leaderboard", *words, "--json").json["boards"]
        assert [(column["task"], column["split"]) for column in board["columns"]] == [
            ("refcocog_rec", "test"),
            ("refcocog_rec", "val"),
        ]


def test_groups_of_a_file_are_headings_in_its_order_and_bounds_stay_bounds(refbench, runs):
    """As another lab's runs: the constant model under a name of its own."""
    for name in ("first", "second"):
        shutil.copytree("runs/constant", f"runs/{name}")
        for path in Path("runs", name).rglob("result.json"):
            path.write_text(path.read_text().replace('"model": "constant"', f'"model": "{name}"'))
    Path("groups.yaml").write_text("groups:\n  Theirs: [sec*, nobody]\n  Ours: [first, oracle]\n")
    words = ("leaderboard", "--task", "refcocog_rec", "--split", "val", "--groups", "groups.yaml")
    done = refbench(*words, "--json")
    [board] = done.json["boards"]
    assert [(line["model"], line["group"]) for line in board["lines"]] == [
        ("second", "Theirs"), ("first", "Ours"), ("oracle", "sanity"), ("constant", "sanity"),
    ]  # fmt: skip
    assert "no model with runs of this choice is called 'nobody'" in done.err
    for text, complaint in (("groups: [a]", "groups"), ("group: {a: [b]}", "did you mean groups"), ("{", "no YAML")):
        Path("groups.yaml").write_text(text)
        refused = refbench(*words)
        assert refused.code == 2 and complaint in refused.err
    assert refbench(*words[:-1], "nowhere.yaml").code == 2


def test_a_number_of_ones_own_appears_and_may_get_better_downwards(refbench, runs):
    """As another program writes a record: its metric has no code here."""
    for path in Path("runs").rglob("result.json"):
        content = json.loads(path.read_text())
        is_oracle = content["model"] == "oracle"
        content["columns"].append("seconds")
        content["metrics"]["seconds"] = 3.5 if is_oracle else 1.5
        content["units"]["seconds"] = "s"
        path.write_text(json.dumps(content))
    words = ("leaderboard", "--task", "refcocog_rec", "--split", "val", "--metric", "seconds", "--json")
    [board] = refbench(*words, "--lower", "seconds").json["boards"]
    assert (board["columns"][0]["better"], board["columns"][0]["unit"]) == ("lower", "s")
    assert [line["cells"][0]["value"] for line in board["lines"]] == [1.5, 3.5]
    [board] = refbench(*words).json["boards"]
    assert [line["cells"][0]["value"] for line in board["lines"]] == [3.5, 1.5]


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("--task", "refcocog_rex"), "did you mean refcocog_rec?"),
        (("--task", "refcocog_rec", "--suite", "sample"), "exclude each other"),
        (("--metric", "miou"), "--task refcocog_res --metric ciou"),
        (("--capability", "depth"), "no kind of task with runs is called 'depth'"),
        (("--suite", "captioning"), "no task of suite captioning was run"),
        (("--model", "nobody"), "holds no run of this choice"),
    ],
)
def test_what_cannot_be_shown_is_refused_with_the_remedy(refbench, runs, words, text):
    refused = refbench("leaderboard", *words)
    assert refused.code == 2
    assert text in refused.err


def test_without_any_run_the_way_to_one_is_named(refbench):
    refused = refbench("leaderboard")
    assert refused.code == 2 and "refbench eval" in refused.err
    Path("runs").mkdir()
    listed = refbench("runs", "list")
    assert (listed.code, listed.out) == (0, "") and "refbench eval" in listed.err
    assert refbench("runs", "list", "--json").json == []


def test_runs_are_listed_and_one_is_shown_with_its_protocol(refbench, runs):
    entries = refbench("runs", "list", "--model", "orac*", "--split", "val", "--json").json
    [entry] = entries
    assert entry["id"] in refbench("runs", "list").out
    shown = refbench("runs", "show", entry["id"][:6])
    assert shown.code == 0
    assert f"protocol {entry['protocol']}:" in shown.out
    assert "all as the run wrote them; numbers computed again from the rows" in shown.out
    card = refbench("runs", "show", "oracle/refcocog_rec/val", "--json").json
    assert (card["problems"], card["recomputed"]) == ([], ["rec"])
    assert card["protocol_fields"]["metrics"] == "rec=rec/1"


def test_an_edited_result_is_told(refbench, runs):
    [entry] = refbench("runs", "list", "--model", "constant", "--split", "val", "--json").json
    path = Path(entry["folder"]) / "result.json"
    content = json.loads(path.read_text())
    content["metrics"]["miou"] = 0.99
    path.write_text(json.dumps(content))
    shown = refbench("runs", "show", entry["id"])
    assert shown.code == 1
    assert "miou is 0.99 in result.json, but the rows give" in shown.out
    for mark, words in (
        ("constant", ("leaderboard", "--task", "refcocog_rec", "--split", "val")),
        ("run constant/refcocog_rec/val-", ("export", "--table", "rec", "--format", "latex")),
    ):
        assert mark in refbench(*words).out
        verified = refbench(*words, "--verify")
        assert (verified.code, mark in verified.out, "oracle" in verified.out) == (0, False, True)
        assert f"left out: constant/refcocog_rec/val ({entry['id']}): miou is 0.99" in verified.err
    refused = refbench("runs", "import", "runs", "--runs", "copy")
    assert refused.code == 1
    assert "result.json was edited" in refused.out
    assert refused.out.count("imported") == 3
    assert len(refbench("runs", "list", "--runs", "copy", "--json").json) == 3


def test_a_broken_result_is_named_and_the_others_are_listed(refbench, runs):
    [entry] = refbench("runs", "list", "--model", "constant", "--split", "val", "--json").json
    (Path(entry["folder"]) / "result.json").write_text("{")
    for words in (("runs", "list"), ("leaderboard",)):
        done = refbench(*words)
        assert done.code == 0 and "oracle" in done.out
        assert "left out: " in done.err and "broken JSON" in done.err


def test_imported_runs_are_those_of_elsewhere_and_leave_no_index_there(refbench, runs):
    done = refbench("runs", "import", "runs", "--runs", "copy", "--json").json
    assert (len(done["imported"]), done["already_here"], done["refused"]) == (4, [], [])
    assert not Path("runs/.index.json").exists()
    assert len(refbench("runs", "import", "runs", "--runs", "copy", "--json").json["already_here"]) == 4
    one, other = (refbench("runs", "list", "--runs", folder, "--json").json for folder in ("runs", "copy"))
    assert sorted(each["id"] for each in one) == sorted(each["id"] for each in other)
    assert refbench("runs", "import", "nowhere").code == 2


def test_runs_are_deleted_only_when_somebody_says_so(refbench, runs, monkeypatch):
    assert refbench("runs", "rm").code == 2
    assert refbench("runs", "rm", "oracle/refcocog_rec/val", "--model", "oracle").code == 2
    refused = refbench("runs", "rm", "--model", "oracle")
    assert refused.code == 2 and "--yes" in refused.err
    for answer, left in (("n\n", 4), ("y\n", 2)):
        monkeypatch.setattr("sys.stdin", terminal(answer))
        assert refbench("runs", "rm", "--model", "oracle").code == 0
        assert len(refbench("runs", "list", "--json").json) == left
    assert "deleted 1 run\n" in refbench("runs", "rm", "constant/refcocog_rec/val", "--yes").out
    assert [each["split"] for each in refbench("runs", "list", "--json").json] == ["test"]


def terminal(answer):
    """Standard input at which somebody sits."""
    stream = io.StringIO(answer)
    stream.isatty = lambda: True
    return stream


def test_a_day_is_needed_where_a_day_is_asked_for(refbench, runs):
    assert len(refbench("runs", "list", "--since", "2020-01-01", "--json").json) == 4
    assert refbench("runs", "list", "--since", "2999-01-01", "--json").json == []
    assert "is no date such as 2026-11-20" in refbench("runs", "list", "--since", "monday").err
