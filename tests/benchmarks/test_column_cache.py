"""Columns come back as stored, mapped and read-only; what is damaged, cut or half-written is not trusted."""

import logging
import os

import numpy as np
import pytest

from benchmarks import column_cache, index_cache
from benchmarks.column_cache import load, store

ENTRY = index_cache.key(["columns", "of", "a", "test"])
COLUMNS = {"id": np.arange(50), "xy": np.linspace(0, 1, 7), "name": np.array(["a", "bc"]), "none": np.zeros((0, 4))}


@pytest.fixture
def folder(own_cache):
    store(ENTRY, COLUMNS, {"fact": [1, "x"]})
    return own_cache / "columns" / ENTRY


def test_what_is_stored_is_mapped_read_only(folder):
    columns, facts = load(ENTRY)
    assert facts == {"fact": [1, "x"]}
    assert set(columns) == set(COLUMNS)
    for name, column in columns.items():
        assert column.dtype == COLUMNS[name].dtype
        assert np.array_equal(column, COLUMNS[name])
    assert isinstance(columns["id"].base, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        columns["id"][0] = 5


def test_an_unknown_key_is_none():
    assert load(index_cache.key(["nothing"])) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "id.npy").unlink(),
        lambda folder: (folder / "id.npy").write_bytes((folder / "id.npy").read_bytes()[:-8]),
        lambda folder: (folder / "id.npy").write_bytes((folder / "id.npy").read_bytes()[:-1] + b"\1"),
        lambda folder: (folder / "xy.npy").write_bytes(b""),
        lambda folder: np.save(folder / "id.npy", np.arange(49)),
    ],
)
def test_a_damaged_entry_is_not_trusted_and_is_replaced(folder, damage, caplog):
    damage(folder)
    with caplog.at_level(logging.INFO):
        assert load(ENTRY) is None
    assert "will be rebuilt" in caplog.text
    store(ENTRY, COLUMNS, {})
    assert load(ENTRY) is not None


def test_an_entry_without_its_list_does_not_count(folder, own_cache):
    (own_cache / "index" / f"{ENTRY}.json").unlink()
    assert load(ENTRY) is None


def test_a_cache_that_cannot_be_written_is_left_alone(monkeypatch, tmp_path, caplog):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("REFBENCH_CACHE", str(tmp_path / "file"))
    with caplog.at_level(logging.INFO):
        store(ENTRY, COLUMNS, {})
    assert "going on without it" in caplog.text
    assert load(ENTRY) is None


def test_a_write_that_fails_leaves_nothing_behind(monkeypatch, own_cache):
    def full(*_args, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(column_cache.np, "save", full)
    store(ENTRY, COLUMNS, {})
    assert os.listdir(own_cache / "columns") == []
    assert load(ENTRY) is None
