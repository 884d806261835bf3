"""What the buttons of the page do: each takes what was typed, drawn and chosen, and says what the page shows next."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio

from benchmarks.errors import ConfigError
from tasks import one_answer
from tasks.demo import board, files, marks, scoring, views
from tasks.demo.answering import MISTAKES, Counter, Progress, Ticket, asking
from tasks.demo.bench import Bench
from tasks.demo.scenes import Scene, Shelf
from tasks.demo.ways import FREE, ways
from tasks.redaction import scrub

NOBODY = "nobody"
SIDES, PARTS = 2, 4
"""Models that can be asked at once; what the page shows of each: column, card, line, picture."""
_UNCHANGED = gradio.skip()


@dataclass(frozen=True)
class Desk:
    """Joins the page with what answers.

    Attributes:
        shelf: where pictures come from.
        bench: the models.
        counter: where questions are answered.
        folder: existing folder for files to be downloaded.
    """

    shelf: Shelf
    bench: Bench
    counter: Counter
    folder: Path

    def open(self, find: Callable[[], Scene], old: Scene | None) -> tuple[Any, ...]:
        """Show another picture; where it cannot be had, the old one stays and the reason is told.

        Returns:
            scene, board, note, way, words, then a column, a card and two files for each side.
        """
        try:
            scene = find()
            drawn = board.shown(scene)
        except MISTAKES as error:
            return (
                old,
                _UNCHANGED,
                views.note(scrub(str(error)), is_trouble=True),
                *[_UNCHANGED] * (2 + PARTS * SIDES),
            )
        if old is not scene:
            self.shelf.forget(old)
        sample = scene.sample
        way = _UNCHANGED if scene.truth is None else _way_of(scene)
        words = _UNCHANGED if sample is None else sample.question
        return (scene, drawn, views.note(_about(scene)), way, words, *self._stored(scene))

    def answer(
        self, scene: Scene | None, drawn: str, way: str, words: str, models: Sequence[str], ticket: Ticket
    ) -> Iterator[tuple[Any, ...]]:
        """Answer a question; yields a column, a card and two files for each side."""
        try:
            if scene is None:
                raise ConfigError("there is no picture: take a sample, or hand one in")
            chosen = [name for name in dict.fromkeys(models) if name != NOBODY]
            regions = marks.read(drawn, scene.image.size_hw, scene.regions)
            asked = asking(scene, ways()[way], words, regions, chosen)
        except MISTAKES as error:
            yield self._sides([(views.note(scrub(str(error)), is_trouble=True), None)])
            return
        last: list[tuple[Progress, Any]] = []
        for states in self.counter.answer(asked, ticket):
            fresh = [
                old if old is not None and old[0] is state else (state, self._side(state))
                for state, old in zip(states, [*last, *[None] * SIDES], strict=False)
            ]
            changed = [None if old is new else new for new, old in zip(fresh, [*last, *[None] * SIDES], strict=False)]
            last = fresh
            if any(changed):
                yield self._sides([None if each is None else each[1] for each in changed])

    def _stored(self, scene: Scene) -> tuple[Any, ...]:
        """The answer that a run kept, else empty cards."""
        if scene.kept is None or scene.truth is None:
            return self._sides([("", None)])
        prediction, truth = scene.kept.prediction, scene.truth
        query = truth.sample.query(prediction.prompt, truth.task.kind.wants)
        state = Progress(
            model=f"{scene.kept.model} · run {scene.kept.run}",
            stage="stored",
            raw=prediction.text,
            query=query,
            answered=one_answer.read(query, prediction),
            truth=truth,
            sent=f"by the stored run, as a task of kind {truth.task.kind.name} asks",
        )
        return self._sides([self._side(state)])

    def _side(self, state: Progress) -> tuple[str, "tuple[Path, Path] | None"]:
        """The card of one model, and its files when it is done."""
        if state.answered is None or state.query is None or state.stage == "stopped":
            return views.card(state), None
        prediction, truth = state.answered.prediction, state.truth
        try:
            shown, kept = (
                scoring.panels(state.query, prediction, truth, size, state.is_map)
                for size in (scoring.SHOWN, scoring.NATIVE)
            )
        except MISTAKES as error:
            return views.note(f"the answer cannot be drawn: {scrub(str(error))}", is_trouble=True), None
        score = None if truth is None else scoring.score(truth, prediction)
        name = state.model.partition(" ")[0]
        line = files.save_prediction(prediction, name, self.folder)
        asked = state.query.question or state.query.prompt
        picture = files.save_picture(kept, asked, state.model, prediction.sample_id, self.folder)
        return views.card(state, shown, score), (line, picture)

    @staticmethod
    def _sides(changed: "Sequence[tuple[str, tuple[Path, Path] | None] | None]") -> tuple[Any, ...]:
        """What the page shows of each side, `PARTS` each; None leaves a side as it is, others are hidden."""
        told: list[Any] = []
        for place, each in enumerate([*changed, *[("", None)] * SIDES][:SIDES]):
            if each is None:
                told += [_UNCHANGED] * PARTS
                continue
            html, kept = each
            told += [gradio.update(visible=bool(html) or place == 0), gradio.update(value=html, visible=bool(html))]
            paths: Sequence[Path | None] = kept or (None, None)
            told += [
                gradio.update(value=None if path is None else str(path), visible=path is not None) for path in paths
            ]
        return tuple(told)


def _way_of(scene: Scene) -> str:
    assert scene.truth is not None
    name = scene.truth.task.kind.name
    return name if name in ways() else FREE


def _about(scene: Scene) -> str:
    number, count = scene.place
    told = f"{scene.title} · {number + 1:,} of {count:,}" if scene.truth is not None else scene.title
    return told if scene.truth is None else f"{told} · task {scene.truth.task.name}"
