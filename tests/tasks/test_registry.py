"""Task files: ours all resolve, a user's own are checked key by key."""

import pytest

from benchmarks.errors import ConfigError, UnknownName
from benchmarks.registry import benchmark
from benchmarks.schema import Prediction
from tasks.registry import TaskFile, find, task_files

GOOD = {"kind": "res", "benchmark": "refcocog/umd", "splits": "[val]", "prompt": "segment_expression",
        "description": "mine"}  # fmt: skip


@pytest.fixture
def include(tmp_path):
    """Write a task file `mine.yaml` and return its folder; None leaves a key out."""

    def write(name="mine", **changes):
        content = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}
        (tmp_path / f"{name}.yaml").write_text("".join(f"{key}: {value}\n" for key, value in content.items()))
        return tmp_path

    return write


def test_the_refcoco_family_has_its_official_splits():
    files = {name: f for name, f in task_files().items() if name.startswith("refcoco") and f.kind in ("rec", "res")}
    family = {name: (f.benchmark, f.splits) for name, f in files.items()}
    assert family == {
        f"{name}_{kind}": (source, splits)
        for kind in ("rec", "res")
        for name, source, splits in [
            ("refcoco", "refcoco/unc", ["val", "testA", "testB"]),
            ("refcocop", "refcoco+/unc", ["val", "testA", "testB"]),
            ("refcocog", "refcocog/umd", ["val", "test"]),
            ("refcocog_google", "refcocog/google", ["val"]),
        ]
    }


@pytest.mark.parametrize("name", task_files())
def test_every_task_of_ours_resolves_and_covers_all_evaluation_splits(name):
    task = find(name)
    assert task.name == name
    assert set(task.splits) == set(benchmark(task.benchmark).splits) - {"train"}
    assert task.description
    assert "arXiv" in task.citation


@pytest.mark.parametrize("name", task_files())
def test_every_task_of_ours_scores_perfect_and_empty_answers_at_its_bounds(name, small_world, monkeypatch):
    from tasks.models.oracle import Oracle
    from tasks.score import score

    task = find(name)
    if name != "coco_captions":  # METEOR takes seconds to start: one task with captions shows its bounds
        monkeypatch.setattr("metrics.meteor.unavailable", lambda: "left out for speed")
    split = benchmark(task.benchmark).open(small_world, task.splits[0], "sample")
    oracle = Oracle()
    oracle.attach(task.kind, split.samples)
    perfect = oracle.predict([sample.query("", task.kind.wants) for sample in split.samples])
    failed = [Prediction(sample.id, "failed") for sample in split.samples]
    bounds = {key: pair for metric in task.kind.metrics for key, pair in metric.card.bounds.items()}
    # official BLEU adds 1e-9 to its denominators and 1e-15 to its numerators
    for answers, side, tolerance in ((failed, 0, 1e-9), (perfect, 1, 1e-6)):
        scores = score(task.kind, split.samples, answers).metrics
        assert scores[task.kind.metrics[0].headline] is not None
        expected = {key: bounds.get(key, (0.0, 1.0))[side] for key, value in scores.items() if value is not None}
        bounded = {key: value for key, value in expected.items() if value is not None}
        assert {key: scores[key] for key in bounded} == pytest.approx(bounded, abs=tolerance)


def test_a_users_task_joins_ours(include):
    task = find("mine", include(extra_splits="[shifted]", protocol="{size: native}"))
    assert (task.splits, task.extra_splits, task.protocol) == (("val",), ("shifted",), {"size": "native"})
    assert set(task_files(include())) == {*task_files(), "mine"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prompts": "x"}, "no key is called 'prompts'; did you mean prompt?"),
        ({"kind": None}, "key 'kind' is missing"),
        ({"splits": "val"}, "key 'splits': Input should be a valid list, got 'val'"),
        ({"splits": "[]"}, "key 'splits': List should have at least 1 item"),
        ({"splits": "[1]"}, "key 'splits.0': Input should be a valid string, got 1"),
        ({"description": "[a"}, "is no YAML"),
    ],
)
def test_a_wrong_task_file_is_told_with_file_and_key(include, changes, said):
    folder = include(**changes)
    with pytest.raises(ConfigError) as caught:
        task_files(folder)
    assert said in str(caught.value)
    assert str(folder / "mine.yaml") in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kind": "ress"}, "no task kind is called 'ress'; did you mean res?"),
        ({"benchmark": "refcocog/umb"}, "no benchmark is called 'refcocog/umb'; did you mean refcocog/umd?"),
        ({"splits": "[tets]"}, "no split of refcocog/umd is called 'tets'; did you mean test?"),
        ({"prompt": "segment_expresion"}, "no prompt is called 'segment_expresion'; did you mean segment_expression?"),
    ],
)
def test_a_task_file_that_names_what_there_is_not_is_told(include, changes, said):
    folder = include(**changes)
    with pytest.raises(UnknownName) as caught:
        find("mine", folder)
    assert said in str(caught.value)
    assert str(folder / "mine.yaml") in str(caught.value)


def test_a_users_task_may_not_take_the_name_of_ours(include):
    with pytest.raises(ConfigError, match="a built-in task is called 'refcoco_rec': rename the file"):
        task_files(include("refcoco_rec"))


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "just words"])
def test_a_file_without_keys_is_no_task(tmp_path, content):
    (tmp_path / "mine.yaml").write_text(content)
    with pytest.raises(ConfigError, match=r"mine.yaml must hold keys and values \(kind, benchmark, splits"):
        task_files(tmp_path)


def test_a_task_file_that_cannot_be_read_is_told(tmp_path):
    (tmp_path / "mine.yaml").mkdir()
    with pytest.raises(ConfigError, match=r"mine\.yaml cannot be read"):
        task_files(tmp_path)
    (tmp_path / "mine.yaml").rmdir()
    (tmp_path / "mine.yaml").write_bytes(b"kind: \xff\xfe")
    with pytest.raises(ConfigError, match=r"mine\.yaml is no YAML"):
        task_files(tmp_path)


def test_a_task_file_holds_the_fields_of_a_task():
    from dataclasses import fields

    from tasks.base import Task

    assert {*TaskFile.model_fields, "name"} == {field.name for field in fields(Task)}
