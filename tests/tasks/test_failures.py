from benchmarks.schema import Prediction
from results.record import Failure
from tasks.failures import summarise


def test_the_three_most_frequent_reasons_with_their_first_examples():
    errors = ["no key 'a'", "no key 'b'", "no key 'c'", "no key 'd'", "late by 3 s", "late by 12 s", "odd", "rare"]
    failed = [Prediction(f"s/{place}", "failed", error=error) for place, error in enumerate(errors)]
    others = [
        Prediction("fine", "ok"),
        Prediction("p/0", "parse_error", error="odd"),
        Prediction("p/1", "parse_error", error="odd"),
    ]
    assert summarise([*failed, *others]) == (
        Failure("failed", "no key '…'", 4, ("s/0", "s/1", "s/2")),
        Failure("failed", "late by N s", 2, ("s/4", "s/5")),
        Failure("parse_error", "odd", 2, ("p/0", "p/1")),
    )


def test_nothing_failed():
    assert summarise([Prediction("fine", "ok", error="of no interest")]) == ()
