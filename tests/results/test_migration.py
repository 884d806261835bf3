import json

import pytest

from metrics.errors import DataError
from results import migration
from results.migration import upgrade
from results.record import SCHEMA, Record

STEPS = {
    1: lambda content: {"samples": content.pop("n"), **content},
    2: lambda content: {**content, "unit": ""},
}


def test_steps_are_taken_one_after_the_other_and_the_file_is_left_alone():
    old = {"schema": 1, "n": 4}
    assert upgrade(old, 3, STEPS) == {"schema": 3, "samples": 4, "unit": ""}
    assert upgrade({"schema": 2, "samples": 4}, 3, STEPS) == {"schema": 3, "samples": 4, "unit": ""}
    assert old == {"schema": 1, "n": 4}


@pytest.mark.parametrize("content", [{"schema": 0}, {"schema": 4}, {"schema": "1"}, {"schema": None}, {}])
def test_without_a_step_nothing_changes(content):
    assert upgrade(content, 3, STEPS) == content


def test_a_result_of_a_made_up_older_version_is_read(make_record, monkeypatch):
    """Version 0, as it might have been: answers that could not be read were called `broken`, coverage was not kept."""
    monkeypatch.setitem(migration.STEPS, SCHEMA - 1, lambda old: {"unparsable": old.pop("broken"), **old})
    record = make_record(unparsable=3)
    old = json.loads(json.dumps(record.to_json()))
    old |= {"schema": SCHEMA - 1, "broken": old.pop("unparsable")}
    del old["coverage"]
    assert Record.from_json(old, record.run, "result.json") == record
    with pytest.raises(DataError, match=f"schema version {SCHEMA - 2}"):
        Record.from_json({**old, "schema": SCHEMA - 2}, record.run, "result.json")
