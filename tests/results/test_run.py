import json

import pytest

from metrics.errors import DataError
from results import rows as row_files
from results.run import Run, moments

FACTS = {"started": "2026-11-20T09:00:00+00:00", "ended": "2026-11-20T10:00:00+00:00", "git": {"commit": "abc"}}


@pytest.fixture
def folder(tmp_path, make_record):
    """A run with two samples of one image."""
    path = tmp_path / "toy" / "toy_rec" / "test-0123456789"
    path.mkdir(parents=True)
    (path / "result.json").write_text(json.dumps(make_record().to_json()))
    (path / "run.json").write_text(json.dumps({**FACTS, "command": ["refbench"]}))
    (path / "rows.npz").write_bytes(row_files.to_bytes(["a", "b"], ["i", "i"], {"rec": [{"iou": 1.0}, {"iou": 0.5}]}))
    return path


def test_a_run_knows_its_record_times_and_files(folder, tmp_path, make_record):
    run = Run.open(folder, tmp_path)
    assert run.record == make_record(run="toy/toy_rec/test-0123456789")
    assert (run.id, run.name) == ("0123456789", "toy/toy_rec/test")
    assert (run.started, run.ended, run.commit) == (FACTS["started"], FACTS["ended"], "abc")
    assert run.facts["command"] == ["refbench"]
    assert (run.sample_ids, run.image_ids) == (["a", "b"], ["i", "i"])
    assert run.rows == {"rec": [{"iou": 1.0}, {"iou": 0.5}]}
    assert run.predictions == folder / "predictions.jsonl"


def test_rows_are_read_when_asked_for_and_once(folder, tmp_path):
    (rows := folder / "rows.npz").rename(folder / "aside")
    run = Run.open(folder, tmp_path)
    with pytest.raises(DataError, match=r"rows\.npz cannot be read"):
        run.rows  # noqa: B018
    (folder / "aside").rename(rows)
    first = run.rows
    rows.unlink()
    assert run.rows is first


def test_a_folder_of_another_name_gets_its_id_from_the_record(folder, tmp_path, make_record):
    other = folder.rename(folder.with_name("my copy"))
    again = Run.open(other, tmp_path)
    assert len(again.id) == 10 and again.id != "0123456789"
    assert again.id == Run.open(other, other.parent).id != Run(make_record(n=7), other).id


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '{"ended": 3, "git": "no"}'])
def test_facts_that_cannot_be_read_leave_the_record_standing(folder, tmp_path, content):
    (folder / "run.json").write_text(content)
    run = Run.open(folder, tmp_path)
    assert (run.started, run.ended, run.commit) == ("", "", "")
    (folder / "run.json").unlink()
    assert dict(Run.open(folder, tmp_path).facts) == {}


def test_moments_outside_a_repository_have_no_commit():
    assert moments({**FACTS, "git": None}) == {"started": FACTS["started"], "ended": FACTS["ended"], "commit": ""}
