import json
from datetime import datetime

import pytest

from metrics.errors import DataError
from results.store import Store


@pytest.fixture
def put(tmp_path):
    """Write a run: its record, and when and of which commit it was."""

    def write(record, ended="2026-11-20T10:00:00+00:00", commit="abc123"):
        folder = tmp_path / record.run
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(json.dumps(record.to_json()))
        (folder / "run.json").write_text(json.dumps({"ended": ended, "git": {"commit": commit}}))
        return folder

    return write


def test_every_finished_run_is_found_in_the_order_of_paths(tmp_path, make_record, put):
    records = [make_record(run=f"toy/toy_rec/{name}") for name in ("test-a", "test-b", "val-c")]
    for record in reversed(records):
        put(record)
    unfinished = tmp_path / "toy" / "toy_rec" / "test-d"
    unfinished.mkdir()
    (unfinished / "run.json").write_text("{}")
    (tmp_path / "toy" / ".test-a.0011.old").mkdir()
    (tmp_path / "toy" / ".test-a.0011.old" / "result.json").write_text("{}")
    assert [run.record for run in Store(tmp_path).runs()] == records
    assert Store(tmp_path).problems() == []


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not a folder of runs: .*--runs"):
        Store(tmp_path / "nowhere").runs()


def test_runs_are_chosen_by_name_pattern_time_and_commit(tmp_path, make_record, put):
    put(make_record(run="a/1"), ended="2026-11-01T00:00:00+00:00", commit="aaa111")
    put(
        make_record(run="b/2", model="hf-vlm:org/name", split="val"), ended="2026-11-03T00:00:00+02:00", commit="bbb222"
    )
    put(make_record(run="c/3", task="other"), ended="", commit=None)
    store = Store(tmp_path)

    def chosen(**wanted):
        return [run.record.run for run in store.runs(**wanted)]

    assert chosen(model="hf-vlm:*") == ["b/2"]
    assert chosen(task="other", model="toy") == ["c/3"]
    assert chosen(split="val") == ["b/2"]
    assert chosen(since=datetime(2026, 11, 2, 22)) == ["b/2"]
    assert chosen(since=datetime(2026, 11, 2, 23)) == []
    assert chosen(commit="AAA1") == ["a/1"]
    assert chosen(commit="aaa1112") == []


def test_a_run_is_found_by_folder_id_and_name(tmp_path, make_record, put, monkeypatch):
    one = put(make_record(run="toy/toy_rec/test-0123456789"))
    put(make_record(run="toy/toy_rec/val-0a23456789", split="val"))
    store = Store(tmp_path)
    monkeypatch.chdir(tmp_path / "toy")
    for text in (str(one), "toy_rec/test-0123456789", "toy/toy_rec/test-0123456789", "0123", "toy/toy_rec/test"):
        assert store.find(text).folder.resolve() == one
    assert store.find(str(one)).record.run == "toy/toy_rec/test-0123456789"


def test_a_run_outside_the_root_is_found_by_its_folder(tmp_path, make_record, put):
    folder = put(make_record(run="elsewhere/test-0123456789"))
    run = Store(tmp_path / "runs").find(str(folder))
    assert (run.id, run.record.run, run.ended) == ("0123456789", "test-0123456789", "2026-11-20T10:00:00+00:00")


def test_a_name_of_none_or_several_is_refused_with_names(tmp_path, make_record, put):
    put(make_record(run="toy/toy_rec/test-0123456789"))
    put(make_record(run="toy/toy_rec/test-0123ffffff"))
    store = Store(tmp_path)
    with pytest.raises(DataError, match=r"no run in .* is called 'toy/toy_rex/test'; did you mean toy/toy_rec/test\?"):
        store.find("toy/toy_rex/test")
    with pytest.raises(DataError, match=r"there are toy/toy_rec/test \(`refbench runs list` lists all 2\)"):
        store.find("###")
    with pytest.raises(DataError, match=r"2 runs are called '0123': .* 0123456789 \(toy/toy_rec/test, 8 samples"):
        store.find("0123")
    with pytest.raises(DataError, match=r"2 runs are called 'toy/toy_rec': name one by its id"):
        store.find("toy/toy_rec")
    with pytest.raises(DataError, match="holds none"):
        Store(tmp_path / "nowhere").find("toy")


@pytest.mark.parametrize("content", [b"", b'{"schema": 1', b"\xff", b"[" * 100_000])
def test_a_broken_result_is_told_apart_from_the_others(tmp_path, make_record, put, content):
    put(make_record(run="good/1"))
    bad = put(make_record(run="bad/1"))
    (bad / "result.json").write_bytes(content)
    store = Store(tmp_path)
    assert [run.record.run for run in store.runs()] == ["good/1"]
    [problem] = store.problems()
    assert problem.folder == bad
    assert "result.json: broken JSON" in problem.text
    with pytest.raises(DataError, match=r"result\.json: broken JSON"):
        store.find(str(bad))


@pytest.mark.parametrize("text", ["toy/toy_rec", "toy/toy_rec/test"])
def test_a_run_that_cannot_be_read_is_named_with_the_reason(tmp_path, make_record, put, text):
    put(make_record(run="toy/other/test-b", task="other"))
    folder = put(make_record(run="toy/toy_rec/test-a"))
    (folder / "result.json").write_text('{"schema": 99}')
    with pytest.raises(DataError, match="has schema version 99 but this refbench reads 1"):
        Store(tmp_path).find(text)
