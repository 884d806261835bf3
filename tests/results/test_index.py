import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from results import index
from results.index import NAME, TICK_NS
from results.store import Store


@pytest.fixture
def put(tmp_path, make_record):
    """Write a run whose files are an hour old."""

    def write(name, value=0.5, age_s=3600):
        record = make_record(run=name, metrics={"acc@0.5": value})
        folder = tmp_path / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").write_text(json.dumps(record.to_json()))
        (folder / "run.json").write_text(json.dumps({"ended": "2026-11-20T10:00:00+00:00"}))
        for path in folder.iterdir():
            moment = path.stat().st_mtime_ns - age_s * 10**9
            os.utime(path, ns=(moment, moment))
        return folder

    return write


@pytest.fixture
def settled(monkeypatch):
    """Take files as settled at once: the time of a change of an inode cannot be set back."""
    monkeypatch.setattr(index, "TICK_NS", 0)


def values(root):
    return [run.record.metrics["acc@0.5"] for run in Store(root).runs()]


def count_reads(monkeypatch):
    """Record which runs are opened rather than taken from the index."""
    opened, real = [], index.Run.open
    monkeypatch.setattr(index.Run, "open", lambda folder, root: opened.append(folder.name) or real(folder, root))
    return opened


def test_a_listed_run_is_not_opened_again(tmp_path, put, settled, monkeypatch):
    put("a"), put("b")
    before = Store(tmp_path).runs()
    opened = count_reads(monkeypatch)
    assert Store(tmp_path).runs() == before
    assert opened == []


def test_a_new_changed_or_deleted_run_is_seen(tmp_path, put, settled, monkeypatch):
    put("a"), put("b")
    Store(tmp_path).runs()
    opened = count_reads(monkeypatch)
    put("b", 0.75), put("c", 0.25)
    assert values(tmp_path) == [0.5, 0.75, 0.25]
    assert opened == ["b", "c"]
    for path in (tmp_path / "a").iterdir():
        path.unlink()
    assert values(tmp_path) == [0.75, 0.25]
    assert "a" not in json.loads((tmp_path / NAME).read_bytes().partition(b"\n")[2])


def test_a_change_with_the_same_size_and_time_is_seen(tmp_path, put, settled):
    """Programs can set the time of a file back; its inode's time of change tells."""
    folder = put("a", 0.5)
    assert values(tmp_path) == [0.5]
    path = folder / "result.json"
    times = (path.stat().st_atime_ns, path.stat().st_mtime_ns)
    path.write_text(path.read_text().replace("0.5}", "0.6}"))
    os.utime(path, ns=times)
    assert values(tmp_path) == [0.6]


def test_a_file_that_has_just_changed_is_not_kept(tmp_path, put):
    """Within one tick of the clock it could change again without its times telling."""
    put("a")
    assert TICK_NS > 10**9
    assert values(tmp_path) == [0.5]
    assert json.loads((tmp_path / NAME).read_bytes().partition(b"\n")[2]) == {}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: b"",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace(b"0.5", b"0.9"),
        lambda text: b"0" + text,
        lambda text: b"\xff\n[]",
    ],
)
def test_a_broken_edited_or_foreign_index_changes_nothing(tmp_path, put, settled, spoil):
    put("a")
    assert values(tmp_path) == [0.5]
    (tmp_path / NAME).write_bytes(spoil((tmp_path / NAME).read_bytes()))
    assert values(tmp_path) == [0.5]


def test_runs_in_a_folder_that_cannot_be_written_are_listed(tmp_path, put, settled, monkeypatch):
    put("a")
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(PermissionError("read-only")))
    assert values(tmp_path) == [0.5]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_many_readers_and_writers_at_once_all_see_whole_runs(tmp_path, put, settled):
    for at in range(8):
        put(f"run-{at}", at / 8)

    def work(at):
        put(f"more-{at}", 0.5)
        return len(Store(tmp_path).runs())

    with ThreadPoolExecutor(8) as pool:
        counts = list(pool.map(work, range(8)))
    assert all(8 < count <= 16 for count in counts)
    assert len(Store(tmp_path).runs()) == 16
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".tmp"]


def test_an_index_is_a_plain_file_that_others_may_read(tmp_path, put, settled):
    put("a")
    Store(tmp_path).runs()
    assert stat.S_ISREG((tmp_path / NAME).stat().st_mode)


def test_what_the_index_gives_back_is_what_the_files_hold(tmp_path, make_record, put, settled):
    put("a")
    first, again = Store(tmp_path).runs()[0], Store(tmp_path).runs()[0]
    assert (again, again.record.slices) == (first, make_record().slices)
    assert replace(again.record, run="") == replace(first.record, run="")
