"""The cache: right when it works, silent when it cannot."""

import json
import logging
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import index_cache
from benchmarks.errors import DataError

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=10,
)  # fmt: skip


@given(value=JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_stored_is_loaded_exactly(value):
    entry = index_cache.key(["values"])
    index_cache.store(entry, value)
    assert index_cache.load(entry) == value


def test_keys_depend_on_every_part_and_their_borders():
    keys = {index_cache.key(parts) for parts in (["a", "b"], ["ab"], ["b", "a"], ["a", "b", ""])}
    assert len(keys) == 4


def test_an_unknown_key_is_none():
    assert index_cache.load(index_cache.key(["nothing"])) is None


def test_the_cache_is_where_the_environment_says(monkeypatch, tmp_path):
    monkeypatch.setenv("REFBENCH_CACHE", str(tmp_path / "a"))
    assert index_cache.cache_folder() == tmp_path / "a"
    monkeypatch.delenv("REFBENCH_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "b"))
    assert index_cache.cache_folder() == tmp_path / "b" / "refbench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "c"))
    assert index_cache.cache_folder() == tmp_path / "c" / ".cache" / "refbench"


def test_an_account_without_a_home_has_no_cache_and_no_trouble(monkeypatch, caplog):
    monkeypatch.delenv("REFBENCH_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with caplog.at_level(logging.INFO):
        index_cache.store("entry", 1)
    assert index_cache.load("entry") is None
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize("damage", [b"", b"x", b"\n", b"\xff\xfe\n[1]", b"0" * 64 + b"\n[1, 2]"])
def test_a_damaged_entry_is_as_good_as_none(own_cache, damage):
    index_cache.store("entry", [1, 2])
    (own_cache / "index/entry.json").write_bytes(damage)
    assert index_cache.load("entry") is None
    index_cache.store("entry", [3])
    assert index_cache.load("entry") == [3]


def test_a_truncated_or_edited_entry_is_as_good_as_none(own_cache):
    index_cache.store("entry", list(range(100)))
    path = own_cache / "index/entry.json"
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole.replace(b"42", b"43")):
        path.write_bytes(damaged)
        assert index_cache.load("entry") is None


@pytest.mark.parametrize("obstacle", ["file", "full"])
def test_a_cache_that_cannot_be_written_is_done_without(monkeypatch, tmp_path, caplog, obstacle):
    if obstacle == "file":
        (tmp_path / "blocked").write_text("a file where the folder should be")
        monkeypatch.setenv("REFBENCH_CACHE", str(tmp_path / "blocked"))
    else:
        monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    source = tmp_path / "data"
    source.write_bytes(b"abc")
    with caplog.at_level(logging.INFO):
        index_cache.store("entry", 1)
        assert index_cache.digest_file(source) == index_cache.digest_bytes(b"abc")
    assert index_cache.load("entry") is None
    assert "cannot be written" in caplog.text
    assert {record.levelno for record in caplog.records} == {logging.INFO}


def test_a_digest_is_the_sha256_of_the_bytes(tmp_path):
    path = tmp_path / "data"
    path.write_bytes(b"abc")
    assert index_cache.digest_file(path) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_digest_is_remembered_only_for_a_file_that_has_settled(tmp_path, own_cache, monkeypatch):
    path = tmp_path / "data"
    path.write_bytes(b"abc")
    index_cache.digest_file(path)
    assert not (own_cache / "digests").exists()
    monkeypatch.setattr(index_cache, "_RACY_NS", 0)
    index_cache.digest_file(path)
    assert len(os.listdir(own_cache / "digests")) == 1


def test_a_remembered_digest_spares_reading_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(index_cache, "_RACY_NS", 0)
    path = tmp_path / "data"
    path.write_bytes(b"abc")
    before = index_cache.digest_file(path)

    def unread(_: Path) -> bytes:
        raise AssertionError("the file was read again")

    monkeypatch.setattr(index_cache, "read_bytes", unread)
    assert index_cache.digest_file(path) == before


def test_an_edit_that_keeps_size_and_time_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(index_cache, "_RACY_NS", 0)
    path = tmp_path / "data"
    path.write_bytes(b"abc")
    stat = path.stat()
    before = index_cache.digest_file(path)
    path.write_bytes(b"abd")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_mtime_ns == stat.st_mtime_ns
    assert index_cache.digest_file(path) != before


def test_entries_are_json_under_a_checksum(own_cache):
    index_cache.store("entry", {"a": "é"})
    checksum, body = (own_cache / "index/entry.json").read_bytes().split(b"\n")
    assert json.loads(body) == {"a": "é"}
    assert checksum.decode() == index_cache.digest_bytes(body)


def test_a_missing_file_has_no_digest(tmp_path):
    with pytest.raises(DataError, match="is missing"):
        index_cache.digest_file(tmp_path / "gone")


def test_bytes_come_with_a_digest_that_had_to_be_worked_out(tmp_path, monkeypatch):
    monkeypatch.setattr(index_cache, "_RACY_NS", 0)
    (path := tmp_path / "file").write_bytes(b"abc")
    digest = index_cache.digest_bytes(b"abc")
    assert index_cache.digest_and_bytes(path) == (digest, b"abc")
    assert index_cache.digest_and_bytes(path) == (digest, None)
    path.write_bytes(b"abcd")
    assert index_cache.digest_and_bytes(path) == (index_cache.digest_bytes(b"abcd"), b"abcd")
