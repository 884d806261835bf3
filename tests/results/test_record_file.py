import json

import pytest

from metrics.errors import DataError
from results.record_file import read


def test_a_record_names_its_run_relative_to_the_root(tmp_path, make_record):
    (tmp_path / "a" / "b").mkdir(parents=True)
    path = tmp_path / "a" / "b" / "result.json"
    path.write_text(json.dumps(make_record().to_json()))
    assert read(path, tmp_path) == make_record(run="a/b")


@pytest.mark.parametrize("content", [b"", b'{"schema": 1', b"\xff", b"[" * 100_000])
def test_a_broken_result_is_named(tmp_path, content):
    (tmp_path / "result.json").write_bytes(content)
    with pytest.raises(DataError, match=r"result\.json: broken JSON"):
        read(tmp_path / "result.json", tmp_path)


def test_a_result_that_is_gone_is_named(tmp_path):
    with pytest.raises(DataError, match=r"result\.json cannot be read \(No such file"):
        read(tmp_path / "result.json", tmp_path)
