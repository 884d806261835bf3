"""`refbench eval --suite`: the whole house at once, what is left out and why, and going on after Ctrl-C."""

from dataclasses import replace

import pytest

from benchmarks.schema import Prediction
from tasks import data
from tasks.base import ModelEntry
from tasks.models import registry as models
from tasks.registry import find, task_files


@pytest.fixture
def suite(refbench, small_world):
    """Evaluate a suite with the oracle on the small world; further words as given, later ones win."""

    def run(name, *words):
        return refbench("eval", "--suite", name, "--model", "oracle", "--data-root", small_world, *words)

    return run


@pytest.fixture
def boxes_only(monkeypatch):
    """Let the oracle answer with boxes only."""
    entry = replace(models.find("oracle"), units=("box",))
    monkeypatch.setattr(models, "find", lambda name, include: entry)


@pytest.fixture
def own_suite(tmp_path):
    """Write a suite and return the words that name it."""

    def write(content):
        (tmp_path / "mine" / "suites").mkdir(parents=True)
        (tmp_path / "mine" / "suites" / "own.yaml").write_text(f"description: mine\n{content}\n")
        return "own", "--include", tmp_path / "mine"

    return write


def test_the_sample_suite_proves_every_task_with_the_oracle_and_rewards_no_constant(suite, monkeypatch):
    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "left out for speed")
    answer = suite("sample", "--limit", 2, "--quiet", "--json").json
    assert (answer["suite"], answer["skipped"]) == ("sample", [])
    best = {row["task"]: row for row in answer["rows"]}
    assert list(best) == list(task_files())
    assert len(answer["rows"]) == len(best)
    blind = {row["task"]: row for row in suite("sample", "--model", "constant", "--quiet", "--json").json["rows"]}
    for name in task_files():
        metric = find(name).kind.metrics[0]
        bound = metric.card.bounds.get(metric.headline, (0.0, 1.0))[1]
        reached, other = (rows[name]["metrics"][metric.headline] for rows in (best, blind))
        # official BLEU and depth ratios end within 1e-6 of their bound; CIDEr has none
        assert bound is None or reached == pytest.approx(bound, abs=1e-6), name
        assert other != reached, name
        assert other is None or (other < reached) == metric.higher_is_better, name


def test_tasks_that_a_model_has_no_unit_for_are_named_below_the_table(suite, boxes_only):
    outcome = suite("grounding", "--limit", 2)
    assert outcome.code == 0
    reason = "left out: refcoco_res needs mask, and model oracle answers with box only"
    assert reason in outcome.err
    assert outcome.out.splitlines()[-5:] == [
        f"left out: {name} needs mask, and model oracle answers with box only"
        for name in ("refcoco_res", "refcocop_res", "refcocog_res", "grefcoco_res", "reasonseg")
    ]
    answer = suite("grounding", "--limit", 2, "--json").json
    assert answer["skipped"][0]["task"] == "refcoco_res"
    assert {row["task"] for row in answer["rows"]} >= {"refcoco_rec", "refcocop_rec", "refcocog_rec"}


def test_a_model_that_can_do_nothing_of_a_suite_is_refused(suite, boxes_only):
    outcome = suite("vqa")
    assert (outcome.code, outcome.out) == (2, "")
    assert "nothing of the suite can be run; vqav2: needs text" in outcome.err


def test_the_summary_has_a_line_per_task_with_its_splits(suite):
    lines = suite("grounding", "--limit", 2).out.splitlines()
    [line] = [line for line in lines if line.startswith("refcoco_rec ")]
    assert line.split() == ["refcoco_rec", "rec", "acc@0.5", "val", "100.00,", "testA", "100.00,", "testB", "100.00"]


def test_a_split_runs_the_tasks_that_have_it(suite):
    answer = suite("grounding", "--split", "testA", "--limit", 2, "--json").json
    assert {row["split"] for row in answer["rows"]} == {"testA"}
    left = {each["task"]: each["reason"] for each in answer["skipped"]}
    assert left["refcocog_rec"] == "has no such split, only val, test, shifted"
    assert "did you mean testA" in suite("grounding", "--split", "tstA").err


