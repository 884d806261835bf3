"""A model behind a server, through the command line: requests, kept replies, costs, failures, and what is refused."""

import base64
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.schema import ImageRef, Query
from tasks.base import LoadOptions
from tasks.models import openai_api
from tasks.models.openai_api_store import pace

KEY = "sk-secret-123"


@pytest.fixture
def server(chat, monkeypatch, tmp_path):
    """The server, with the environment that leads to it and a cache of its own."""
    for name, value in {"OPENAI_BASE_URL": chat.address, "OPENAI_API_KEY": KEY, "REFBENCH_API_TRIES": "2",
                        "REFBENCH_API_PRICES": "2,10", "REFBENCH_CACHE": str(tmp_path / "cache")}.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    chat.key = KEY
    return chat


@pytest.fixture
def pope(refbench, server, small_world, tmp_path):
    """Run six questions of POPE."""

    def run(*words, limit=6, out="runs"):
        asked = ("eval", "--task", "pope", "--split", "adversarial", "--limit", limit, "--data-root", small_world)
        return refbench(*asked, "--model", "openai-api:toy", "--out", tmp_path / out, *words, "--json")

    return run


@pytest.fixture
def query(tmp_path):
    """One question about a photo with noise in it."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 31, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return Query("one", ImageRef(tmp_path / "photo.png", (20, 31)), "", "Is it red?", "text", seed=7), pixels


def run_json(tmp_path, out="runs"):
    (path,) = (tmp_path / out).rglob("run.json")
    return json.loads(path.read_text())


def test_a_request_holds_the_photo_at_its_size_and_every_setting(server, query):
    asked, pixels = query
    (answer,) = openai_api.load("toy", LoadOptions()).predict([asked])
    assert (answer.status, answer.text, answer.prompt) == ("ok", "yes", "Is it red?")
    (body,) = server.asked
    image, text = body["messages"][0]["content"]
    assert text == {"type": "text", "text": "Is it red?"}
    head, data = image["image_url"]["url"].split(",")
    assert head == "data:image/png;base64"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(base64.b64decode(data)))), pixels)
    settings = {key: value for key, value in body.items() if key != "messages"}
    assert settings == {"model": "toy", "temperature": 0, "seed": 7, "max_tokens": 512}


def test_arguments_change_the_request_and_the_fingerprint(server, query):
    plain = openai_api.load("toy", LoadOptions())
    told = LoadOptions(args=(("image", "jpeg"), ("limit", "max_completion_tokens"), ("sampling", "server")))
    other = openai_api.load("toy", told)
    other.predict([query[0]])
    body = server.asked[0]
    assert body["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert (body["max_completion_tokens"], "temperature" in body) == (512, False)
    assert plain.fingerprint() == openai_api.fingerprint("toy", LoadOptions()) != other.fingerprint()


def test_requests_of_a_batch_are_under_way_together(server, query):
    server.crowd = 4
    model = openai_api.load("toy", LoadOptions())
    server.say = lambda body: body["messages"][0]["content"][1]["text"].upper()
    asked = [replace(query[0], sample_id=str(number), prompt=f"word {number}") for number in range(4)]
    assert [answer.text for answer in model.predict(asked)] == [f"WORD {number}" for number in range(4)]


def test_a_run_counts_what_it_cost_and_repeating_it_costs_nothing(pope, server, tmp_path):
    row = pope().json["rows"][0]
    assert (row["model"], row["n"], row["failed"], row["metrics"]["yes_ratio"]) == ("openai-api:toy", 6, 0, 1.0)
    first = run_json(tmp_path)["usage"]
    assert first == {
        "samples": 6, "prompt_tokens": 600, "completion_tokens": 42, "requests": 6,
        "cost": pytest.approx(6 * (100 * 2 + 7 * 10) / 1e6), "reused": 0,
        "finish_reasons": {"stop": 6}, "answered_by": {"toy-1": 6},
    }  # fmt: skip
    assert pope("--fresh").code == 0
    again = run_json(tmp_path)["usage"]
    assert (len(server.asked), again["requests"], again["reused"], again["cost"]) == (6, 0, 6, 0)
    assert pope("--fresh", limit=8).json["rows"][0]["n"] == 8
    assert len(server.asked) == 8


def test_kept_replies_are_not_used_when_told_and_suffice_without_a_server(pope, server):
    assert pope(out="a").code == 0
    assert pope("--model-arg", "cache=off", out="b").code == 0
    assert len(server.asked) == 12
    server.models = []
    kept = pope("--model-arg", "cache=only", "--offline", out="c")
    assert (kept.json["rows"][0]["failed"], len(server.asked)) == (0, 12)
    more = pope("--model-arg", "cache=only", limit=8, out="d")
    assert (more.code, more.json["rows"][0]["failed"], len(server.asked)) == (3, 2, 12)


def test_one_refused_sample_fails_alone_with_its_reason(pope, server, tmp_path):
    server.moods = [("status", 400, {}, f"image too large for {KEY}", None)]
    outcome = pope()
    assert (outcome.code, outcome.json["rows"][0]["failed"], len(server.asked)) == (3, 1, 6)
    (path,) = (tmp_path / "runs").rglob("predictions.jsonl")
    assert "the server answered 400 image too large" in path.read_text()
    server.moods = []
    assert pope("--retry-failed").json["rows"][0]["failed"] == 0
    assert len(server.asked) == 7


def test_a_reply_without_text_is_unparsable_and_one_cut_off_is_counted(pope, server, tmp_path):
    server.moods = [("length",)]
    server.say = lambda body: None if len(server.asked) > 5 else "yes"
    row = pope("--batch-size", "1").json["rows"][0]
    assert (row["unparsable"], row["failed"]) == (1, 0)
    assert run_json(tmp_path)["usage"]["finish_reasons"] == {"length": 1, "stop": 5}
    lines = [json.loads(line) for line in next((tmp_path / "runs").rglob("usage.jsonl")).read_text().splitlines()]
    assert [line["finish_reason"] for line in lines].count("length") == 1


def test_neither_key_nor_address_is_written_anywhere(pope, server, tmp_path):
    server.moods = [("status", 401, {}, f"Bearer {KEY} is wrong", None), ("length",)]
    outcome = pope()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "cache" not in path.parts)
    assert b"openai-api:toy" in kept
    for secret in (KEY, "127.0.0.1"):
        assert secret.encode() not in kept
        assert secret not in outcome.out + outcome.err


@pytest.mark.slow
def test_a_run_in_two_processes_is_the_same_run(pope, server):
    assert pope("--num-processes", "2").json["rows"][0]["metrics"]["yes_ratio"] == 1.0
    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda server: setattr(server, "models", ["toys"]), "did you mean toys"),
        (lambda server: setattr(server, "key", "other"), "the server answered 401 wrong key Bearer …: mend"),
    ],
)
def test_a_server_that_cannot_serve_is_told_before_anything_is_written(pope, server, tmp_path, change, complaint):
    change(server)
    outcome = pope()
    assert outcome.code == 2
    assert complaint in outcome.err
    assert not list((tmp_path / "runs").rglob("run.json"))


def test_a_server_without_a_list_of_models_is_taken_at_its_word(pope, server):
    server.models = None
    assert pope().code == 0


def test_without_an_address_it_says_which_variable_to_set(pope, monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL")
    outcome = pope()
    assert outcome.code == 2
    assert "OPENAI_BASE_URL is not set" in outcome.err


@pytest.mark.parametrize("by_variable", [False, True])
def test_offline_refuses_it(pope, server, monkeypatch, by_variable):
    if by_variable:
        monkeypatch.setenv("REFBENCH_OFFLINE", "1")
    outcome = pope(*() if by_variable else ("--offline",))
    assert outcome.code == 2
    assert "model openai-api:toy asks a server, and --offline forbids every network" in outcome.err
    assert not server.asked


def test_the_pace_books_moments_one_after_the_other_for_all_processes(tmp_path):
    one, other = (pace(tmp_path / "pace", 60.0) for _ in range(2))
    waits = [book() for book in (one, other, one)]
    assert waits[0] == 0
    assert 0 < waits[1] <= 1 < waits[2] <= 2  # a second apart, less what the calls took
    (tmp_path / "pace").write_text("broken")
    assert one() == 0
    assert pace(tmp_path / "none", None)() == 0
