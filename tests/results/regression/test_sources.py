import shutil

import pytest

from metrics.errors import DataError
from results.regression import baseline_file
from results.regression.sources import choose, load
from results.store import Store


@pytest.fixture
def runs(write_run, tmp_path):
    """A folder of two runs of two models."""
    root = tmp_path / "runs"
    write_run(root, [1.0, 0.0], name="a/toy_rec/test-0123456789", model="a")
    write_run(root, [1.0, 1.0], name="b/toy_rec/test-1123456789", model="b")
    return root


@pytest.fixture
def at(runs, tmp_path):
    """Load what a text means."""

    def find(text):
        (scratch := tmp_path / "scratch").mkdir(exist_ok=True)
        return load(str(text), Store(runs), scratch)

    return find


def models(source):
    return [run.record.model for run in source.runs]


def test_a_run_a_folder_a_record_an_id_and_a_name_are_understood(at, runs):
    assert models(at(runs)) == ["a", "b"]
    assert models(at(runs / "a")) == ["a"]
    assert models(at(runs / "b" / "toy_rec" / "test-1123456789")) == ["b"]
    assert models(at(runs / "b" / "toy_rec" / "test-1123456789" / "result.json")) == ["b"]
    assert models(at("11234")) == ["b"]
    assert models(at("a/toy_rec")) == ["a"]


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "xztar"])
def test_an_artifact_is_unpacked(at, runs, tmp_path, form):
    path = shutil.make_archive(str(tmp_path / "artifact"), form, runs)
    source = at(path)
    assert models(source) == ["a", "b"]
    assert source.label == path
    assert source.runs[0].rows["rec"][0]["iou"] == 1.0


def test_a_baseline_file_is_laid_out(at, runs, tmp_path):
    path = tmp_path / "baseline.json"
    path.write_text(baseline_file.to_text(baseline_file.to_json(at(runs).runs)))
    assert models(at(path)) == ["a", "b"]


def test_no_runs_at_all_is_said(at, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty holds no finished run"):
        at(tmp_path / "empty")


def test_a_broken_run_in_a_folder_is_not_passed_over(at, runs):
    (runs / "a" / "toy_rec" / "test-0123456789" / "result.json").write_text("{")
    with pytest.raises(DataError, match=r"result\.json: broken JSON"):
        at(runs)


def test_what_is_not_there_and_what_is_something_else_is_refused(at, tmp_path):
    with pytest.raises(DataError, match=r"no run in .* is called 'c/toy_rec'; did you mean"):
        at("c/toy_rec")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match="neither a baseline file"):
        at(tmp_path / "notes.txt")
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(DataError, match="no baseline of version"):
        at(tmp_path / "other.json")


def test_one_model_is_chosen(at, runs):
    assert models(choose(at(runs), "b")) == ["b"]
    assert models(choose(at(runs), None)) == ["a", "b"]
    with pytest.raises(DataError, match="no run of model 'c'; it holds runs of a, b"):
        choose(at(runs), "c")
