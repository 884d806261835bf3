import fcntl
import json

import pytest

from metrics.errors import DataError
from results import shelf
from results.run import Run


@pytest.fixture
def put(tmp_path, make_record):
    """Write a run below a folder, as `Run`."""

    def write(below="runs", folder="toy/toy_rec/test-0123456789", **changes):
        path = tmp_path / below / folder
        path.mkdir(parents=True)
        (path / "result.json").write_text(json.dumps(make_record(**changes).to_json()))
        (path / ".lock").write_text("1\n")
        (path / "dense").mkdir()
        (path / "dense" / "a.npz").write_bytes(b"x")
        return Run.open(path, tmp_path / below)

    return write


def test_a_run_is_copied_to_where_it_belongs_without_its_lock(tmp_path, put):
    run = put("elsewhere", "odd/name-0123456789", model="hf-vlm:org/name")
    target = shelf.bring(run, tmp_path / "runs")
    assert target == tmp_path / "runs" / "hf-vlm:org--name" / "toy_rec" / "test-0123456789"
    files = sorted(path.relative_to(target).as_posix() for path in target.rglob("*"))
    assert files == [
        "dense",
        "dense/a.npz",
        "result.json",
    ]
    assert shelf.bring(run, tmp_path / "runs") is None


def test_another_result_at_the_same_place_is_not_overwritten(tmp_path, put):
    target = shelf.bring(put("elsewhere"), tmp_path / "runs")
    before = (target / "result.json").read_bytes()
    with pytest.raises(DataError, match="holds another result of the same run"):
        shelf.bring(put("third", n=7), tmp_path / "runs")
    assert (target / "result.json").read_bytes() == before


@pytest.mark.parametrize("name", ["..", ".hidden", "../../etc", "", "a\x1b[31m", "x" * 300, " "])
def test_a_hostile_name_neither_leaves_the_root_nor_hides_there(tmp_path, put, name):
    run = put("elsewhere", model=name)
    with pytest.raises(DataError, match="cannot be the name of a folder"):
        shelf.bring(run, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_links_are_refused(tmp_path, put):
    run = put("elsewhere")
    (run.folder / "dense" / "b.npz").symlink_to("/etc/hostname")
    with pytest.raises(DataError, match=r"b\.npz is a link"):
        shelf.bring(run, tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_deleted_run_takes_empty_folders_with_it_but_not_the_root(tmp_path, put):
    root = tmp_path / "runs"
    one, other = put(), put(folder="toy/other/test-0123456789")
    shelf.remove(one, root)
    assert [path.name for path in (root / "toy").iterdir()] == ["other"]
    shelf.remove(other, root)
    assert root.is_dir() and not any(root.iterdir())


def test_nothing_outside_the_root_is_deleted(tmp_path, put):
    root, outside = tmp_path / "runs", put("elsewhere")
    root.mkdir()
    (root / "linked").symlink_to(outside.folder)
    (tmp_path / "elsewhere" / "result.json").write_text((outside.folder / "result.json").read_text())
    whole = tmp_path / "elsewhere"
    for folder, top in ((outside.folder, root), (root / "linked", root), (whole, whole)):
        with pytest.raises(DataError, match="only runs of that folder are deleted"):
            shelf.remove(Run(outside.record, folder), top)
    assert (outside.folder / "dense" / "a.npz").is_file()


def test_a_run_that_a_process_is_writing_is_not_deleted(tmp_path, put):
    run = put()
    with (run.folder / ".lock").open("r+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataError, match="is being written by a process"):
            shelf.remove(run, tmp_path / "runs")
    assert (run.folder / "result.json").is_file()
