"""A model behind a server, through the command line: requests, kept replies, costs, failures, and what is refused."""

import base64
import hashlib
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from benchmarks.schema import ImageRef, Query, Region
from tasks import eye_chart, strict_yaml
from tasks.base import LoadOptions
from tasks.models import box_text, openai_api
from tasks.models.coordinates import Convention, Picture, step
from tasks.models.families import PRESETS, presets
from tasks.models.openai_api_preset import ServerPreset
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
def speaking(server, tmp_path):
    """Let the server find what doctor's pictures and a task ask for, and say it in a convention; returns the charts."""
    charts = list(eye_chart.charts(tmp_path, 12))
    truth = {pixels(query.image.open_rgb()): (box, query.image.size_hw) for query, box in charts}

    def speak(convention):
        def say(body):
            image = body["messages"][0]["content"][0]
            sent = Image.open(io.BytesIO(base64.b64decode(image["image_url"]["url"].partition(",")[2])))
            box, size_hw = truth[pixels(sent)]
            return f"Sure. {box_text.write(box, convention, Picture(size_hw))}"

        server.say = say
        return charts

    return speak


def pixels(image):
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()


def declare(tmp_path, **fields):
    """Write a preset of one's own; returns its path."""
    path = tmp_path / "mine.yaml"
    path.write_text(json.dumps({"model": "toy", "prompts": {"box": "Where is {question}?"}, **fields}))
    return path


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


@pytest.mark.parametrize(
    "convention",
    [
        Convention(space="unit", digits=4), Convention(space="0-1000", form="json"),
        Convention(space="0-999", order="yxyx"), Convention(space="pixel_orig", order="xywh", form="box_tags"),
    ],
    ids=Convention.words,
)  # fmt: skip
def test_boxes_are_read_as_declared_and_perfect_ones_are_perfect(speaking, tmp_path, convention):
    entry = openai_api.of_reference(str(declare(tmp_path, convention=convention.model_dump())))
    assert (entry.name, entry.units, entry.regions) == ("openai-api:mine", ("text", "box"), False)
    charts = speaking(convention)
    answers = entry.load(LoadOptions()).predict([query for query, _ in charts])
    assert answers[0].prompt == f"Where is {charts[0][0].question}?"
    for answer, (query, box) in zip(answers, charts, strict=True):
        assert answer.status == "ok", answer.error
        slack = max(step(convention, Picture(query.image.size_hw)))  # of spoken numbers, which are rounded
        assert answer.boxes() == [pytest.approx(box, abs=2 * slack)]
        assert answer.usage["requests"] == 1


def test_boxes_of_another_space_are_contract_errors_and_no_silent_zeros(speaking, tmp_path):
    model = openai_api.load(str(declare(tmp_path, convention={"space": "unit"})), LoadOptions())
    charts = speaking(Convention(space="pixel_orig"))
    answers = model.predict([query for query, _ in charts])
    assert {answer.status for answer in answers} == {"parse_error"}
    assert all("outside 0 to 1: boxes are declared as unit xyxy" in answer.error for answer in answers)
    assert not any(answer.groups for answer in answers)


def test_doctor_agrees_with_a_right_declaration_and_finds_a_wrong_one(refbench, speaking, tmp_path):
    speaking(Convention(space="0-1000", order="yxyx"))
    right = declare(tmp_path, convention={"space": "0-1000", "order": "yxyx"})
    outcome = refbench("doctor", "--model", f"openai-api:{right}", "--images", 12)
    assert (outcome.code, outcome.out.splitlines()[-1]) == (
        0, "openai-api:mine: agrees: boxes are 0-1000 yxyx, as declared (confidence 1.00)",
    )  # fmt: skip
    wrong = declare(tmp_path, convention={"space": "pixel_orig"})
    found = refbench("doctor", "--model", f"openai-api:{wrong}", "--images", 12, "--json")
    assert (found.code, found.json["verdict"]) == (1, "differs")
    assert found.json["spoken"]["order"] == "yxyx"


def test_a_run_counts_answers_that_break_the_contract_and_truncated_ones(refbench, server, small_world, tmp_path):
    boxes = iter(["[0.1, 0.1, 0.5, 0.5]", "[10, 10, 60, 60]", "[0.1, 0.1, 0.5", "I see nothing"])
    server.say, server.moods = lambda body: next(boxes), [("",), ("",), ("length",)]
    preset = declare(tmp_path, convention={"space": "unit"})
    words = ("--task", "refcocog_rec", "--split", "val", "--limit", 4, "--batch-size", 1, "--max-failures", "100%")
    outcome = refbench("eval", *words, "--model", f"openai-api:{preset}", "--data-root", small_world, "--json")
    [row] = outcome.json["rows"]
    assert (row["n"], row["failed"], row["unparsable"]) == (4, 0, 3)


def test_a_preset_says_in_words_which_box_is_asked_about(server, query):
    name = "OpenGVLab/InternVL3-8B"
    server.models = [name]
    entry = openai_api.of_reference(name)
    assert (entry.units, entry.regions, entry.licence) == (("text", "box"), True, "Apache-2.0")
    asked = replace(query[0], question="", regions=(Region("box", box_xyxy=(0.0, 0.0, 15.5, 10.0)),))
    entry.load(LoadOptions()).predict([asked])
    [body] = server.asked
    assert body["model"] == name
    assert body["messages"][0]["content"][1]["text"] == (
        "Please provide a short description for this region: <box>[[0, 0, 500, 500]]</box>"
    )
    assert "not as points" in entry.refuse(replace(asked, regions=(Region("point", points_xy=((1.0, 1.0),)),)), ())


def test_a_picture_is_sent_at_the_size_that_its_boxes_are_about(server, query, tmp_path):
    declared = declare(tmp_path, convention={"space": "pixel_resized"}, multiple=28, most_pixels=1000)
    server.say = lambda body: "[0, 14, 28, 28]"
    [answer] = openai_api.load(str(declared), LoadOptions()).predict([replace(query[0], wants="box", question="it")])
    url = server.asked[0]["messages"][0]["content"][0]["image_url"]["url"]
    assert Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).size == (28, 28)
    assert answer.boxes() == [(0.0, 10.0, 31.0, 20.0)]
    preset = ServerPreset(model="toy", multiple=28, most_pixels=1_003_520)
    assert preset.sent_hw((480, 640)) == (476, 616)
    assert preset.sent_hw((3000, 4000)) == (840, 1148)


@pytest.mark.parametrize("name", presets("openai-api"))
def test_every_preset_declares_its_boxes_and_where_they_come_from(name):
    preset = strict_yaml.read(PRESETS / "openai-api" / f"{name}.yaml", ServerPreset)
    assert preset.units() == ("text", "box")
    assert preset.licence
    assert preset.source
    assert bool(preset.multiple) == (preset.convention.space == "pixel_resized")


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
