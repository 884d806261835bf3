import itertools
import json

import pytest

from tasks import provenance
from tasks.identity import run_folder, subset


@pytest.fixture
def samples(toy, tmp_path):
    """Sixty samples of thirty images."""
    return toy.make_split(tmp_path, 60).samples


def test_a_limited_run_is_nested_and_keeps_the_order(samples):
    chosen = [subset(samples, limit) for limit in range(1, 61)]
    for limit, (smaller, larger) in enumerate(itertools.pairwise(chosen), start=1):
        assert len(smaller) == limit
        assert {s.id for s in smaller} < {s.id for s in larger}
        assert list(smaller) == [sample for sample in samples if sample in smaller]


def test_a_limited_run_is_not_the_head_of_the_split(samples):
    assert subset(samples, 20) != samples[:20]


def test_the_choice_depends_on_ids_alone(samples):
    backwards = subset(samples[::-1], 20)
    assert backwards[::-1] == subset(samples, 20)


@pytest.mark.parametrize("limit", [None, 60, 1000])
def test_without_a_limit_that_bites_every_sample_is_run(samples, limit):
    assert subset(samples, limit) == samples


def test_a_run_folder_has_readable_names_and_no_further_levels():
    identity = {"model": {"name": "org/model"}, "task": {"name": "toy_rec"}, "split": {"name": "test"}}
    model, task, run = run_folder(identity).parts
    assert (model, task) == ("org--model", "toy_rec")
    assert run.startswith("test-") and len(run) == len("test-") + 10
    assert run_folder({**identity, "seed": 1}) != run_folder(identity)


def test_answers_of_another_program_or_another_added_model_are_never_reused(go, toy, tmp_path):
    (include := tmp_path / "mine").mkdir()
    ways = [{}, {"code": "edited"}, {"include": include}]
    for way in ways:
        go(**way)
    (include / "model.py").write_text("MODELS = []\n")
    go(include=include)
    runs = [json.loads(path.read_text())["identity"] for path in (tmp_path / "runs").rglob("run.json")]
    assert sorted((run["code"], "included" in run) for run in runs) == [
        ("edited", False),
        ("toy", False),
        ("toy", True),
    ]


def test_the_code_of_numbers_leaves_out_commands_and_training():
    assert len(provenance.number_code()) == 16
    assert provenance.number_code() != provenance.code_digest()
