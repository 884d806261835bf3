from dataclasses import replace

import pytest

from metrics.errors import DataError
from results.fingerprint import code
from results.table import headlines_table, row_json, rows_table, slices_table


def cells(text, line):
    """The cells of one line; columns are at least two spaces apart."""
    return [cell.strip() for cell in text.splitlines()[line].split("  ") if cell.strip()]


def test_a_row_shows_counts_first_and_the_headline_before_other_numbers(make_record):
    text = rows_table([make_record()])
    assert cells(text, 0) == [
        "model", "task", "dataset", "split", "data", "n", "failed", "unparsable", "parsed",
        "acc@0.5", "95% CI", "acc@0.25", "depth_m", "undefined",
    ]  # fmt: skip
    assert cells(text, 2) == [
        "toy", "toy_rec", "toy/a", "test", "official", "8", "1", "1", "75.00",
        "50.00", "25.00 to 75.00", "87.50", "1.2500",
    ]  # fmt: skip
    assert len(text.splitlines()) == 3


def test_a_sample_row_is_marked_and_the_note_points_at_official_data(make_record):
    text = rows_table([make_record(), make_record(data="sample", expected=None)])
    assert cells(text, 3)[4] == "sample"
    assert "never comparable to published numbers" in text
    assert "--data-root" in text
    assert "published numbers" not in rows_table([make_record()])


def test_a_part_of_a_split_says_of_what(make_record):
    text = rows_table([make_record(n=4, limit=4)])
    assert cells(text, 2)[5] == "4 of 8"
    assert "n of N" in text


def test_kinds_have_tables_of_their_own(make_record):
    other = make_record(kind="res", headline="ciou", columns=("ciou",), metrics={"ciou": 0.25})
    text = rows_table([make_record(), other])
    first, second = text.split("\n\n")
    assert "ciou" not in first and "acc@0.5" not in second


def test_slices_stand_above_all_samples(make_record):
    text = slices_table(make_record(), "kind")
    assert cells(text, 0)[:3] == ["kind", "n", "acc@0.5"]
    assert [cells(text, line)[:3] for line in (2, 3, 4)] == [
        ["even", "3", "33.33"],
        ["odd", "5", "60.00"],
        ["all", "8", "50.00"],
    ]


def test_an_unknown_tag_is_named_with_the_known_ones(make_record):
    with pytest.raises(DataError, match="no tag 'size' to slice by; it has: kind"):
        slices_table(make_record(), "size")


def test_a_row_for_machines_has_exactly_the_agreed_keys_and_plain_numbers(make_record):
    assert row_json(make_record()) == {
        "model": "toy",
        "task": "toy_rec",
        "dataset": "toy/a",
        "split": "test",
        "data": "official",
        "limit": None,
        "n": 8,
        "failed": 1,
        "missing": 0,
        "unparsable": 1,
        "metrics": {"acc@0.25": 0.875, "acc@0.5": 0.5, "depth_m": 1.25, "undefined": None},
        "intervals": {"acc@0.5": [0.25, 0.75]},
        "run": "toy/toy_rec/test-0123456789",
        "prompt_set": None,
        "regime": None,
        "protocol": code(make_record()),
        "failures": [],
    }


def asked_by(make_record, prompt_set, regime="full", **changes):
    """A record whose model was asked in a way of its own."""
    return make_record(options={"prompt": "p", "prompt_set": prompt_set, "regime": regime}, **changes)


def test_rows_of_one_way_of_asking_have_no_column_for_it_unless_wished(make_record):
    record = asked_by(make_record, "default")
    assert "prompt" not in cells(rows_table([record]), 0)
    assert cells(rows_table([record], ["prompt_set", "regime"]), 0)[5:7] == ["prompt", "regime"]
    assert cells(rows_table([record], ["regime"]), 2)[5] == "full"


def test_two_models_with_regimes_of_their_own_need_no_column(make_record):
    records = [asked_by(make_record, "default"), asked_by(make_record, "default", "instruction", model="other")]
    assert "regime" not in cells(rows_table(records), 0)


def test_wordings_of_a_prompt_are_followed_by_mean_and_spread(make_record):
    values = {"default": 0.5, "1": 0.25, "2": 0.75}
    records = [asked_by(make_record, name, metrics={"acc@0.5": value}) for name, value in values.items()]
    text = rows_table(records)
    assert cells(text, 0)[5] == "prompt"
    assert [cells(text, line)[5] for line in range(2, 7)] == ["default", "1", "2", "mean of 3", "spread of 3"]
    assert [cells(text, line)[6] for line in (5, 6)] == ["50.00", "50.00"]
    assert "highest minus the lowest" in text


def test_the_summary_has_a_line_per_task_with_all_its_splits(make_record):
    records = [make_record(), make_record(split="val", metrics={"acc@0.5": None}), make_record(task="other")]
    text = headlines_table(records)
    assert cells(text, 2) == ["toy_rec", "rec", "acc@0.5", "test 50.00, val undefined"]
    assert cells(text, 3) == ["other", "rec", "acc@0.5", "test 50.00"]


def test_a_row_for_machines_says_how_the_model_was_asked(make_record):
    row = row_json(asked_by(make_record, "2", "wrong"))
    assert (row["prompt_set"], row["regime"]) == ("2", "wrong")


def test_what_a_model_was_told_is_always_shown(make_record):
    plain = make_record(options={"prompt": "p"})
    told = make_record(options={"prompt": "p", "model_args": "decode=teacher_forced"})
    assert "arguments" not in rows_table([plain])
    assert cells(rows_table([told]), 0)[5] == "arguments"
    assert cells(rows_table([told]), 2)[5] == "decode=teacher_forced"
    assert "decode=teacher_forced" in rows_table([plain, told])
    assert row_json(told)["model_args"] == "decode=teacher_forced"
    assert "model_args" not in row_json(plain)


def test_wordings_of_other_arguments_are_not_averaged(make_record):
    same = {"prompt": "p", "regime": "full"}
    rows = [
        make_record(options={**same, "prompt_set": name, **more})
        for name, more in (("default", {}), ("1", {"model_args": "decode=teacher_forced"}))
    ]
    assert "mean of 2" not in rows_table(rows)
    assert "mean of 2" in rows_table([replace(row, options={**row.options, "model_args": "a=b"}) for row in rows])
