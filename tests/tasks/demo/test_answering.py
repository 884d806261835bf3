"""Questions answered in a thread: bit by bit, one at a time, stopped on demand and when nobody listens."""

import threading

import pytest
from PIL import Image

from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Prediction
from tasks.base import LoadOptions, ModelEntry
from tasks.demo import answering
from tasks.demo.answering import Counter, Ticket, asking
from tasks.demo.bench import Bench
from tasks.demo.scenes import Scene
from tasks.demo.ways import FREE, ways


class Talker:
    """Says letters one by one, each when it is let; remembers whether it was stopped."""

    def __init__(self, letters="abc"):
        self.letters, self.turn, self.ended = letters, threading.Semaphore(0), threading.Event()
        self.said = ""

    def predict_aloud(self, query, hear):
        for letter in self.letters:
            assert self.turn.acquire(timeout=20)
            self.said += letter
            if not hear(self.said):
                break
        self.ended.set()
        return Prediction(query.sample_id, "ok", self.said)

    def predict(self, queries):
        raise AssertionError("it can be followed")

    def fingerprint(self):
        return "talker"


@pytest.fixture
def counter(monkeypatch):
    """A counter whose models are those that are handed in by name."""

    def build(**models):
        bench = Bench(["constant"], LoadOptions(), None, False)
        bench.entries = {
            name: ModelEntry(name=name, kind="toy", units=("text",), load=lambda options, each=each: _load(each))
            for name, each in models.items()
        }
        return Counter(bench)

    return build


def _load(model):
    if isinstance(model, Exception):
        raise model
    return model


@pytest.fixture
def asked(tmp_path):
    Image.new("RGB", (20, 10)).save(tmp_path / "photo.png")
    scene = Scene(ImageRef(tmp_path / "photo.png", (10, 20)), "photo")
    return lambda *models: asking(scene, ways()[FREE], "what is it?", (), models)


def stages(progress):
    return [state.stage for state in progress]


def test_an_answer_is_told_bit_by_bit(counter, asked):
    model, seen = Talker(), []
    model.turn.release()
    for [state] in counter(a=model).answer(asked("a"), Ticket()):
        if state.raw and state.raw not in seen:
            seen.append(state.raw)
            model.turn.release()
    assert seen == ["a", "ab", "abc"]
    assert (state.stage, state.answered.prediction.text, state.query.prompt) == ("done", "abc", "what is it?")


def test_two_models_answer_the_same_question_in_turn(counter, asked):
    models = {"a": Talker("x"), "b": Talker("y")}
    for model in models.values():
        model.turn.release()
    *_, last = counter(**models).answer(asked("a", "b"), Ticket())
    assert [(each.model, each.stage, each.raw) for each in last] == [("a", "done", "x"), ("b", "done", "y")]
    assert last[0].query == last[1].query


def test_a_stop_ends_the_answer_and_the_model(counter, asked):
    model, ticket = Talker("abcdef"), Ticket()
    model.turn.release()
    for [state] in counter(a=model).answer(asked("a"), ticket):
        if state.raw == "a":
            ticket.stopped.set()
            model.turn.release()
    assert state.stage == "stopped"
    assert model.ended.wait(20)
    assert model.said in ("a", "ab")


def test_who_goes_away_stops_the_model(counter, asked):
    model, ticket = Talker("abcdef"), Ticket()
    model.turn.release()
    answers = counter(a=model).answer(asked("a"), ticket)
    for [state] in answers:
        if state.raw:
            break
    answers.close()
    assert ticket.stopped.is_set()
    model.turn.release()
    assert model.ended.wait(20)
    assert model.said == "ab"


def test_an_answer_that_nobody_fetches_is_given_up(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(answering, "monotonic", lambda: now[0])
    ticket = Ticket(listened=100.0)
    now[0] = 109.0
    assert ticket.is_wanted
    now[0] = 111.0
    assert not ticket.is_wanted
    ticket.listen()
    assert ticket.is_wanted


def test_a_question_that_was_stopped_while_it_waited_never_reaches_the_model(counter, asked):
    ticket = Ticket()
    ticket.stopped.set()
    *_, [state] = counter(a=Talker()).answer(asked("a"), ticket)
    assert (state.stage, state.answered) == ("stopped", None)


def test_a_model_that_cannot_be_loaded_says_why(counter, asked):
    *_, [state] = counter(a=ModelError("no weights: fetch them")).answer(asked("a"), Ticket())
    assert (state.stage, state.reason) == ("refused", "no weights: fetch them")


def test_a_model_that_raises_fails_with_the_reason(counter, asked):
    class Broken(Talker):
        def predict_aloud(self, query, hear):
            raise ValueError("it broke")

    *_, [state] = counter(a=Broken()).answer(asked("a"), Ticket())
    assert (state.stage, state.answered.prediction.status) == ("done", "failed")
    assert "it broke" in state.answered.prediction.error


def test_a_model_that_answers_nothing_is_refused(counter, asked):
    class Mute:
        def predict(self, queries):
            return []

        def fingerprint(self):
            return ""

    *_, [state] = counter(a=Mute()).answer(asked("a"), Ticket())
    assert state.stage == "refused"
    assert "returned 0 predictions for 1 queries" in state.reason
