import json

import pytest

from metrics.errors import DataError
from results import store


def put(root, record):
    folder = root / record.run
    folder.mkdir(parents=True)
    (folder / "result.json").write_text(json.dumps(record.to_json()))


def test_every_finished_run_is_found_in_the_order_of_paths(tmp_path, make_record):
    records = [make_record(run=f"toy/toy_rec/{name}") for name in ("test-a", "test-b", "val-c")]
    for record in reversed(records):
        put(tmp_path, record)
    unfinished = tmp_path / "toy" / "toy_rec" / "test-d"
    unfinished.mkdir()
    (unfinished / "run.json").write_text("{}")
    assert store.records(tmp_path) == records


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(DataError, match=r"nowhere is not a folder of runs: .*--out"):
        store.records(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b'{"schema": 1', b"\xff", b"[" * 100_000])
def test_a_broken_result_is_named(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(DataError, match=r"result\.json: broken JSON"):
        store.records(tmp_path)


def test_a_result_that_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match=r"result\.json cannot be read \(No such file"):
        store.read(tmp_path / "result.json", tmp_path)
