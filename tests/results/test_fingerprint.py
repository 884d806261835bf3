from dataclasses import replace

import pytest

from results.fingerprint import code, differing, fields

OPTIONS = {"prompt": "locate_expression", "prompt_set": "default", "regime": "full", "resize": "none"}


@pytest.fixture
def asked(make_record):
    """A record with everything that a protocol holds."""
    return make_record(options=OPTIONS, digests={"data": "d" * 64, "ids": "i" * 64, "model": "m"})


def test_what_is_the_models_own_does_not_change_the_code(asked):
    other = replace(
        asked, model="b", metrics={}, failed=3, refbench="9", run="x", digests={**asked.digests, "model": "n"}
    )
    assert code(other) == code(asked)
    assert len(code(asked)) == 8
    assert differing(asked, other) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"data": "sample"}, "data"),
        ({"kind": "res"}, "task kind"),
        ({"dataset": "toy/b"}, "benchmark"),
        ({"split": "val"}, "split"),
        ({"n": 4}, "samples"),
        ({"digests": {"data": "d" * 64, "ids": "j" * 64}}, "samples"),
        ({"digests": {"data": "e" * 64, "ids": "i" * 64}}, "truth"),
        ({"protocols": {"rec": "rec/2"}}, "metrics"),
        ({"options": {**OPTIONS, "resize": "square"}}, "rules"),
        ({"options": {**OPTIONS, "prompt_set": "1"}}, "prompt"),
        ({"options": {**OPTIONS, "regime": "wrong"}}, "command"),
        ({"options": {**OPTIONS, "model_args": "decode=teacher_forced"}}, "decoding"),
    ],
)
def test_every_part_of_the_protocol_changes_the_code_and_is_named(asked, changes, field):
    other = replace(asked, **changes)
    assert code(other) != code(asked)
    [difference] = differing(asked, other)
    assert difference.field == field
    assert (difference.one, difference.other) == (fields(asked)[field], fields(other)[field])
    assert field in difference.line() and difference.one in difference.line()


def test_models_that_learned_with_commands_are_asked_the_same_as_those_that_did_not(asked):
    assert code(replace(asked, options={**OPTIONS, "regime": "instruction"})) == code(asked)


def test_the_order_of_options_does_not_show(asked):
    assert code(replace(asked, options=dict(reversed(OPTIONS.items())))) == code(asked)
