"""One question to one or two models, answered in a thread: told bit by bit, stopped on demand, or when nobody listens.

A model works for one question at a time, whoever asks. Nothing here knows the page.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from time import monotonic, perf_counter

from benchmarks.errors import ConfigError, DataError, ModelError, UnknownName
from benchmarks.schema import Query, Region
from refvlm.answers import Answer
from tasks import one_answer
from tasks.aloud import Aloud
from tasks.demo.bench import Bench, Truth
from tasks.demo.scenes import Scene
from tasks.demo.ways import Way, put, with_task
from tasks.one_answer import Answered, Question
from tasks.overlays import MAPS
from tasks.redaction import scrub

MISTAKES = (ConfigError, DataError, ModelError, UnknownName)
_STEP_S = 0.1
_ALONE_S = 10.0
"""Without a listener for so long, an answer is given up."""


@dataclass
class Ticket:
    """What stops one question; its owner may do so at any time."""

    stopped: threading.Event = field(default_factory=threading.Event)
    listened: float = field(default_factory=monotonic)

    def listen(self) -> None:
        """Say that somebody still waits."""
        self.listened = monotonic()

    @property
    def is_wanted(self) -> bool:
        """Whether somebody still waits for the answer."""
        return not self.stopped.is_set() and monotonic() - self.listened < _ALONE_S


@dataclass(frozen=True)
class Asking:
    """What is asked of some models.

    Attributes:
        scene: the picture, and the sample that it is of.
        way: how it is put.
        question: what is asked, with what was drawn.
        models: their names, one or two.
    """

    scene: Scene
    way: Way
    question: Question
    models: tuple[str, ...]

    @property
    def truth(self) -> Truth | None:
        """The truth, where a sample is asked as its benchmark asks it."""
        return self.scene.truth_of(self.way.task, self.question.words, self.question.regions)


@dataclass(frozen=True)
class Progress:
    """How far one model is.

    Attributes:
        model: its name.
        stage: "waiting", "loading", "answering", "done", "stopped" or "refused".
        raw: what it wrote so far.
        seconds: since it was asked, or that it took.
        load_s: that loading took.
        sent: what it was given, in one line.
        query: what it was given.
        answered: its answer, when it is done.
        reason: why it was refused.
        truth: of the sample that was asked.
        is_map: whether masks of the answer divide the picture.
    """

    model: str
    stage: str = "waiting"
    raw: str = ""
    seconds: float = 0.0
    load_s: float = 0.0
    sent: str = ""
    query: Query | None = None
    answered: Answered | None = None
    reason: str = ""
    truth: Truth | None = None
    is_map: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes."""
        return self.stage in ("done", "stopped", "refused")

    @property
    def reading(self) -> Answer | None:
        """The raw answer by the grammar of the reference model; None where it is not written in it."""
        return one_answer.reading_of(self.raw)


def asking(scene: Scene, way: Way, words: str, regions: tuple[Region, ...], models: Sequence[str]) -> Asking:
    """Join a picture, a way to ask and what somebody typed and drew; a sample's own task puts it in its own words."""
    own = with_task(way, None if scene.truth is None else scene.truth.task)
    categories = _categories(scene, own)
    return Asking(scene, own, Question(scene.image, words, None, regions, categories, scene.sample_id), tuple(models))


class Counter:
    """Where questions are answered, one after the other."""

    def __init__(self, bench: Bench) -> None:
        """Open the counter for the models of a bench."""
        self._bench, self._busy = bench, threading.Lock()

    def answer(self, asked: Asking, ticket: Ticket) -> Iterator[tuple[Progress, ...]]:
        """Answer a question by all its models in turn.

        Args:
            asked: the question.
            ticket: what stops it.

        Yields:
            How far every model is, whenever something has changed.
        """
        states = [self._first(asked, name) for name in asked.models]
        yield tuple(states)
        try:
            for place, name in enumerate(asked.models):
                for state in self._follow(asked, name, ticket):
                    states[place] = state
                    yield tuple(states)
        finally:
            ticket.stopped.set()

    @staticmethod
    def _first(asked: Asking, name: str) -> Progress:
        task = asked.way.task
        return Progress(name, truth=asked.truth, is_map=task is not None and task.kind.name in MAPS)

    def _follow(self, asked: Asking, name: str, ticket: Ticket) -> Iterator[Progress]:
        told: SimpleQueue[Progress] = SimpleQueue()
        threading.Thread(target=self._work, args=(asked, name, ticket, told), daemon=True).start()
        last = self._first(asked, name)
        while not last.is_over:
            ticket.listen()
            try:
                last = told.get(timeout=_STEP_S)
                while not last.is_over:  # only the newest is of interest
                    last = told.get_nowait()
            except Empty:
                pass
            if ticket.stopped.is_set() and not last.is_over:
                last = replace(last, stage="stopped")
            yield last

    def _work(self, asked: Asking, name: str, ticket: Ticket, told: "SimpleQueue[Progress]") -> None:
        state = self._first(asked, name)
        try:
            with self._busy:
                told.put(self._answer(asked, state, ticket, told))
        except MISTAKES as error:
            told.put(replace(state, stage="refused", reason=scrub(str(error))))
        except Exception as error:  # the page must hear of a bug of ours, or it waits for ever
            told.put(replace(state, stage="refused", reason=f"this should not happen: {type(error).__name__}: {error}"))
            raise

    def _answer(self, asked: Asking, state: Progress, ticket: Ticket, told: "SimpleQueue[Progress]") -> Progress:
        entry = self._bench.entry(state.model)
        sent = put(asked.way, asked.question, entry)
        state = replace(state, query=sent.query, sent=sent.sent, stage="loading")
        if not ticket.is_wanted:
            return replace(state, stage="stopped")
        told.put(state)
        start = perf_counter()
        model = self._bench.load(state.model, asked.truth)
        begun = perf_counter()
        state = replace(state, stage="answering", load_s=begun - start)
        told.put(state)

        def hear(text: str) -> bool:
            told.put(replace(state, raw=text, seconds=perf_counter() - begun))
            return ticket.is_wanted

        aloud = Aloud(model, hear)
        found = one_answer.answer(sent, entry, aloud)
        raw = aloud.heard or found.prediction.text
        stage = "stopped" if aloud.is_stopped else "done"
        return replace(state, stage=stage, raw=raw, seconds=found.seconds, answered=found)


def _categories(scene: Scene, way: Way) -> tuple[str, ...]:
    """Names that an answer may use: those of the sample, where its benchmark has some."""
    return () if scene.sample is None or way.task is None else scene.sample.categories
