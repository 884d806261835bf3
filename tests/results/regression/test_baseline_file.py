import base64
import json
import zlib

import numpy as np
import pytest

from metrics.errors import DataError
from results.regression import baseline_file
from results.store import Store


@pytest.fixture
def run(write_run, tmp_path):
    return write_run(tmp_path / "runs", np.linspace(0, 1, 50))


def save(path, content):
    path.write_text(baseline_file.to_text(content))
    return path


def test_a_run_comes_back_as_it_was_with_rows_timings_and_machine(run, tmp_path):
    path = save(tmp_path / "b.json", baseline_file.to_json([run]))
    baseline_file.unpack(path, tmp_path / "out")
    [back] = Store(tmp_path / "out").runs()
    assert back.record.to_json() == run.record.to_json()
    assert (back.sample_ids, back.image_ids, back.rows) == (run.sample_ids, run.image_ids, run.rows)
    assert (back.folder / "timings.jsonl").read_bytes() == (run.folder / "timings.jsonl").read_bytes()
    assert (back.ended, back.commit, back.facts["host"]) == (run.ended, run.commit, run.facts["host"])


def test_the_same_runs_give_the_same_text_and_it_is_small(run):
    text = baseline_file.to_text(baseline_file.to_json([run]))
    assert text == baseline_file.to_text(baseline_file.to_json([run]))
    assert len(text) < 8_000


def test_rows_that_are_too_large_stay_out_and_the_file_says_so(run, tmp_path):
    content = baseline_file.to_json([run], rows_limit_kib=0)
    assert content["runs"][0]["paired"] is False
    assert baseline_file.unpaired(content) == ["toy/toy_rec/test"]
    baseline_file.unpack(save(tmp_path / "b.json", content), tmp_path / "out")
    assert not list((tmp_path / "out").rglob("rows.npz"))


def test_no_command_line_and_no_path_gets_into_the_file(write_run, tmp_path):
    facts = {"command": ["refbench", "--key", "hush"], "weights": "/secret/place", "opens": {"data_root": "/secret"}}
    run = write_run(tmp_path / "runs", [1, 0], facts=facts)
    text = baseline_file.to_text(baseline_file.to_json([run]))
    assert "hush" not in text
    assert "secret" not in text
    assert str(tmp_path) not in text


def entry(**changes):
    """A file with one run, some of whose parts are replaced."""
    whole = {"name": "x", "paired": True, "result": {}, "facts": {}, "rows": None, "timings": None, **changes}
    return json.dumps({"kind": baseline_file.KIND, "version": 1, "runs": [whole]})


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", "7", "{}", '{"kind": "refbench-baseline", "version": 2, "runs": []}',
        '{"kind": "refbench-baseline", "version": 1}', '{"kind": "refbench-baseline", "version": 1, "runs": [7]}',
        '{"kind": "refbench-baseline", "version": 1, "runs": 7}',
        entry(rows="no base64!"), entry(rows=""), entry(rows=7), entry(rows="AAAA"),
        entry(rows=base64.b64encode(zlib.compress(bytes(5000), 0)[:-9]).decode()),
    ],
)  # fmt: skip
def test_a_broken_file_is_refused_with_what_to_do(tmp_path, text):
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(DataError, match=r"b\.json is .*--write-baseline"):
        baseline_file.unpack(tmp_path / "b.json", tmp_path / "out")


def test_a_packed_bomb_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(baseline_file, "_UNPACKED_MOST", 1000)
    (tmp_path / "b.json").write_text(entry(rows=base64.b64encode(zlib.compress(bytes(5000))).decode()))
    with pytest.raises(DataError, match="unreasonably large"):
        baseline_file.unpack(tmp_path / "b.json", tmp_path / "out")
