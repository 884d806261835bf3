"""Reading files safely: nothing runs, every error names file, place and remedy."""

import builtins
import collections
import copyreg
import datetime
import io
import json
import os
import pickle
import pickletools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import DataError
from benchmarks.files import list_names, parse_json, parse_pickle, plain_name, read_json, read_pickle, write_atomic

HERE = Path("refs(unc).p")
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=20)
PLAIN = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=20,
)


class Trap:
    """Pickles as a call of any function with any arguments."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@given(value=PLAIN, protocol=st.integers(3, 5))
def test_plain_values_come_back_equal(value, protocol):
    assert parse_pickle(pickle.dumps(value, protocol), HERE) == value


@pytest.mark.parametrize("protocol", range(6))
def test_refs_records_of_every_protocol_read(protocol):
    refs = [{"ref_id": 2**40, "sentences": [{"sent": "café", "tokens": ("a", "b")}], "score": 0.1, "ok": True}]
    assert parse_pickle(pickle.dumps(refs, protocol), HERE) == refs


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Trap(os.system, "touch EXPLODED"), r"\.system"),
        (Trap(builtins.eval, "open('EXPLODED', 'w')"), r"builtin.*\.eval"),
        (Trap(builtins.exec, "open('EXPLODED', 'w')"), r"builtin.*\.exec"),
        (Trap(builtins.open, "EXPLODED", "w"), r"open"),
        (Trap(getattr, [], "append"), r"builtin.*\.getattr"),
        (Trap(copyreg._reconstructor, object, object, None), r"copy_?reg\._reconstructor"),
        ({"a": [{"b": (1, Trap(os.system, "touch EXPLODED"))}]}, r"\.system"),
        (np.arange(3), r"numpy"),
        (np.float64(1), r"numpy"),
        (collections.OrderedDict(a=1), r"OrderedDict"),
        (datetime.date(2020, 1, 1), r"datetime\.date"),
        (os.system, r"\.system"),
        (3 + 4j, r"complex"),
    ],
)
def test_pickles_that_ask_for_code_are_refused_by_name(tmp_path, monkeypatch, value, named, protocol):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "refs.p"
    path.write_bytes(pickle.dumps(value, protocol))
    with pytest.raises(DataError, match=rf"refs\.p: refused, it asks for .*{named}"):
        read_pickle(path)
    assert os.listdir(tmp_path) == ["refs.p"]


@pytest.mark.parametrize(
    "program",
    [
        b"cos\nsystem\n(S'touch EXPLODED'\ntR.",
        b"(S'touch EXPLODED'\nios\nsystem\n.",
        b"(cos\nsystem\nS'touch EXPLODED'\no.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x0etouch EXPLODED\x85R.",
        b"\x80\x02cbuiltins\ngetattr\nc__main__\n__builtins__\nU\x04eval\x86R.",
    ],
)
def test_handwritten_programs_are_refused(tmp_path, monkeypatch, program):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match="refused, it asks for"):
        parse_pickle(program, HERE)
    assert not os.listdir(tmp_path)


def test_an_extension_code_is_refused_even_after_a_plain_load_cached_it():
    copyreg.add_extension("os", "system", 240)
    program = b"\x80\x02\x82\xf0."
    try:
        with pytest.raises(DataError, match=r"os\.system"):
            parse_pickle(program, HERE)
        pickle.loads(program)
        assert callable(pickle.loads(program))
        with pytest.raises(DataError, match="refused"):
            parse_pickle(program, HERE)
    finally:
        copyreg.remove_extension("os", "system", 240)


@pytest.mark.parametrize("program", [b"Pthe id\n.", b"\x80\x02U\x02idQ."])
def test_persistent_ids_are_refused(program):
    with pytest.raises(DataError, match="outside object"):
        parse_pickle(program, HERE)


def test_calls_and_state_on_plain_values_are_refused():
    for program in (b"S'a'\n)R.", b"]}b.", b"\x80\x02})\x81.", b"\x80\x05\x97."):
        with pytest.raises(DataError, match="not a readable pickle"):
            parse_pickle(program, HERE)


@given(cut=st.integers(0, 10_000), protocol=st.integers(0, 5))
def test_truncated_pickles_are_named(cut, protocol):
    whole = pickle.dumps([{"ref_id": n, "sent": "the zebra"} for n in range(20)], protocol)
    with pytest.raises(DataError, match=r"refs\(unc\)\.p: not a readable pickle"):
        parse_pickle(whole[: cut % len(whole)], HERE)


@given(st.binary(max_size=60))
def test_garbage_never_raises_anything_but_data_error(data):
    try:
        parse_pickle(data, HERE)
    except DataError as error:
        assert str(HERE) in str(error)


def python2(text: bytes) -> bytes:
    """Pickle as Python 2 did at protocol 2: `str` is SHORT_BINSTRING, a big number is LONG1."""
    head = b"\x80\x02]q\x00}q\x01(U\x04sentq\x02U" + bytes([len(text)])
    program = head + text + b"q\x03U\x02idq\x04\x8a\x05\x01\x00\x00\x00\x01ua."
    pickletools.dis(program, out=io.StringIO())
    return program


@pytest.mark.parametrize(
    ("stored", "read"), [(b"zebra", "zebra"), ("café".encode(), "café"), ("café´".encode("latin-1"), "café´")]
)
def test_python_2_text_reads_as_utf_8_and_else_as_latin_1(stored, read):
    assert parse_pickle(python2(stored), HERE) == [{"sent": read, "id": 2**32 + 1}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"images": [{"id": 1},\n {"id"', r"line 2 column 7, character 29 of 29 \(the file ends there\)"),
        ('{"a": 1,, "b": 2}', r"line 1 column 9, character 8 of 17: "),
        ("", "line 1 column 1"),
        ('{"bbox": [NaN]}', "NaN is not a number"),
        ("[" * 100_000, "JSON that cannot be used|ends there"),
    ],
)
def test_broken_json_names_file_and_place(tmp_path, text, message):
    path = tmp_path / "instances.json"
    path.write_text(text)
    with pytest.raises(DataError, match=rf"instances\.json: .*({message})"):
        read_json(path)


def test_json_with_a_byte_order_mark_reads_and_other_encodings_are_named():
    assert parse_json(b"\xef\xbb\xbf" + json.dumps(["é"]).encode(), HERE) == ["é"]
    with pytest.raises(DataError, match="byte 2 is not utf-8 text"):
        parse_json(b'["\xff"]', HERE)


def test_missing_and_unreadable_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"gone\.json is missing: .*--data-root"):
        read_json(tmp_path / "gone.json")
    with pytest.raises(DataError, match="cannot be read"):
        read_json(tmp_path)


def test_listing_a_folder_that_cannot_be_listed_is_named(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert list_names(tmp_path) == ["a.jpg"]
    with pytest.raises(DataError, match=r"a\.jpg cannot be listed"):
        list_names(tmp_path / "a.jpg")


def test_atomic_write_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "new" / "file.json"
    write_atomic(path, b"one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert os.listdir(path.parent) == ["file.json"]


def test_a_failing_write_keeps_the_old_file_and_no_draft(tmp_path, monkeypatch):
    path = tmp_path / "file.json"
    write_atomic(path, b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file.json"]


@pytest.mark.parametrize("name", ["../a.jpg", "/etc/passwd", "a/b.jpg", "..", ".", "", "a\0.jpg", "..\\a.jpg", None, 3])
def test_names_that_leave_their_folder_are_refused(name):
    with pytest.raises(DataError, match=r"instances\.json: image 3: file name"):
        plain_name(name, "instances.json: image 3")


def test_plain_names_pass():
    assert plain_name("COCO_train2014_000000000154.jpg", "") == "COCO_train2014_000000000154.jpg"
