"""Records that somebody wrote by hand: each wrong type is named."""

import json

import pytest

from metrics.errors import DataError
from results.record import Record, Slice


def read(content):
    return Record.from_json(json.loads(json.dumps(content)), "r", "result.json")


def test_a_record_as_it_is_written_is_read(make_record):
    record = make_record(slices={"kind": {"a": Slice(3, {"acc@0.5": None})}}, run="r")
    assert read(record.to_json()) == record


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("n", "many"), ("n", -1), ("n", 2.5), ("n", True), ("failed", None), ("limit", "all"), ("expected", []),
        ("model", 7), ("model", None), ("headline", ["acc"]), ("metrics", []), ("metrics", {"acc@0.5": "high"}),
        ("units", {"acc@0.5": 1}), ("digests", "f00d"), ("options", {"prompt": None}), ("protocols", None),
    ],
)  # fmt: skip
def test_a_field_of_another_type_is_refused_and_named(make_record, field, value):
    with pytest.raises(DataError, match=rf"result\.json is not a result \({field} is "):
        read({**make_record().to_json(), field: value})


def test_columns_and_slices_of_another_type_are_refused(make_record):
    content = make_record().to_json()
    with pytest.raises(DataError, match="a column is 5"):
        read({**content, "columns": [5]})
    with pytest.raises(DataError, match="the slice kind=a does not hold a count and numbers"):
        read({**content, "slices": {"kind": {"a": {"n": "x", "metrics": {}}}}})