def test_tasks_whose_files_are_not_there_are_left_out_and_broken_files_stop_everything(suite, unmarked_world):
    (unmarked_world / "refcoco" / "refs(unc).p").unlink()
    answer = suite("grounding", "--data-root", unmarked_world, "--limit", 2, "--json").json
    left = {each["task"]: each["reason"] for each in answer["skipped"]}
    assert set(left) == {"refcoco_rec", "refcoco_res"}
    assert "refs(unc).p" in left["refcoco_rec"]
    assert {row["data"] for row in answer["rows"]} == {"official"}
    (unmarked_world / "refcocog" / "refs(umd).p").write_bytes(b"broken")
    outcome = suite("grounding", "--data-root", unmarked_world, "--limit", 2)
    assert (outcome.code, outcome.out) == (2, "")
    assert "refs(umd).p" in outcome.err


def test_a_suite_or_tasks_and_not_both(suite, refbench):
    for outcome in (suite("grounding", "--task", "pope"), refbench("eval", "--model", "oracle")):
        assert outcome.code == 2
        assert "--task T[,T…] or --suite S, one of both" in outcome.err


def test_one_split_only_where_the_suite_says_so(suite, own_suite):
    rows = suite(*own_suite("tasks: [refcoco_rec, pope]\nsplits: one"), "--limit", 2, "--json").json["rows"]
    assert [(row["task"], row["split"]) for row in rows] == [("refcoco_rec", "testA"), ("pope", "random")]


def test_a_suite_of_the_sample_world_leaves_official_data_alone(unmarked_world, small_world, monkeypatch, capsys):
    monkeypatch.setattr("benchmarks.world.write.ensure_world", lambda root, progress: small_world)
    assert data.sample_data(unmarked_world, progress=False) == data.Data(small_world, "sample")
    assert f"data root {unmarked_world} is left alone" in capsys.readouterr().err
    assert data.sample_data(None, progress=False).root == small_world
    assert "always runs on the built-in sample world\n" in capsys.readouterr().err


def test_a_world_of_the_users_own_is_used_by_a_suite_of_the_sample_world(small_world, capsys):
    assert data.sample_data(small_world, progress=False) == data.Data(small_world, "sample")
    assert capsys.readouterr().err == ""


class Reader:
    """A model that answers nothing, counts how often it is loaded, and meets Ctrl-C at one of its calls."""

    def __init__(self, stop_at=None):
        self.loads, self.calls, self.stop_at = 0, 0, stop_at

    def load(self, options):
        self.loads += 1
        return self

    def predict(self, queries):
        self.calls += 1
        if self.calls == self.stop_at:
            raise KeyboardInterrupt
        return [Prediction(query.sample_id, "ok") for query in queries]

    def fingerprint(self):
        return "reader/1"


def test_the_model_is_loaded_once_and_a_stopped_suite_says_how_to_go_on(suite, own_suite, monkeypatch):
    reader = Reader(stop_at=3)
    monkeypatch.setattr(models, "find", lambda name, include: ModelEntry("reader", "test", ("box",), reader.load))
    words = (*own_suite("tasks: [refcoco_rec, refcocog_rec, refcocop_rec]\nsplits: one"), "--limit", 2)
    stopped = suite(*words)
    assert (stopped.code, stopped.out, reader.loads) == (130, "", 1)
    assert "2 rows were finished before and will not run again" in stopped.err
    assert "the same command goes on from there" in stopped.err
    assert suite(*words).code == 0
    assert (reader.calls, reader.loads) == (4, 2)


def test_splits_beyond_what_memory_is_for_are_opened_again(suite, monkeypatch):
    kept = suite("grounding", "--split", "testA", "--limit", 2, "--json").json
    monkeypatch.setattr("tasks.plan.HELD", 1)
    assert suite("grounding", "--split", "testA", "--limit", 2, "--fresh", "--json").json == kept
