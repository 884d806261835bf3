"""The models of the demo: which can be chosen, and which need the truth of a sample."""

import pytest

from benchmarks.errors import ConfigError, ModelError, UnknownName
from tasks import registry
from tasks.base import LoadOptions, ModelEntry
from tasks.data import Data
from tasks.demo.bench import KEPT, Bench, Truth
from tasks.plan import open_split


def bench(*names, offline=False):
    return Bench(names, LoadOptions(), None, offline)


@pytest.fixture
def truth(small_world):
    task = registry.find("refcocog_rec")
    split = open_split(task, "test", Data(small_world, "sample"))
    return Truth(task, split, split.samples[0])


def test_every_model_can_be_chosen_that_is_no_family_and_no_file():
    names = bench().names
    assert names[0] == "refvlm" and {"oracle", "floor", "constant"} <= set(names)
    assert not {"hf-depth", "u-llava", "predictions"} & set(names)


def test_without_the_network_models_that_ask_a_server_are_left_out_or_refused():
    assert not any(each.network for each in bench(offline=True).entries.values())
    with pytest.raises(ModelError, match="--offline forbids"):
        bench("openai-api:local", offline=True)


@pytest.mark.parametrize(
    ("name", "kind", "reason"),
    [
        ("refvml", UnknownName, "refvlm"),
        ("hf-depth", ConfigError, "is a family"),
    ],
)
def test_what_cannot_be_offered_is_refused_at_the_start(name, kind, reason):
    with pytest.raises(kind, match=reason):
        bench(name)


def test_a_file_of_answers_cannot_be_asked(tmp_path):
    (file := tmp_path / "predictions.jsonl").write_text('{"sample_id": "a", "status": "ok"}\n')
    with pytest.raises(ModelError, match="answers no questions"):
        bench(f"predictions:{file}")


@pytest.mark.parametrize("name", ["oracle", "floor"])
def test_models_that_need_a_sample_answer_samples_only(name, truth):
    own = bench(name)
    query = truth.sample.query("where?", "box")
    [answer] = own.load(name, truth).predict([query])
    assert len(answer.boxes()) == 1
    if name == "oracle":
        assert answer.boxes()[0] == pytest.approx(truth.sample.target.box_xyxy)
    with pytest.raises(ModelError, match="answers samples of a benchmark only"):
        own.load(name, None)


def test_the_models_that_were_asked_last_stay_in_memory():
    own, loaded = bench("constant"), []

    def entry(name):
        return ModelEntry(name=name, kind="toy", units=("text",), load=lambda _: loaded.append(name) or object())

    own.entries = {name: entry(name) for name in "abc"}
    assert KEPT == 2
    first = own.load("a", None)
    own.load("b", None)
    assert own.load("a", None) is first
    own.load("c", None)
    assert own.load("a", None) is first
    assert loaded == ["a", "b", "c"]
    own.load("b", None)
    assert loaded == ["a", "b", "c", "b"]
