import gc
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.errors import DataError
from metrics.json_files import load_json, objects, read_lines, records

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(value=VALUES, plain=st.booleans())
def test_values_come_back_as_the_standard_parser_reads_them(tmp_path_factory, value, plain):
    path = tmp_path_factory.getbasetemp() / "value.json"
    text = json.dumps(value, ensure_ascii=plain)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    if plain or text.isprintable():
        assert load_json(path) == json.loads(text)


def test_collecting_garbage_goes_on_afterwards(tmp_path):
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(DataError):
        load_json(tmp_path / "a.json")
    assert gc.isenabled()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "a.json is empty"),
        (b'{"a":\n [}', "a.json:2: not JSON"),
        (b'"\xff"', "a.json is not UTF-8"),
        (b"[" * 99_999, "a.json is nested too deeply"),
    ],
)
def test_broken_files_are_named(tmp_path, content, message):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(DataError, match=message):
        load_json(tmp_path / "a.json")


def test_absent_files_and_folders_are_named(tmp_path):
    for read in (load_json, lambda path: list(read_lines(path))):
        with pytest.raises(DataError, match=r"absent\.json is missing"):
            read(tmp_path / "absent.json")
        with pytest.raises(DataError, match="cannot be read"):
            read(tmp_path)


def test_lines_end_at_newlines_alone_and_are_numbered(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"a": "left\u2028right"}\r\n\n{"a": 2}\n'.encode())
    assert list(read_lines(path)) == [(f"{path}:1", {"a": "left\u2028right"}), (f"{path}:3", {"a": 2})]
    path.write_text('[{"a": 1}]')
    assert list(read_lines(path)) == [(f"{path}: entry 0", {"a": 1})]


@pytest.mark.parametrize(
    ("content", "message"),
    [("  \n", "a.jsonl is empty"), ("{}\n{", "a.jsonl:2: not a JSON object"), ("{}\n3", "a.jsonl:2: holds int"),
     ("[3]", "entry 0 of the list is no JSON object")],
)  # fmt: skip
def test_broken_lines_are_named(tmp_path, content, message):
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(DataError, match=message):
        list(read_lines(tmp_path / "a.jsonl"))


def test_lists_of_objects_are_asked_for(tmp_path):
    assert records({"images": [{}]}, tmp_path, "images") == [{}]
    with pytest.raises(DataError, match='has no list "images"'):
        records([], tmp_path, "images")
    with pytest.raises(DataError, match="entry 1 of rows is no JSON object"):
        objects([{}, 3], tmp_path, "rows")
