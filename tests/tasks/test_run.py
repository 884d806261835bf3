import json
import subprocess
import sys
from dataclasses import replace

import pytest

from benchmarks.errors import ConfigError, DataError, ModelError
from tasks import predictions
from tasks.allowance import Allowance
from tasks.models import registry
from tasks.models.pool import ModelPool
from tasks.run import TooManyFailures


def test_a_batch_that_raises_is_asked_one_by_one_and_only_the_bad_sample_fails(go, toy, tmp_path):
    model = toy.Steady()
    answer = model.predict

    def predict(queries):
        if any(query.sample_id == "toy/test/4" for query in queries):
            raise RuntimeError(f"cannot read {queries[0].image.path} into <buffer at 0x7f00>")
        return answer(queries)

    model.predict = predict
    record = go(model=model)
    assert (record.n, record.failed, record.missing) == (10, 1, 0)
    kept = {p.sample_id: p for p in predictions.read(toy.folder_of(tmp_path / "runs") / "predictions.jsonl")}
    assert kept["toy/test/4"].error == "RuntimeError: cannot read 2.png into <buffer at 0x…>"
    assert [id for id, each in kept.items() if each.status == "failed"] == ["toy/test/4"]
    assert ["toy/test/3"] in model.asked and ["toy/test/5"] in model.asked


def test_a_photo_that_cannot_be_decoded_fails_its_own_samples(go, toy, tmp_path):
    class Looks(toy.Steady):
        def predict(self, queries):
            for query in queries:
                query.image.open_rgb()
            return super().predict(queries)

    split = toy.make_split(tmp_path)
    (tmp_path / "1.png").write_bytes((tmp_path / "1.png").read_bytes()[:40])
    record = go(model=Looks(), split=split)
    assert record.failed == 2
    kept = predictions.read(toy.folder_of(tmp_path / "runs") / "predictions.jsonl")
    assert [each.sample_id for each in kept if each.status == "failed"] == ["toy/test/2", "toy/test/3"]
    assert str(tmp_path) not in kept[2].error
    assert "1.png cannot be decoded" in kept[2].error


def test_failures_cost_their_share_of_the_score(go, toy):
    class Half(type(registry.find("oracle").load(None))):
        def predict(self, queries):
            if any(int(query.sample_id.split("/")[-1]) % 2 for query in queries):
                raise ValueError("odd")
            return super().predict(queries)

    record = go(entry=toy.make_entry(Half(), sees_truth=True))
    assert record.metrics["acc@0.5"] == 0.5
    assert record.slices["kind"]["even"].metrics["acc@0.5"] == 1
    assert record.slices["kind"]["odd"].metrics["acc@0.5"] == 0
    assert record.parse_rate == 0.5


@pytest.mark.parametrize("kind", ["rec", "res"])
def test_the_oracle_is_perfect_and_the_constant_is_not(go, kind):
    perfect = go(entry=registry.find("oracle"), task=kind)
    blind = go(entry=registry.find("constant"), task=kind)
    assert set(perfect.metrics.values()) == {1.0}
    assert all(pair == (1.0, 1.0) for pair in perfect.intervals.values())
    assert blind.metrics[blind.headline] < 1
    assert blind.failed == 0


def test_a_query_carries_no_target(go, toy):
    seen = []

    class Curious(toy.Steady):
        def predict(self, queries):
            seen.extend(queries)
            return super().predict(queries)

    go(model=Curious(), limit=1)
    shared = {"categories", "frames", "max_new_tokens", "regime", "seed"}
    fields = {name for name in dir(seen[0]) if not name.startswith("_")}
    assert fields == {"sample_id", "image", "question", "prompt", "wants", "regions", *shared}
    assert seen[0].prompt == f"Locate {seen[0].question} with a box."


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda answers: answers[:-1], "2 predictions for 3 queries"),
        (lambda answers: [*answers, answers[0]], "4 predictions for 3 queries"),
        (lambda answers: [answers[0], answers[0], answers[2]], "'toy/test/0' where 'toy/test/1' was asked"),
        (lambda answers: answers[::-1], "'toy/test/2' where 'toy/test/0' was asked"),
        (lambda answers: None, "must return a list of Prediction"),
    ],
)
def test_a_model_that_breaks_its_contract_is_named(go, toy, spoil, text):
    class Wrong(toy.Steady):
        def predict(self, queries):
            return spoil(super().predict(queries))

    with pytest.raises(ModelError, match=f"model toy .*{text}"):
        go(model=Wrong())


def test_a_model_that_cannot_be_loaded_leaves_nothing_behind(go, toy, tmp_path):
    def load(options):
        raise ModelError("weights are of another shape")

    with pytest.raises(ModelError, match="another shape"):
        go(entry=toy.make_entry(None, load=load, fingerprint=lambda options: "x"))
    assert not (tmp_path / "runs").exists()


