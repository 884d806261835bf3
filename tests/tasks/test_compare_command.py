"""`refbench compare` and `refbench power` on runs that `refbench eval` wrote."""

import json

import pytest


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two models on two tasks of the sample world, twelve samples each."""
    from tasks.cli import main

    out = tmp_path_factory.mktemp("runs")
    for model in ("constant", "oracle"):
        words = ["--task", "refcocog_rec,refcocog_res", "--limit", "12", "--model", model, "--out", str(out)]
        assert main(["eval", *words, "--split", "val"]) == 0
    return out


def test_two_runs_with_tags_have_slices_with_intervals(refbench, runs):
    code, out, _ = refbench("compare", "constant/refcocog_res", "oracle/refcocog_res", "--runs", runs, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["metrics"]["ciou"]["verdict"] == "better"
    assert found["metrics"]["ciou"]["b"] == 1
    assert found["flips"]["fixed"] > 0 == found["flips"]["broken"]
    assert {"kind", "expression_length"} & {each["tag"] for each in found["slices"]}
    assert all(each["sample_id"].startswith("refcocog/umd/val/") for each in found["moved"])


def test_models_are_compared_over_their_tasks(refbench, runs):
    code, out, _ = refbench("compare", "constant", "oracle", "--runs", runs, "--resamples", "500")
    assert code == 0
    assert "B against A: 2 better, 0 worse, 0 no evidence" in out
    code, out, _ = refbench("compare", runs / "constant", runs / "oracle", "--runs", runs, "--format", "markdown")
    assert code == 0
    assert r"| refcocog\_rec" in out


def test_other_tasks_and_unknown_runs_are_refused_in_one_line(refbench, runs):
    code, out, err = refbench("compare", "oracle/refcocog_rec", "oracle/refcocog_res", "--runs", runs)
    assert (code, out) == (2, "")
    assert "task is refcocog_rec in one and refcocog_res in the other" in err
    code, out, err = refbench("compare", "oracel", "oracle", "--runs", runs)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "oracle/refcocog_re" in err


def test_edited_rows_are_refused(refbench, runs, tmp_path):
    from shutil import copytree

    copytree(runs, tmp_path / "copy")
    [rows] = (tmp_path / "copy" / "oracle" / "refcocog_res").glob("*/rows.npz")
    [other] = (tmp_path / "copy" / "constant" / "refcocog_res").glob("*/rows.npz")
    rows.write_bytes(other.read_bytes())
    code, _, err = refbench("compare", "constant/refcocog_res", "oracle/refcocog_res", "--runs", tmp_path / "copy")
    assert code == 2
    assert "was edited" in err


def test_power_says_how_many_samples_a_point_takes(refbench, runs):
    words = ["power", "constant/refcocog_rec", "--runs", runs, "--metric", "miou", "--effect", "0.01"]
    code, out, _ = refbench(*words)
    assert code == 0
    assert "n needed" in out
    code, out, _ = refbench(*words, "--against", "oracle/refcocog_rec", "--json")
    [score] = json.loads(out)["scores"]
    assert (code, score["key"], score["n"]) == (0, "miou", 12)
    assert score["needed_n"] > 12


@pytest.mark.parametrize("words", [("--effect", "0"), ("--alike", "1"), ("--power", "2"), ("--level", "nan")])
def test_power_refuses_numbers_out_of_range(refbench, runs, words):
    code, out, err = refbench("power", "oracle/refcocog_rec", "--runs", runs, *words)
    assert (code, out) == (2, "")
    assert words[1] in err
