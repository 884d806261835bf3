import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import DataError
from benchmarks.schema import Group, Instance, Prediction
from tasks import predictions

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(), max_size=20)
MASKS = st.builds(
    lambda height, width, counts: {"size": [height, width], "counts": counts},
    st.integers(1, 9999),
    st.integers(1, 9999),
    st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=12),
)
INSTANCES = st.builds(
    Instance, score=st.none() | NUMBERS, box_xyxy=st.none() | st.tuples(*[NUMBERS] * 4), mask_rle=st.none() | MASKS
)
UNITS = st.sampled_from(["box", "mask", "text"])
GROUPS = st.builds(Group, phrase=TEXTS, unit=UNITS, instances=st.lists(INSTANCES, max_size=3).map(tuple))
PREDICTIONS = st.builds(
    Prediction,
    sample_id=st.text(min_size=1, max_size=12),
    status=st.sampled_from(["ok", "parse_error", "failed"]),
    text=TEXTS,
    prompt=TEXTS,
    error=TEXTS,
    groups=st.lists(GROUPS, max_size=3).map(tuple),
)


def with_groups(groups):
    """A line with these groups."""
    return '{"sample_id": "a", "status": "ok", "groups": ' + groups + "}"


@given(st.lists(PREDICTIONS, max_size=5, unique_by=lambda each: each.sample_id))
def test_what_is_written_is_read_back_exactly(tmp_path_factory, many):
    path = tmp_path_factory.mktemp("predictions") / "predictions.jsonl"
    path.write_bytes(predictions.to_bytes(many))
    assert predictions.read(path) == many


@given(PREDICTIONS)
def test_one_prediction_is_one_line_of_ascii_with_sorted_keys(prediction):
    line = predictions.dump(predictions.to_json(prediction))
    assert line.isascii() and line.isprintable()
    assert list(json.loads(line)) == sorted(json.loads(line))


def test_seconds_are_not_written():
    slow, quick = Prediction("a", "ok", seconds=2.0), Prediction("a", "ok", seconds=0.1)
    assert predictions.to_bytes([slow]) == predictions.to_bytes([quick])


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"sample_id": "a"', "broken JSON"),
        ("[]", "an object is needed"),
        ('{"status": "ok"}', "sample_id is missing"),
        ('{"sample_id": 3, "status": "ok"}', "sample_id must be text"),
        ('{"sample_id": "a", "status": "fine"}', "status must be one of failed, ok, parse_error"),
        ('{"sample_id": "a", "status": "ok", "scores": []}', "unknown field 'scores'"),
        (with_groups("{}"), "groups must be a list"),
        (with_groups('[{"unit": "pixel"}]'), "unit must be one of"),
        (with_groups('[{"unit": "box", "instances": [{"box_xyxy": [1, 2]}]}]'), "four numbers"),
        (with_groups('[{"unit": "box", "instances": [{"score": true}]}]'), "True is not a number"),
        (with_groups('[{"unit": "mask", "instances": [{"mask_rle": {"size": [1, 1]}}]}]'), "counts is missing"),
        (with_groups('[{"unit": "mask", "instances": [{"mask_rle": {"size": [1], "counts": ""}}]}]'), "size of mask"),
    ],
)
def test_a_bad_line_is_named_with_its_number_and_reason(tmp_path, line, reason):
    path = tmp_path / "predictions.jsonl"
    path.write_text('{"sample_id": "first", "status": "ok"}\n\n' + line + "\n")
    with pytest.raises(DataError, match=r"predictions\.jsonl:3: .*" + reason):
        predictions.read(path)


def test_a_sample_answered_twice_is_refused(tmp_path):
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(predictions.to_bytes([Prediction("a", "ok"), Prediction("a", "failed")]))
    with pytest.raises(DataError, match=r":2: a is answered a second time"):
        predictions.read(path)
