import json

import pytest

from metrics.errors import DataError
from results.record import SCHEMA, Record


def test_a_record_survives_json(make_record):
    record = make_record()
    content = json.loads(json.dumps(record.to_json()))
    assert "run" not in content
    assert Record.from_json(content, record.run, "result.json") == record


@pytest.mark.parametrize("content", [None, [], {}, {"schema": SCHEMA + 1}, {"schema": "1"}])
def test_another_schema_is_refused_with_the_remedy(content):
    with pytest.raises(DataError, match=r"^a/result\.json has schema version .* reads 1: .*--fresh"):
        Record.from_json(content, "", "a/result.json")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.pop("model"),
        lambda content: content.pop("columns"),
        lambda content: content.update(extra=1),
        lambda content: content.update(slices=[]),
        lambda content: content.update(intervals={"acc@0.5": [1]}),
    ],
)
def test_a_content_that_is_no_result_is_refused(make_record, spoil):
    content = json.loads(json.dumps(make_record().to_json()))
    spoil(content)
    with pytest.raises(DataError, match=r"a/result\.json is not a result"):
        Record.from_json(content, "", "a/result.json")


@pytest.mark.parametrize(
    ("n", "available", "expected", "whole"),
    [(8, 8, 8, None), (8, 8, None, None), (4, 8, None, 8), (4, 8, 9, 9), (8, 8, 9, 9)],
)
def test_whole_is_the_published_count_or_the_split(make_record, n, available, expected, whole):
    assert make_record(n=n, available=available, expected=expected).whole == whole


def test_the_parse_rate_counts_every_sample(make_record):
    assert make_record(n=8, failed=1, unparsable=2, missing=1).parse_rate == 0.5
