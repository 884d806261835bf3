import zipfile

import numpy as np
import pytest

from metrics.errors import DataError
from results import rows

IDS, IMAGES = ["b/2", "a/1", "c/é"], ["x", "x", "y"]
ROWS = {
    "rec": [{"iou": 0.1, "missing": 0}, {"iou": 1 / 3, "missing": 0}, {"iou": 0.0, "missing": 1}],
    "res": [{"inter": 2**40, "union": 2**41}] * 3,
}


def test_rows_are_read_back_exactly(tmp_path):
    (tmp_path / "rows.npz").write_bytes(rows.to_bytes(IDS, IMAGES, ROWS))
    assert rows.read(tmp_path / "rows.npz") == (IDS, IMAGES, ROWS)


def test_columns_that_only_some_rows_have_and_lists_are_read_back_exactly(tmp_path):
    mixed = {"panoptic": [{"thing/1/tp": 2, "thing/1/iou": 1.5}, {}, {"stuff/7/fp": 1}],
             "ap": [{"score": [0.5, 0.25], "n": 1}, {"score": [], "n": 0}, {"score": [1.0], "n": 2}],
             "rare": [{"hit": []}, {}, {"hit": [1]}]}  # fmt: skip
    (tmp_path / "rows.npz").write_bytes(rows.to_bytes(IDS, IMAGES, mixed))
    assert rows.read(tmp_path / "rows.npz") == (IDS, IMAGES, mixed)


def test_the_same_rows_are_the_same_bytes_with_a_fixed_date(tmp_path):
    (tmp_path / "rows.npz").write_bytes(rows.to_bytes(IDS, IMAGES, ROWS))
    with zipfile.ZipFile(tmp_path / "rows.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert rows.to_bytes(IDS, IMAGES, ROWS) == (tmp_path / "rows.npz").read_bytes()


def test_numpy_alone_reads_the_file(tmp_path):
    (tmp_path / "rows.npz").write_bytes(rows.to_bytes(IDS, IMAGES, ROWS))
    with np.load(tmp_path / "rows.npz") as archive:
        assert archive["rec/iou"].tolist() == [0.1, 1 / 3, 0.0]
        assert archive["res/inter"].dtype == np.int64


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04 cut", rows.to_bytes(IDS, IMAGES, ROWS)[:-40]])
def test_a_broken_file_is_named(tmp_path, content):
    (tmp_path / "rows.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"rows\.npz cannot be read as rows"):
        rows.read(tmp_path / "rows.npz")


def test_a_file_that_unpacks_to_more_than_any_run_holds_is_refused_before_it_is_unpacked(tmp_path, monkeypatch):
    content = rows.to_bytes(IDS, IMAGES, ROWS)
    (tmp_path / "rows.npz").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "rows.npz") as archive:
        size = sum(info.file_size for info in archive.infolist())
    monkeypatch.setattr(rows, "_MOST_BYTES", size)
    assert rows.read(tmp_path / "rows.npz")[0] == IDS
    monkeypatch.setattr(rows, "_MOST_BYTES", size - 1)
    for read in (rows.read, rows.read_tags):
        with pytest.raises(DataError, match=f"unpacks to {size:,} bytes, more than {size - 1:,}"):
            read(tmp_path / "rows.npz")


def test_an_array_that_claims_to_be_endless_is_refused(tmp_path):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000,), }"
    with zipfile.ZipFile(tmp_path / "rows.npz", "w") as archive:
        archive.writestr("sample_id.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    with pytest.raises(DataError, match=r"rows\.npz cannot be read as rows"):
        rows.read(tmp_path / "rows.npz")


def test_the_digest_ignores_the_order_of_samples_and_sees_every_change():
    turned = {metric: each[::-1] for metric, each in ROWS.items()}
    assert rows.digest(IDS[::-1], turned) == rows.digest(IDS, ROWS)
    changed = {**ROWS, "rec": [{"iou": 0.1, "missing": 1}, *ROWS["rec"][1:]]}
    assert rows.digest(IDS, changed) != rows.digest(IDS, ROWS)
    assert rows.digest_ids(IDS[::-1]) == rows.digest_ids(IDS)
    assert rows.digest_ids(["a", "bc"]) != rows.digest_ids(["ab", "c"])


def test_tags_of_samples_are_kept_beside_the_rows(tmp_path):
    path = tmp_path / "rows.npz"
    path.write_bytes(
        rows.to_bytes(["s1", "s2"], ["i", "i"], {"toy": [{"x": 1}, {"x": 2}]}, [{"kind": "a"}, {"size": "b/c"}])
    )
    assert rows.read_tags(path) == {"kind": ["a", ""], "size": ["", "b/c"]}
    assert rows.read(path) == (["s1", "s2"], ["i", "i"], {"toy": [{"x": 1}, {"x": 2}]})
    path.write_bytes(rows.to_bytes(["s1"], ["i"], {"toy": [{"x": 1}]}))
    assert rows.read_tags(path) == {}
