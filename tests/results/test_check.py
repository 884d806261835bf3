"""Runs are made by hand here: rows, answers, `run.json` and record that belong together."""

import hashlib
import json

import pytest

from metrics.base import Metric
from metrics.rec import METRICS
from results import rows as row_files
from results.check import problems, recomputed
from results.run import Run

REC: Metric = next(metric for metric in METRICS if metric.name == "rec")
IDS = ["a", "b", "c"]


@pytest.fixture
def rows():
    """Rows of `rec` as its own `measure` makes them."""
    boxes = ([0.0, 0, 10, 10], [0.0, 0, 10, 4], [50.0, 50, 60, 60])
    return {"rec": [measure(box) for box in boxes]}


def measure(box):
    import numpy as np

    from metrics.rec import measure as of_box

    return of_box(np.array(box), np.array([0.0, 0, 10, 10]))


@pytest.fixture
def made(tmp_path, make_record, rows):
    """A run whose files belong together."""
    identity = {
        "model": {"name": "toy", "fingerprint": "f1"},
        "task": {"name": "toy_rec"},
        "split": {"name": "test", "data": "f00d"},
    }
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:10]
    folder = tmp_path / "toy" / "toy_rec" / f"test-{digest}"
    folder.mkdir(parents=True)
    (folder / "rows.npz").write_bytes(row_files.to_bytes(IDS, IDS, rows))
    (folder / "predictions.jsonl").write_text("".join(json.dumps({"sample_id": name}) + "\n" for name in IDS))
    (folder / "run.json").write_text(json.dumps({"identity": identity}))
    digests = {
        "data": "f00d",
        "model": "f1",
        "ids": row_files.digest_ids(IDS),
        "rows": row_files.digest(IDS, rows),
    }
    scores = REC.aggregate(rows["rec"])
    record = make_record(n=3, digests=digests, metrics=scores, columns=tuple(scores), run=f"toy/toy_rec/test-{digest}")
    (folder / "result.json").write_text(json.dumps(record.to_json()))
    return folder


def check(folder, metrics=(REC,)):
    return problems(Run.open(folder, folder.parent), metrics)


def edit(path, before, after):
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after, 1))


def test_a_run_as_it_was_written_has_no_problem(made):
    assert check(made) == []
    assert recomputed(Run.open(made, made.parent), [REC]) == ["rec"]


def test_an_edited_number_is_told_by_the_rows(made):
    edit(made / "result.json", '"acc@0.5": 0.3333333333333333', '"acc@0.5": 0.6666666666666666')
    assert check(made) == [
        "acc@0.5 is 0.6666666666666666 in result.json, but the rows give 0.333333333: result.json was edited"
    ]


def test_edited_rows_are_told_by_their_digest(made, rows):
    rows["rec"][2] = rows["rec"][0]
    (made / "rows.npz").write_bytes(row_files.to_bytes(IDS, IDS, rows))
    assert check(made) == ["rows.npz was edited: its counts are not those that were scored"]
    (made / "rows.npz").write_bytes(row_files.to_bytes(["a", "b", "x"], IDS, rows))
    assert "rows.npz holds other samples than those that were scored" in check(made)
    (made / "rows.npz").write_bytes(row_files.to_bytes(IDS[:2], IDS[:2], {"rec": rows["rec"][:2]}))
    assert "rows.npz holds 2 samples but result.json counts 3" in check(made)


def test_missing_or_changed_answers_are_told(made):
    edit(made / "predictions.jsonl", '"b"', '"z"')
    assert check(made) == ["predictions.jsonl answers 3 samples, but not those of rows.npz in their order"]
    (made / "predictions.jsonl").write_text("{")
    assert "predictions.jsonl cannot be read" in check(made)[0]
    (made / "predictions.jsonl").unlink()
    assert check(made) == ["predictions.jsonl is missing"]


def test_an_edited_answer_is_told_where_the_record_knows_the_answers(made):
    content = (made / "predictions.jsonl").read_bytes()
    edit(made / "result.json", '"data": "f00d"', f'"answers": "{hashlib.sha256(content).hexdigest()}", "data": "f00d"')
    assert check(made) == []
    (made / "predictions.jsonl").write_bytes(content.replace(b'"a"}', b'"a", "text": "better"}'))
    [problem] = check(made)
    assert problem.endswith("predictions.jsonl was edited: it does not hold the answers that were scored")


def test_another_model_data_or_folder_is_told(made):
    edit(made / "result.json", '"model": "toy"', '"model": "better"')
    assert check(made) == ["model is toy in run.json but better in result.json"]
    edit(made / "run.json", "toy_rec", "toy_rex")
    found = check(made)
    assert any("the folder is that of run" in each for each in found)
    assert "task is toy_rex in run.json but toy_rec in result.json" in found


def test_a_run_without_its_facts_or_rows_is_told(made):
    (made / "run.json").unlink()
    assert "says nothing of what the run is" in check(made)[0]
    (made / "rows.npz").write_bytes(b"PK")
    assert "cannot be read as rows" in check(made)[0]


def test_a_metric_of_another_version_is_not_held_against_the_record(made):
    from dataclasses import replace

    later = replace(REC, protocol="rec/2", aggregate=lambda rows: {"acc@0.5": 1.0})
    assert check(made, [later]) == []
    assert recomputed(Run.open(made, made.parent), [later]) == []
