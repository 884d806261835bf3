import json
import shutil
from pathlib import Path

import pytest

from tasks import verification
from tasks.journal import Batch
from tasks.verification import Choice, compare, differences, draw

GUESS = '''
import os
from pathlib import Path
from benchmarks.schema import Group, Instance, Prediction
from tasks.base import ModelEntry

class Guess:
    """Answers a box that depends on its batch, and on a file beside it."""

    def predict(self, queries):
        shift = float((Path(__file__).parent / "shift.txt").read_text())
        box = (1.0, 1.0, 9.0 + len(queries) + shift, 9.0)
        groups = (Group("thing", "box", (Instance(score=0.5, box_xyxy=box),)),)
        return [Prediction(query.sample_id, "ok", "it is here", query.prompt, groups) for query in queries]

    def fingerprint(self):
        return "guess"

MODELS = [ModelEntry(name="guess", kind="toy", units=("box",), load=lambda options: Guess(),
                     fingerprint=lambda options: "guess")]
'''


@pytest.fixture
def mine(tmp_path):
    """A folder with a model whose answers can be changed behind the harness's back."""
    (folder := tmp_path / "mine").mkdir()
    (folder / "guess.py").write_text(GUESS)
    (folder / "shift.txt").write_text("0")
    return folder


@pytest.fixture
def run(refbench, small_world, mine):
    """A finished run of that model, seven samples to a batch."""
    words = ("--data-root", small_world, "--include", mine, "--model", "guess", "--batch-size", "7", "--json")
    outcome = refbench("eval", "--task", "refcocog_rec", "--split", "test", *words)
    (row,) = outcome.json["rows"]
    return Path("runs") / row["run"]


def test_a_run_is_asked_again_in_its_own_batches_and_is_the_same(refbench, run):
    before = {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()}
    outcome = refbench("verify", run, "--json")
    verdict = outcome.json
    assert outcome.code == 0
    assert verdict["equal"] is True and verdict["changed"] == []
    assert 10 <= verdict["asked"] < 10 + 7 < verdict["samples"]
    assert {path: path.read_bytes() for path in run.parent.rglob("*") if path.is_file()} == before
    assert "every answer is the same" in refbench("verify", run).out


def test_answers_that_differ_are_named_with_what_differs(refbench, run, mine):
    (mine / "shift.txt").write_text("2")
    outcome = refbench("verify", run)
    assert outcome.code == 1
    assert "groups[0].instances[0].box_xyxy[2] was 16.0, is 18.0" in outcome.out
    verdict = refbench("verify", run, "--share", "100%", "--json").json
    assert len(verdict["differences"]) == verdict["asked"] == verdict["samples"]


def test_what_is_not_the_same_any_more_is_refused_unless_allowed(refbench, run, mine, unmarked_world, monkeypatch):
    (mine / "guess.py").write_text(GUESS.replace('return "guess"', 'return "other"'))
    outcome = refbench("verify", run)
    assert outcome.code == 2
    assert "included was" in outcome.err and "--allow model" in outcome.err
    assert refbench("verify", run, "--allow", "model").code == 0
    content = json.loads((run / "run.json").read_text())
    content["identity"]["code"] = "0123456789abcdef"
    (run / "run.json").write_text(json.dumps(content))
    assert "--allow code,model" in refbench("verify", run).err
    assert refbench("verify", run, "--allow", "model,code").code == 0
    assert "did you mean" in refbench("verify", run, "--allow", "modle").err


def test_changed_data_are_refused(refbench, run, small_world, tmp_path):
    shutil.copytree(small_world, moved := tmp_path / "moved")
    assert refbench("verify", run, "--data-root", moved).code == 0
    content = json.loads((run / "run.json").read_text())
    content["identity"]["split"]["data"] = "f00d"
    (run / "run.json").write_text(json.dumps(content))
    assert "split.data was" in refbench("verify", run).err


@pytest.mark.parametrize(
    ("change", "text"), [({"state": "running"}, "no finished run"), ({"opens": None}, "earlier version")]
)
def test_a_run_that_cannot_be_repeated_is_refused(refbench, run, change, text):
    content = {**json.loads((run / "run.json").read_text()), **change}
    (run / "run.json").write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
    outcome = refbench("verify", run)
    assert (outcome.code, text in outcome.err) == (2, True)
    assert refbench("verify", "nowhere").code == 2


def test_the_draw_is_seeded_takes_whole_batches_and_grows_with_the_share():
    batches = [Batch(number, tuple(range(4))) for number in range(50)]
    small, again = (draw(batches, 200, Choice(seed=3)) for _ in range(2))
    assert small == again
    assert len(small) == 3  # 10 samples at least
    assert draw(batches, 200, Choice(seed=4)) != small
    large = draw(batches, 200, Choice(seed=3, share=0.5))
    assert len(large) == 25 and {batch.number for batch in small} <= {batch.number for batch in large}


def test_depth_maps_are_compared_by_their_values(toy):
    import numpy as np

    from benchmarks.schema import DepthMap

    def answer(values):
        return toy.Prediction("a", "ok", depth=DepthMap(values=values))

    near, far = np.ones((2, 3), np.float32), np.full((2, 3), 2, np.float32)
    assert compare(answer(near), answer(near.copy())) == ()
    ((field, _, _),) = compare(answer(near), answer(far))
    assert field == "depth"


def test_identities_are_compared_field_by_field():
    found = list(differences({"model": {"a": 1}, "seed": 0, "x": 1}, {"model": {"a": 2}, "seed": 0}))
    assert found == ["model.a was 1, is 2", "x was 1, is null"]
    assert [verification._aspect(change) for change in found] == ["model", "settings"]
