from dataclasses import replace

from results.failures import failures_text
from results.record import Failure, Record


def record(**fields):
    counts = dict.fromkeys(("failed", "unparsable", "missing"), 0)
    words = dict.fromkeys(("model", "task", "kind", "dataset", "split", "headline", "refbench"), "m")
    numbers = {"data": "sample", "limit": None, "n": 9, "available": 9, "expected": None}
    scores = {"columns": ("m",), "metrics": {"m": 0.5}, "units": {}, "intervals": {}, "protocols": {}}
    return Record(**words, **numbers, **counts, **scores, **fields)


def test_reasons_and_examples_are_told_for_the_records_that_have_some():
    failures = (Failure("failed", "late", 4, ("s/1", "s/2", "s/3")), Failure("parse_error", "", 1, ("s/9",)))
    broken = replace(record(), failed=4, unparsable=1, failures=failures)
    assert failures_text([record(), broken]).splitlines() == [
        "m m m: 4 failed, 1 unparsable of 9",
        "  4 failed: late (s/1, s/2, s/3, …)",
        "  1 unparsable: no reason given (s/9)",
    ]
    assert failures_text([record()]) == ""


def test_a_record_keeps_its_failures_and_one_from_before_has_none():
    failures = (Failure("failed", "late", 1, ("s/1",)),)
    content = replace(record(), failures=failures).to_json()
    assert Record.from_json(content, "r", "result.json").failures == failures
    del content["failures"]
    assert Record.from_json(content, "r", "result.json").failures == ()
