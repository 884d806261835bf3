"""The state of a task's data: judged from files and counts, without opening a photo or a second time."""

import shutil

import pytest

from benchmarks.errors import DataError
from benchmarks.registry import benchmark
from tasks import data_state
from tasks.data_state import DataStates
from tasks.registry import task_files

REFCOCOG = ("refcocog/umd", ["val", "test"])


@pytest.fixture
def published(unmarked_world, monkeypatch):
    """Let the counts of the files here be the published ones; the world is as official data."""
    from dataclasses import replace

    real = {name: benchmark(name) for name in ("refcocog/umd", "pope/coco")}
    whole = [replace(each, splits=dict(each.found(unmarked_world))) for each in real.values()]
    monkeypatch.setattr(data_state, "benchmarks", lambda: whole)
    return unmarked_world


def test_without_a_root_and_in_a_world_every_task_is_sample(small_world):
    for root in (None, small_world):
        states = DataStates(root)
        assert {states.of(content.benchmark, content.splits).state for content in task_files().values()} == {"sample"}


def test_files_with_the_published_counts_are_complete(published):
    state = DataStates(published).of(*REFCOCOG)
    assert (state.state, state.missing) == ("complete", ())
    assert all(state.found.values())


def test_less_than_published_is_a_part(unmarked_world):
    state = DataStates(unmarked_world).of(*REFCOCOG)
    assert state.state == "part"
    assert state.found["test"] == len(benchmark("refcocog/umd").open(unmarked_world, "test", "official").samples)


def test_a_split_without_its_file_is_a_part(published):
    (published / "pope" / "coco_pope_popular.json").unlink()
    state = DataStates(published).of("pope/coco", ["random", "popular", "adversarial"])
    assert state.state == "part"
    assert state.found["popular"] == 0 < state.found["random"]
    assert state.missing == ("pope/coco_pope_popular.json",)


def test_annotations_without_photos_are_missing_data(published):
    shutil.rmtree(published / "images" / "train2014")
    state = DataStates(published).of(*REFCOCOG)
    assert (state.state, state.missing) == ("missing", ("images/train2014",))


def test_an_empty_folder_misses_everything(tmp_path):
    states = DataStates(tmp_path)
    assert {states.of(content.benchmark, content.splits).state for content in task_files().values()} == {"missing"}


def test_files_that_cannot_be_read_are_broken(unmarked_world):
    (unmarked_world / "refcocog" / "refs(umd).p").write_bytes(b"not a pickle")
    state = DataStates(unmarked_world).of(*REFCOCOG)
    assert state.state == "broken"
    assert "refs(umd).p" in state.problem


def test_an_old_world_lacks_what_it_was_written_without(small_world, tmp_path):
    shutil.copytree(small_world, tmp_path / "old")
    shutil.rmtree(tmp_path / "old" / "pope")
    state = DataStates(tmp_path / "old").of("pope/coco", ["random"])
    assert state.state == "missing"


def test_a_users_task_that_names_no_benchmark_is_broken(tmp_path):
    assert DataStates(tmp_path).of("nowhere", ["test"]).state == "broken"
    with pytest.raises(DataError, match="is not a folder"):
        DataStates(tmp_path / "nowhere")


def test_no_photo_is_opened_and_no_benchmark_is_counted_twice(unmarked_world, monkeypatch):
    from dataclasses import replace

    calls = []

    def found(root):
        calls.append(root)
        return {"val": 1}

    one = replace(benchmark("refcocog/umd"), found=found)
    monkeypatch.setattr(data_state, "benchmarks", lambda: [one])
    monkeypatch.setattr("PIL.Image.open", lambda *args: pytest.fail("a photo was opened"))
    states = DataStates(unmarked_world)
    assert [states.of(*REFCOCOG).state for _ in range(3)] == ["part"] * 3
    assert len(calls) == 1


def test_the_list_shows_the_state_of_every_task(refbench, unmarked_world):
    entries = {
        entry["name"]: entry["data_state"] for entry in refbench("tasks", "--data-root", unmarked_world, "--json").json
    }
    assert entries["refcocog_res"]["state"] == "part"
    assert entries["refcocog_res"]["found"]["test"] > 0
    [line] = [
        line for line in refbench("tasks", "--data-root", unmarked_world).out.splitlines() if line.startswith("pope ")
    ]
    assert line.split()[:3] == ["pope", "pope", "part"]
    [line] = [line for line in refbench("tasks").out.splitlines() if line.startswith("pope ")]
    assert line.split()[2] == "sample"
