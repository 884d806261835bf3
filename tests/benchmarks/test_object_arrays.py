"""Pickled lists of arrays: those of NumPy are read, whatever else a pickle may hold never runs."""

import io
import os
import pickle
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from benchmarks.errors import DataError
from benchmarks.object_arrays import read

MAPS = [np.arange(6, dtype=np.float32).reshape(2, 3), np.array([[1.5, np.nan]], dtype=np.float32)]


def ragged(maps):
    """An array of objects, as NumPy before 1.24 made of maps of different sizes."""
    whole = np.empty(len(maps), dtype=object)
    for place, each in enumerate(maps):
        whole[place] = each
    return whole


def pickled(path, content, protocol):
    """An `.npz` as an older NumPy writes it: header of an object array, then any pickle."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": "|O", "fortran_order": False, "shape": (2,)})
    stream.write(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.npy", stream.getvalue())
    return path


@settings(deadline=None, max_examples=40)
@given(st.lists(arrays(np.float32, array_shapes(min_dims=2, max_dims=2, max_side=5)), min_size=1, max_size=4))
def test_what_numpy_saves_is_read_back_exactly(tmp_path_factory, maps):
    path = tmp_path_factory.mktemp("maps") / "maps.npz"
    np.savez_compressed(path, data=ragged(maps), allow_pickle=True)
    again = read(path, "data")
    assert [each.tobytes() for each in again] == [each.tobytes() for each in maps]
    assert [each.shape for each in again] == [each.shape for each in maps]


def test_files_of_numpy_1_are_read(tmp_path):
    old = pickle.dumps(ragged(MAPS), protocol=3).replace(b"numpy._core.multiarray", b"numpy.core.multiarray")
    assert b"numpy.core.multiarray" in old
    assert [each.shape for each in read(pickled(tmp_path / "old.npz", old, 3), "data")] == [(2, 3), (1, 2)]


def test_other_orders_and_precisions_become_float32(tmp_path):
    maps = [MAPS[0].astype(">f8"), np.asfortranarray(MAPS[0])]
    np.savez(tmp_path / "maps.npz", data=ragged(maps), allow_pickle=True)
    for each in read(tmp_path / "maps.npz", "data"):
        assert (each.dtype, each.tolist()) == (np.float32, MAPS[0].tolist())


@pytest.mark.parametrize("order", ["C", "F"])
def test_maps_of_one_size_are_stacked_without_a_pickle(tmp_path, order):
    stacked = np.asarray(np.stack([MAPS[0], MAPS[0] + 1]), order=order)
    np.savez(tmp_path / "maps.npz", data=stacked)
    assert [each.tolist() for each in read(tmp_path / "maps.npz", "data")] == stacked.tolist()


class Attack:
    """Runs a command when it is unpickled by a program that lets it."""

    def __init__(self, target):
        self._target = target

    def __reduce__(self):
        return os.system, (f"touch {self._target}",)


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_pickle_that_would_run_something_is_refused(tmp_path, protocol):
    target = tmp_path / "ran"
    path = pickled(tmp_path / "evil.npz", [Attack(target)], protocol)
    with pytest.raises(DataError, match=r"refused, it asks for (posix|os)\.system"):
        read(path, "data")
    assert not target.exists()


@pytest.mark.parametrize("name", ["load", "fromfile", "memmap"])
def test_no_other_function_of_numpy_is_called(tmp_path, name):
    path = pickled(tmp_path / "evil.npz", f"cnumpy\n{name}\n(S'x'\ntR.".encode(), 0)
    with pytest.raises(DataError, match=rf"refused, it asks for numpy\.{name}"):
        read(path, "data")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        [1, 2],
        MAPS[0].astype(np.int32),
        ragged([np.array([[1, 2]]), None]),
        ragged([{"a": 1}, 2.0]),
        pickle.dumps(ragged(MAPS), protocol=3).replace(b"K\x02K\x03\x86", b"K\x09K\x03\x86"),
        pickle.dumps(ragged(MAPS), protocol=3)[:-20],
    ],
    ids=["empty", "noise", "list", "ints", "mixed", "dicts", "shape", "cut"],
)
def test_pickles_of_anything_else_are_told(tmp_path, content):
    with pytest.raises(DataError, match=r"maps\.npz cannot be read as arrays 'data'"):
        read(pickled(tmp_path / "maps.npz", content, 3), "data")


def test_files_of_another_kind_are_told(tmp_path):
    path = tmp_path / "maps.npz"
    with pytest.raises(DataError, match="is missing"):
        read(path, "data")
    path.write_bytes(b"PK no zip")
    with pytest.raises(DataError, match="cannot be read as arrays 'data'"):
        read(path, "data")
    np.savez(path, other=MAPS[0])
    with pytest.raises(DataError, match="cannot be read as arrays 'data'"):
        read(path, "data")
