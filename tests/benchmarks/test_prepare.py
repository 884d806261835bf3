"""`data status`: rows for what is here, what is missing and what is broken."""

import pytest

from benchmarks.errors import DataError
from benchmarks.prepare import status
from benchmarks.registry import benchmarks


def rows_of(root, name):
    return {row.split: row for row in status(root) if row.benchmark == name}


def test_without_a_root_every_file_of_every_split_is_needed():
    rows = status(None)
    assert {(row.benchmark, row.split) for row in rows} == {(b.name, s) for b in benchmarks() for s in b.splits}
    for row in rows:
        assert row.found == row.size_bytes == 0
        assert row.missing
        assert not row.complete
    assert rows_of(None, "refcoco/unc")["val"].missing == (
        "refcoco/refs(unc).p",
        "refcoco/instances.json",
        "images/train2014",
    )


def test_found_is_counted_against_published(tables, write_root):
    root = write_root(tables)
    rows = rows_of(root, "refcoco/unc")
    assert {split: (row.found, row.published) for split, row in rows.items()} == {
        "train": (0, 120_624),
        "val": (2, 10_834),
        "testA": (1, 5_657),
        "testB": (0, 5_095),
    }
    assert all(row.missing == () and row.problem == "" for row in rows.values())
    size = sum(path.stat().st_size for folder in ("refcoco", "images/train2014") for path in (root / folder).iterdir())
    assert rows["val"].size_bytes == size


def test_a_split_is_complete_when_the_count_is_the_published_one(tables, write_root):
    sentences = [{"sent_id": n, "sent": "cat"} for n in range(10_834)]
    tables["refs"][0]["sentences"] = sentences
    rows = rows_of(write_root(tables), "refcoco/unc")
    assert rows["val"].complete
    assert not rows["testA"].complete


def test_a_split_that_nobody_published_is_shown(tables, write_root):
    tables["refs"][0]["split"] = "shifted"
    row = rows_of(write_root(tables), "refcoco/unc")["shifted"]
    assert (row.found, row.published) == (2, None)


def test_missing_files_are_relative_and_other_benchmarks_unharmed(tables, write_root):
    root = write_root(tables)
    assert rows_of(root, "refcocog/umd")["val"].missing == ("refcocog/refs(umd).p", "refcocog/instances.json")
    (root / "refcoco/instances.json").unlink()
    row = rows_of(root, "refcoco/unc")["val"]
    assert row.missing == ("refcoco/instances.json",)
    assert row.found == 2


def test_a_broken_file_is_a_problem_of_its_rows(tables, write_root):
    root = write_root(tables)
    (root / "refcoco/refs(unc).p").write_bytes(b"cos\nsystem\n.")
    row = rows_of(root, "refcoco/unc")["val"]
    assert row.found is None
    assert "refused, it asks for os.system" in row.problem
    assert not row.complete


def test_a_root_that_does_not_exist_is_a_slip(tmp_path):
    with pytest.raises(DataError, match="nowhere is not a folder"):
        status(tmp_path / "nowhere")
