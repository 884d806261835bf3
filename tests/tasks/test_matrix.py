"""`refbench models --matrix`: all pairs of model and kind of task, with the reason; what an impossible pair is told."""

import pytest

from benchmarks.registry import benchmark
from tasks import kinds, matrix, registry
from tasks.base import ModelEntry
from tasks.models.registry import all_models


@pytest.fixture(scope="module")
def found():
    """Every cell of the models that come with the package, by model and kind."""
    judged = matrix.cells(all_models().values(), list(kinds.all_kinds().values()))
    return {(cell.model, cell.kind): cell for cell in judged}


def test_every_pair_is_judged_once(found):
    assert set(found) == {(model, kind) for model in all_models() for kind in kinds.all_kinds()}
    assert {cell.state for cell in found.values()} == {"can", "needs", "cannot"}
    assert all(bool(cell.why) == (cell.state != "can") for cell in found.values())


def test_the_bounds_can_do_everything_and_others_what_they_declare(found):
    assert {cell.state for (model, _), cell in found.items() if model in ("oracle", "constant")} == {"can"}
    assert found["refvlm", "rec"].state == "can"
    assert found["vpgtrans", "pointqa"].why == "takes no visual prompts"
    assert (found["vt-plug", "depth"].state, found["hf-depth", "depth"].state) == ("needs", "needs")
    assert "no weights of VT-PLUG were ever released" in found["vt-plug", "depth"].why
    assert found["hf-depth", "depth"].why.startswith("name one, as in --model hf-depth:")
    assert found["openai-api", "panoptic"].why.endswith(", not mask")


def test_what_kinds_ask_with_is_what_their_samples_have(small_world):
    marked: dict[str, set[bool]] = {}
    named: dict[str, set[bool]] = {}
    worded: dict[str, set[bool]] = {}
    forms: dict[str, set[str]] = {}
    for name in registry.task_files():
        task = registry.find(name)
        where = benchmark(task.benchmark)
        split = where.open(small_world, where.splits_present(small_world)[0], "sample")
        marked.setdefault(task.kind.name, set()).add(bool(split.samples[0].regions))
        every = [where.open(small_world, each, "sample") for each in where.splits_present(small_world)]
        found = {region.kind for each in every for sample in each.samples for region in sample.regions}
        forms.setdefault(task.kind.name, set()).update(found)
        named.setdefault(task.kind.name, set()).add(bool(split.samples[0].categories))
        worded.setdefault(task.kind.name, set()).add(bool(split.samples[0].question))
    assert {kind for kind, seen in marked.items() if seen == {True}} == matrix.MARKED
    assert {kind for kind in matrix.MARKED if "box" not in forms[kind]} == matrix.POINTED
    assert {kind for kind, seen in named.items() if seen == {True}} == matrix.NAMED
    assert {kind for kind, seen in worded.items() if seen == {False}} == matrix.WORDLESS
    assert {kind for kind, seen in marked.items() if len(seen) > 1} == {"keypoints"}


def test_what_a_model_must_refuse_is_told_as_its_reason(found):
    assert found["hf-segmenter", "panoptic"].state == "needs"
    assert found["hf-segmenter", "res"].why.startswith("a segmenter names masks by its own labels")
    assert found["hf-promptable", "prompted"].state == "needs"
    assert found["hf-promptable", "res"].why == "a promptable segmenter needs a visual prompt: it follows no words"
    assert (found["hf-captioner", "caption"].state, found["hf-captioner", "vqa"].state) == ("needs", "cannot")
    assert found["hf-pose", "keypoints"].state == "needs"


def test_the_table_and_the_list_for_machines_say_the_same(refbench, found):
    cells = refbench("models", "--matrix", "--json").json
    assert {(c["model"], c["kind"]): c["state"] for c in cells} == {key: c.state for key, c in found.items()}
    text = refbench("models", "--matrix").out
    assert all(kind in text for kind in kinds.all_kinds())
    assert "vt-plug needs: no weights of VT-PLUG were ever released" in text
    one = refbench("models", "openai-api", "--matrix").out
    assert any(line.split()[:2] == ["pope", "needs"] for line in one.splitlines())
    assert "answers with text, not depth" in one or "answers with text, box, not depth" in one


def test_weights_are_for_one_model(refbench):
    outcome = refbench("models", "--matrix", "--weights", "here")
    assert outcome.code == 2
    assert "--weights is for one model" in outcome.err


def test_an_impossible_pair_names_the_models_that_can(refbench, small_world):
    outcome = refbench("eval", "--task", "nyu_depth", "--model", "openai-api:toy", "--data-root", small_world)
    assert outcome.code == 2
    assert "model openai-api:toy answers with " in outcome.err
    assert "but task nyu_depth needs depth: these can: hf-depth:…," in outcome.err
    assert "`refbench models --matrix`" in outcome.err


def test_a_long_list_of_models_is_cut():
    many = [ModelEntry(f"m{number}", "toy", ("box",), load=all_models()["oracle"].load) for number in range(20)]
    assert matrix.able("box", many) == "m0, m1, m2, m3, m4, m5, m6, m7, …"
