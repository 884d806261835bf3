import json

import pytest


@pytest.fixture
def ask(refbench, small_world):
    """Evaluate the oracle on the small sample world, four samples to a batch."""

    def run(*words):
        common = ("--data-root", small_world, "--model", "oracle", "--batch-size", "4")
        return refbench("eval", "--task", "refcocog_res", "--split", "test", *common, *words)

    return run


def test_a_dry_run_says_what_would_be_asked_and_writes_nothing(ask, tmp_path):
    before = sorted(tmp_path.rglob("*"))
    outcome = ask("--dry-run", "--json", "--limit", "20")
    assert outcome.code == 0
    cost = outcome.json
    (row,) = cost["rows"]
    assert cost["dry_run"] is True
    assert (row["task"], row["split"], row["data"], row["samples"], row["done"]) == (
        "refcocog_res", "test", "sample", 20, 0,
    )  # fmt: skip
    assert len(row["prompts"]) == 2 and all(prompt.startswith("Segment") for prompt in row["prompts"])
    assert row["probed"] == 8  # three batches of four, the first one warms up
    assert row["seconds"] == pytest.approx(row["load_s"] + row["sample_s"] * 20)
    assert cost["memory_bytes"] > 10_000_000
    assert sorted(tmp_path.rglob("*")) == before


def test_prompts_are_those_of_the_run(ask):
    prompts = ask("--dry-run", "--json", "--limit", "5").json["rows"][0]["prompts"]
    (row,) = ask("--json", "--limit", "5").json["rows"]
    with open(f"runs/{row['run']}/predictions.jsonl") as file:
        assert prompts == [json.loads(line)["prompt"] for line in file][:2]


def test_what_is_done_costs_nothing(ask):
    ask()
    outcome = ask("--dry-run", "--json")
    (row,) = outcome.json["rows"]
    assert (row["done"], row["sample_s"], row["seconds"]) == (row["samples"], None, 0)


def test_several_rows_and_processes_are_summed_for_people(ask):
    outcome = ask("--dry-run", "--prompt-set", "all", "--num-processes", "2")
    assert "Nothing was written." in outcome.out
    assert outcome.out.count("oracle") > 1
    assert "GB a process" in outcome.out


def test_a_dry_run_under_a_launcher_is_refused(ask, monkeypatch):
    for name, value in {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1"}.items():
        monkeypatch.setenv(name, value)
    assert ask("--dry-run").code == 2
