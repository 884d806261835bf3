import errno
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.errors import DataError
from tasks.run import Interrupted

LASTING = ("predictions.jsonl", "rows.npz", "result.json")


def content(run):
    """The bytes that must not depend on what happened on the way."""
    return {name: (run / name).read_bytes() for name in LASTING}


@pytest.mark.parametrize(
    "moments",
    [
        ["ask:0"],
        ["ask:2"],
        ["tear:0"],
        ["tear:2"],
        ["write:predictions.jsonl"],
        ["write:rows.npz"],
        ["write:result.json"],
        ["ask:1", "tear:1", "ask:0", "write:timings.jsonl"],
    ],
    ids=" ".join,
)
def test_a_run_killed_at_any_moment_and_started_again_gives_the_same_bytes(go, toy, killed, tmp_path, moments):
    go("undisturbed")
    for moment in moments:
        killed(moment)
    record = go()
    assert content(toy.folder_of(tmp_path / "runs")) == content(toy.folder_of(tmp_path / "undisturbed"))
    assert record == go("undisturbed")
    left = {path.name for path in toy.folder_of(tmp_path / "runs").iterdir()}
    assert left == {*LASTING, "timings.jsonl", "run.json", ".lock"}


def test_finished_batches_are_not_asked_again(go, killed, toy, tmp_path):
    killed("ask:2")
    model = toy.Steady()
    go(model=model)
    assert [id for batch in model.asked for id in batch] == [f"toy/test/{number}" for number in range(6, 10)]
    assert len(json.loads((toy.folder_of(tmp_path / "runs") / "run.json").read_text())["resumed"]) == 1


def test_a_batch_written_in_part_is_asked_again_whole(go, killed, toy):
    killed("tear:1")
    model = toy.Steady()
    go(model=model)
    assert model.asked[0] == ["toy/test/3", "toy/test/4", "toy/test/5"]


def test_ctrl_c_keeps_what_is_done_and_says_how_to_go_on(go, toy, tmp_path):
    def stop(number):
        if number == 2:
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=r"6 of 10 samples are done .* the same command goes on"):
        go(model=toy.Steady(stop))
    go()
    go("undisturbed")
    assert content(toy.folder_of(tmp_path / "runs")) == content(toy.folder_of(tmp_path / "undisturbed"))


def test_a_finished_run_answers_without_loading_the_model(go, toy, capsys):
    first = go(entry=toy.make_entry(toy.Steady(), fingerprint=lambda options: "steady"))

    def refuse(options):
        raise AssertionError("loaded")

    again = go(entry=toy.make_entry(None, load=refuse, fingerprint=lambda options: "steady"))
    assert again == first
    assert "finished before" in capsys.readouterr().err


def test_fresh_starts_over(go, toy):
    go()
    model = toy.Steady()
    go(model=model, fresh=True)
    assert len(model.asked) == 4


@pytest.mark.parametrize("left", [b'{"schema": 0}', b"cut off {"])
def test_an_incompatible_run_is_refused_until_it_is_started_over(go, toy, tmp_path, left):
    go()
    run = toy.folder_of(tmp_path / "runs")
    (run / "run.json").write_bytes(left)
    with pytest.raises(DataError, match="--fresh"):
        go()
    assert (run / "result.json").exists()
    assert go(fresh=True).n == 10


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"batch_size": 4}, {"limit": 9}, {"dtype": "bfloat16"}, {"device": "cuda"}], ids=str
)
def test_whatever_could_change_a_number_has_its_own_directory(go, toy, change):
    first = go()
    assert go(model=toy.Steady(), **change).run != first.run


def test_predictions_of_another_model_or_of_other_data_are_never_reused(go, toy, tmp_path):
    first = go()
    other = toy.Steady()
    other.fingerprint = lambda: "retrained"
    assert go(model=other).run != first.run
    assert len(other.asked) == 4
    changed = replace(toy.make_split(tmp_path), fingerprint="beef")
    assert go(split=changed).run != first.run


def test_a_disk_that_fills_up_leaves_whole_batches_only(go, toy, tmp_path, monkeypatch):
    real, calls = os.write, []

    def write(file, data):
        calls.append(len(data))
        if len(calls) < 3:
            return real(file, data)
        if len(calls) == 3:
            return real(file, bytes(data)[:50])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(DataError, match=r"rank-0\.jsonl cannot be written \(No space left.*free some space"):
        go()
    journal = (tmp_path / "runs").rglob("rank-0.jsonl").__next__().read_bytes()
    assert len(journal) == sum(calls[:2])
    monkeypatch.undo()
    model = toy.Steady()
    go(model=model)
    assert len(model.asked) == 2
    go("undisturbed")
    assert content(toy.folder_of(tmp_path / "runs")) == content(toy.folder_of(tmp_path / "undisturbed"))


def test_a_disk_that_fills_up_at_the_end_leaves_no_result(go, toy, tmp_path, monkeypatch):
    real = os.replace

    def replace_file(source, target):
        if Path(target).name == "result.json":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(source, target)

    monkeypatch.setattr(os, "replace", replace_file)
    with pytest.raises(DataError, match=r"result\.json cannot be written .*finished samples are kept"):
        go()
    run = toy.folder_of(tmp_path / "runs")
    assert not (run / "result.json").exists()
    assert not list(run.glob(".*.tmp"))
    monkeypatch.undo()
    assert go().n == 10


def test_a_file_in_place_of_the_runs_folder_is_named(go, tmp_path):
    (tmp_path / "runs").write_text("in the way")
    with pytest.raises(DataError, match=r"runs.*(not a folder|cannot be written).*--out"):
        go()