def test_a_model_that_cannot_answer_in_the_unit_is_refused(go, toy):
    with pytest.raises(ModelError, match=r"model toy answers with mask, but task toy_rec needs box"):
        go(entry=toy.make_entry(toy.Steady(), units=("mask",)))


@pytest.mark.parametrize("options", [{"limit": 0}, {"batch_size": 0}])
def test_options_without_sense_are_refused(go, options):
    with pytest.raises(ConfigError, match="give 1 or more"):
        go(**options)


def test_a_split_that_is_empty_or_repeats_an_id_is_refused(go, toy, tmp_path):
    split = toy.make_split(tmp_path)
    with pytest.raises(DataError, match="holds no sample"):
        go(split=replace(split, samples=()))
    with pytest.raises(DataError, match="same id"):
        go(split=replace(split, samples=split.samples + split.samples[:1]))


def test_counts_say_what_the_numbers_cover(go, toy, tmp_path):
    assert go().whole is None
    assert (go(limit=4).n, go(limit=4).whole) == (4, 10)
    short = go(split=toy.make_split(tmp_path, expected=12, origin="official"))
    assert (short.n, short.whole, short.data) == (10, 12, "official")


def test_what_lasts_holds_no_time_no_path_and_no_fact_about_the_machine(go, toy, tmp_path):
    go()
    run = toy.folder_of(tmp_path / "runs")
    for name in ("result.json", "predictions.jsonl"):
        text = (run / name).read_text()
        assert str(tmp_path) not in text
        assert not {"seconds", "started", "ended", "host", "python", "cpus"} & set(_keys(text.splitlines(), name))
    assert len((run / "timings.jsonl").read_text().splitlines()) == 10


def _keys(lines, name):
    """Every key at any depth of a JSON file, or of its lines."""
    pending = [json.loads(line) for line in lines] if name.endswith("l") else [json.loads("\n".join(lines))]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            yield from value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def test_run_json_says_how_to_repeat_the_run_and_keeps_secrets_out(go, toy, tmp_path, monkeypatch):
    monkeypatch.setenv("TOY_SECRET", "hunter2")
    go(command=("refbench", "eval", "--api-key", "hunter2", "--hf-token=hunter2", "--task", "toy_rec"))
    text = (toy.folder_of(tmp_path / "runs") / "run.json").read_text()
    run = json.loads(text)
    assert "hunter2" not in text
    assert run["command"] == ["refbench", "eval", "--api-key", "***", "--hf-token=***", "--task", "toy_rec"]
    assert run["state"] == "done"
    assert run["identity"]["model"] == {"name": "toy", "fingerprint": "steady"}
    assert run["identity"]["split"]["data"] == "f00d"
    assert {"packages", "python", "host", "git", "started", "ended"} <= set(run)


def test_a_model_is_loaded_once_for_several_runs(go, toy):
    loads = []

    def load(options):
        loads.append(options)
        return toy.Steady()

    pool, entry = ModelPool(), toy.make_entry(None, load=load)
    go(entry=entry, pool=pool)
    go(entry=entry, pool=pool, task="res")
    assert len(loads) == 1


def test_everything_but_a_torch_model_works_without_torch(toy, tmp_path):
    program = "import runpy, sys; sys.modules['torch'] = None; runpy.run_path(sys.argv[0], run_name='__main__')"
    program = f"import sys; sys.argv = sys.argv[1:]; {program}"
    command = [sys.executable, "-c", program, str(toy.path), str(tmp_path), str(tmp_path / "runs"), "never"]
    subprocess.run(command, check=True, capture_output=True)
    assert (toy.folder_of(tmp_path / "runs") / "result.json").is_file()


class Odd:
    """Fails on every odd sample, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def predict(self, queries):
        self.asked += [query.sample_id for query in queries]
        for query in queries:
            if int(query.sample_id.split("/")[-1]) % 2:
                raise ValueError(f"{query.sample_id} is odd")
        return [predictions.Prediction(query.sample_id, "ok") for query in queries]

    def fingerprint(self):
        return "odd"


def test_the_record_says_why_samples_failed(go):
    (failure,) = go(model=Odd()).failures
    assert (failure.status, failure.n) == ("failed", 5)
    assert failure.reason == "ValueError: toy/test/N is odd"
    assert failure.examples == ("toy/test/1", "toy/test/3", "toy/test/5")


def test_a_run_stops_when_more_failed_than_allowed_and_goes_on_with_a_larger_allowance(go):
    model = Odd()
    with pytest.raises(TooManyFailures, match=r"3 of 10 samples failed and --max-failures allows 20%.*goes on"):
        go(model=model, max_failures=Allowance.read("20%"))
    assert "toy/test/6" not in model.asked
    record = go(model=model, max_failures=Allowance(5))
    assert record.failed == 5
    assert model.asked.count("toy/test/0") == 2  # with its batch, then alone
