"""Files parsed in pieces hold what the same files parsed whole do, however records, spaces and brackets lie."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import record_files
from benchmarks.errors import DataError
from benchmarks.record_files import read_records

PATH = Path("some.json")
awkward = st.sampled_from(["},{", "}]", '"annotations": [{', "{", '"', "\\", "é"]) | st.text(max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | awkward,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(awkward, inner, max_size=3),
    max_leaves=6,
)
records = st.lists(st.dictionaries(awkward, values, max_size=3), max_size=8)


class Kept:
    """Keeps what it is given."""

    def __init__(self, rest):
        self.rest, self.records, self.calls = rest, [], 0

    def add(self, piece):
        self.records += piece
        self.calls += 1


def read(data):
    return read_records(data if isinstance(data, bytes) else data.encode(), PATH, "annotations", Kept)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(awkward, values, max_size=3), records, st.booleans(), st.sampled_from([None, 1]))
def test_pieces_join_to_the_whole(monkeypatch, before, listed, first, indent):
    monkeypatch.setattr(record_files, "PIECE", 5)
    rest = {key: value for key, value in before.items() if key != "annotations"}
    own = {"annotations": listed}
    kept = read(json.dumps({**own, **rest} if first else {**rest, **own}, indent=indent, ensure_ascii=False))
    assert kept.records == listed
    assert kept.rest == {**rest, "annotations": []}


def test_a_long_list_comes_in_pieces_of_whole_records(monkeypatch):
    monkeypatch.setattr(record_files, "PIECE", 100)
    listed = [{"id": number, "box": [number, 2, 3, 4]} for number in range(50)]
    kept = read(json.dumps({"images": [{"id": 1}], "annotations": listed, "categories": [{"id": 2}]}))
    assert kept.records == listed
    assert 10 < kept.calls < 50


def test_a_list_inside_another_object_is_not_taken_for_the_long_one():
    content = {"info": {"annotations": [{"id": 1}]}, "annotations": [{"id": 2}, {"id": 3}]}
    kept = read(json.dumps(content))
    assert kept.records == [{"id": 2}, {"id": 3}]
    assert kept.rest["info"] == content["info"]


@pytest.mark.parametrize("content", ["[]", "3", '{"annotations": 5}', '{"images": []}'])
def test_what_is_no_list_of_records_is_left_to_the_collector(content):
    kept = read(content)
    assert (kept.rest, kept.calls) == (json.loads(content), 0)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"annotations": [{"id": 1}, {"id": 2}', "broken JSON at line 1"),
        ('{"annotations": [{"id": 1}, {"id": NaN}]}', "NaN is not a number that JSON allows"),
        (b'{"annotations": [{"id": "\xff"}]}', "is not utf-8 text"),
        ("", "broken JSON"),
    ],
)
def test_broken_json_is_told_with_its_place(data, said):
    with pytest.raises(DataError, match=rf"some\.json: .*{said}|some\.json: {said}"):
        read(data)
