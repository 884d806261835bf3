"""A benchmark in one file of the user's is found, opened, scored, and refused where it cannot be."""

import json
import re
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from benchmarks import registry as benchmarks
from benchmarks.errors import ConfigError, UnknownName
from tasks import own_benchmarks, plugins, registry

GUIDE = (Path(__file__).parents[2] / "docs" / "own_benchmark.md").read_text("utf-8")
MAKER, READER = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
TASK = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)[0]


@pytest.fixture(autouse=True)
def forgetful(monkeypatch):
    """What a test adds is gone after it."""
    monkeypatch.setattr(benchmarks, "_added", {})
    own_benchmarks.load.cache_clear()
    yield
    own_benchmarks.load.cache_clear()


@pytest.fixture
def shelf(refbench):
    """The folders of the guide, and the command line."""
    exec(MAKER, {})  # noqa: S102
    Path("my_bench").mkdir()
    Path("my_bench/shelf.py").write_text(READER)
    Path("my_bench/shelf_rec.yaml").write_text(TASK)
    return lambda *words: refbench(*words, "--include", "my_bench", "--data-root", "my_data")


def test_the_oracle_is_right_on_every_sample_and_the_row_is_whole(shelf):
    [row] = shelf("eval", "--task", "shelf_rec", "--model", "oracle", "--json").json["rows"]
    assert (row["dataset"], row["split"], row["n"], row["data"]) == ("shelf", "test", 3, "official")
    assert (row["metrics"]["acc@0.75"], row["failed"]) == (1.0, 0)
    lines = (Path("runs") / row["run"] / "predictions.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line)["sample_id"] for line in lines] == ["shelf/test/0", "shelf/test/1", "shelf/test/2"]


def test_a_listing_and_a_card_know_its_data(shelf):
    [listed] = [each for each in shelf("tasks", "--json").json if each["name"] == "shelf_rec"]
    assert listed["data_state"]["state"] == "complete"
    assert "my_data/shelf/boxes.csv (here)" in shelf("tasks", "shelf_rec").out


def test_another_process_reads_it_too(shelf):
    words = (
        "eval",
        "--task",
        "shelf_rec",
        "--model",
        "constant",
        "--num-processes",
        "2",
        "--batch-size",
        "1",
        "--json",
    )
    [row] = shelf(*words).json["rows"]
    assert (row["n"], row["failed"]) == (3, 0)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("0.png,the box,5,5,500,40", r"boxes\.csv:2: the box .* is not inside the photo of 120x80; mend the line"),
        ("0.png,the box,a,5,50,40", r"boxes\.csv:2: ValueError: .*; mend the line"),
        ("none.png,the box,5,5,50,40", r"boxes\.csv:2: FileNotFoundError: .*; mend the line"),
    ],
)
def test_a_broken_line_is_named(shelf, line, complaint):
    Path("my_data/shelf/boxes.csv").write_text(f"photo,words,x1,y1,x2,y2\n{line}\n")
    outcome = shelf("eval", "--task", "shelf_rec", "--model", "oracle")
    assert outcome.code == 2 and re.search(complaint, outcome.err)


def test_without_the_folder_the_task_is_unknown_and_without_the_reader_the_benchmark(shelf):
    Path("my_bench/shelf.py").unlink()
    with pytest.raises(UnknownName, match=r"shelf_rec\.yaml: no benchmark is called 'shelf'"):
        registry.find("shelf_rec", Path("my_bench"))
    with pytest.raises(UnknownName, match="no task is called 'shelf_rec'"):
        registry.find("shelf_rec")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name="shelf"', 'name="refcoco/unc"', "there is a benchmark called 'refcoco/unc' already: rename it"),
        ('name="shelf"', 'name="../up"', r"a benchmark cannot be called '\.\./up': take small letters"),
        ("splits=PUBLISHED", "splits={}", "benchmark shelf has no splits: name each"),
        ("import csv", "import no_such_module", r"shelf\.py cannot be imported \(ModuleNotFoundError"),
        ("BENCHMARKS = [", "BENCHMARKS = 3, [", r"shelf\.py yields tuple|must be a list of"),
    ],
)
def test_what_cannot_be_a_benchmark_is_refused_with_its_file(shelf, old, new, complaint):
    Path("my_bench/shelf.py").write_text(READER.replace(old, new))
    with pytest.raises(ConfigError, match=complaint) as refusal:
        own_benchmarks.load(Path("my_bench"))
    assert "shelf.py" in str(refusal.value)
    assert benchmarks._added == {}


def test_two_files_cannot_share_a_name(shelf):
    Path("my_bench/shelf_again.py").write_text(READER)
    with pytest.raises(ConfigError, match=r"shelf_again\.py: there is a benchmark called 'shelf' already"):
        own_benchmarks.load(Path("my_bench"))


def test_a_package_brings_it_by_the_entry_point_of_the_guide(tmp_path, monkeypatch):
    (tmp_path / "shelf_package.py").write_text(READER)
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("shelf", "shelf_package:BENCHMARKS", own_benchmarks.PLUGINS.group)
    monkeypatch.setattr(plugins, "entry_points", lambda group: [point] if group == point.group else [])
    assert own_benchmarks.load() == ("shelf",)
    assert benchmarks.benchmark("shelf").splits == {"test": 3}
    assert f'"{own_benchmarks.PLUGINS.group}"' in GUIDE


def test_those_of_ours_cannot_be_replaced():
    ours = benchmarks.benchmark("refcoco/unc")
    with pytest.raises(AssertionError, match="refcoco/unc is a benchmark of ours"):
        benchmarks.add(ours)
