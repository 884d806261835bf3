"""Answers that are followed while they are written: the same ones, bit by bit, and stopped on demand."""

import pytest

from benchmarks.schema import Prediction
from tasks import registry
from tasks.aloud import Aloud
from tasks.base import LoadOptions
from tasks.data import Data
from tasks.models import refvlm
from tasks.plan import open_split
from tasks.prompts import render


@pytest.fixture(scope="module")
def model():
    return refvlm.load(LoadOptions())


def query(task_name, root):
    task = registry.find(task_name)
    sample = open_split(task, "val", Data(root, "sample")).samples[0]
    return sample.query(render(task.prompt, sample.question, sample.categories), task.kind.wants)


@pytest.mark.parametrize("task", ["refcocog_res", "vqav2"])
def test_an_answer_that_is_followed_is_the_one_that_is_not(model, small_world, task):
    asked = query(task, small_world)
    heard = []
    aloud = Aloud(model, lambda text: heard.append(text) or True)
    [followed], [plain] = aloud.predict([asked]), model.predict([asked])
    assert aloud.can_follow
    assert followed.text == plain.text
    assert [(g.phrase, g.unit) for g in followed.groups] == [(g.phrase, g.unit) for g in plain.groups]
    assert followed.masks() == plain.masks()
    assert heard == sorted(heard, key=len) and len(heard) > 3 and all(aloud.heard.startswith(text) for text in heard)
    assert plain.text in aloud.heard
    assert not aloud.is_stopped


def test_whoever_listens_can_stop_an_answer(model, small_world):
    heard = []
    aloud = Aloud(model, lambda text: heard.append(text) or len(heard) < 4)
    [cut] = aloud.predict([query("refcocog_res", small_world)])
    assert (len(heard), aloud.is_stopped, cut.status) == (4, True, "parse_error")
    assert "cut after" in cut.error


def test_a_model_that_cannot_be_followed_answers_in_one_piece(small_world):
    class Silent:
        def predict(self, queries):
            return [Prediction(each.sample_id, "ok", "yes") for each in queries]

        def fingerprint(self):
            return "silent"

    aloud = Aloud(Silent(), lambda text: pytest.fail("nothing can be heard"))
    [answer] = aloud.predict([query("vqav2", small_world)])
    assert (aloud.can_follow, aloud.heard, answer.text, aloud.fingerprint()) == (False, "", "yes", "silent")
