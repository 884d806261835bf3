"""The page: where everything stands, and which button does what."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import gradio

from tasks.demo import board
from tasks.demo.answering import Ticket
from tasks.demo.desk import NOBODY, SIDES, Desk
from tasks.demo.scenes import Scene
from tasks.demo.ways import FREE, ways

FIRST = "refcocog_res"
"""The task whose first sample stands there at the beginning."""
CONFIDENCE = "model"
_HEAD = (
    '<header class="rb-top"><h1>refbench <span>demo</span></h1><p>Ask a vision-language model about a picture. It '
    "answers with words, boxes, masks, poses or depth, drawn here as the harness scores them.</p></header>"
)
_SCROLL = """() => {
  if (window.innerWidth < 700) document.getElementById("rb-answers").scrollIntoView({ behavior: "smooth" });
}"""
"""On a phone the answer stands below all that is asked."""
_SANS = ["ui-sans-serif", "system-ui", "Segoe UI", "Roboto", "sans-serif"]
_MONO = ["ui-monospace", "SFMono-Regular", "Menlo", "Consolas", "monospace"]
_IMAGES = [".png", ".jpg", ".jpeg", ".webp", ".bmp"]


class Page:
    """The parts of the page by name."""

    def __init__(self, desk: Desk, waiting: int) -> None:
        """Build the page.

        Args:
            desk: what its buttons do.
            waiting: questions that may wait at once; further ones are turned away.
        """
        self._desk = desk
        with gradio.Blocks(title="refbench demo", analytics_enabled=False, fill_width=True) as self.blocks:
            self.scene = gradio.State(None, delete_callback=desk.shelf.forget)
            self.ticket = gradio.State(None)
            gradio.HTML(_HEAD, apply_default_css=False)
            with gradio.Row(elem_classes="rb-halves"):
                with gradio.Column(scale=4, min_width=340):
                    self._pictures()
                    self._questions()
                with gradio.Column(scale=7, min_width=340, elem_id="rb-answers"):
                    self._answers()
            self._wire()
        self.blocks.queue(max_size=waiting, default_concurrency_limit=4, api_open=False)

    def _pictures(self) -> None:
        with gradio.Tabs():
            with gradio.Tab("Sample"), gradio.Row(elem_classes="rb-tight rb-low"):
                tasks = list(self._desk.shelf.tasks())
                self.task = gradio.Dropdown(tasks, value=FIRST, label="Task of the benchmark", scale=4, min_width=180)
                self.before = gradio.Button("‹ Previous", size="sm", scale=1, min_width=84)
                self.lot = gradio.Button("Any", size="sm", scale=1, min_width=50)
                self.after = gradio.Button("Next ›", size="sm", scale=1, min_width=64)
            with gradio.Tab("Your picture"):
                self.upload = gradio.UploadButton("Choose a picture …", file_types=_IMAGES, elem_id="rb-upload")
                gradio.HTML(
                    '<p class="rb-note">PNG, JPEG, WebP or BMP, up to 64 MB and 50 million pixels. It stays on the '
                    "machine that runs this page, and is deleted when you leave.</p>"
                )
            with gradio.Tab("By id"):
                self.run = gradio.Textbox(
                    label="Stored run", placeholder="digits of its id, or model/task; empty for a sample alone"
                )
                self.sample_id = gradio.Textbox(
                    label="Sample", placeholder="refcocog/umd/test/ref-1/sent-1; empty for the first of the run"
                )
                self.fetch = gradio.Button("Open", size="sm")
        self.note = gradio.HTML(elem_id="rb-about")
        self.board = board.board()

    def _questions(self) -> None:
        self.way = gradio.Dropdown(
            [(way.title, name) for name, way in ways().items()], value=FREE, label="What is asked", filterable=True
        )
        self.words = gradio.Textbox(
            label="Question", placeholder="the red circle left of the square", lines=1, max_lines=3, elem_id="rb-words"
        )
        names = self._desk.bench.names
        with gradio.Row(elem_classes="rb-tight"):
            self.model = gradio.Dropdown(names, value=names[0], label="Model", min_width=140)
            others = [("nobody else", NOBODY), *((name, name) for name in names)]
            self.other = gradio.Dropdown(others, value=NOBODY, label="Beside it", min_width=140)
        with gradio.Row(elem_classes="rb-tight"):
            self.ask = gradio.Button("Ask", variant="primary", scale=3, min_width=120, elem_id="rb-ask")
            self.stop = gradio.Button("Stop", scale=1, min_width=80, elem_id="rb-stop")

    def _answers(self) -> None:
        gradio.HTML(
            '<p class="rb-hint">The answer comes here. Mark places with Point, Box, Scribble or Mask to ask about '
            "them.</p>",
            elem_id="rb-hint",
        )
        self.sides: list[Any] = []
        with gradio.Row(elem_classes="rb-sides"):
            for side in range(SIDES):
                with gradio.Column(min_width=300, visible=side == 0) as column:
                    card = gradio.HTML(visible=False, elem_id=f"rb-answer-{side + 1}", apply_default_css=False)
                    with gradio.Row(elem_classes="rb-tight"):
                        line = gradio.DownloadButton("JSON", visible=False, size="sm", min_width=60)
                        picture = gradio.DownloadButton("PNG", visible=False, size="sm", min_width=60)
                self.sides += [column, card, line, picture]

    def _wire(self) -> None:
        desk = self._desk
        shown = [self.scene, self.board, self.note, self.way, self.words, *self.sides]
        step = partial(self._step, desk)
        self._on(
            self.blocks.load, lambda task, old: desk.open(lambda: desk.shelf.take(task, 0), old), [self.task], shown
        )
        self._on(
            self.task.input, lambda task, old: desk.open(lambda: desk.shelf.take(task, 0), old), [self.task], shown
        )
        self._on(
            self.lot.click, lambda task, old: desk.open(lambda: desk.shelf.draw_lot(task), old), [self.task], shown
        )
        self._on(self.before.click, partial(step, -1), [self.task], shown)
        self._on(self.after.click, partial(step, 1), [self.task], shown)
        self._on(self.upload.upload, partial(_upload, desk), [self.upload], shown)
        self._on(self.fetch.click, partial(_fetch, desk), [self.run, self.sample_id], shown)
        begun = gradio.on(
            [self.ask.click, self.words.submit],
            _begin,
            self.ticket,
            self.ticket,
            js=_SCROLL,
            queue=False,
            api_visibility="private",
        )
        asked = [self.scene, self.board, self.way, self.words, self.model, self.other, self.ticket]
        begun.then(
            _answering(desk), asked, self.sides, concurrency_limit=1, concurrency_id=CONFIDENCE, show_progress="hidden",
            api_visibility="private",
        )  # fmt: skip
        self.stop.click(_stop, self.ticket, None, queue=False, show_progress="hidden", api_visibility="private")

    def _on(self, event: Callable[..., Any], do: Callable[..., Any], given: list[Any], shown: list[Any]) -> None:
        event(do, [*given, self.scene], shown, show_progress="hidden", api_visibility="private")

    @staticmethod
    def _step(desk: Desk, by: int, task: str, scene: Scene | None) -> tuple[Any, ...]:
        if scene is not None and scene.kept is not None:
            run, number = scene.kept.run, scene.place[0] + by
            return desk.open(lambda: desk.shelf.run_step(run, number), scene)
        number = 0 if scene is None or scene.truth is None else scene.place[0] + by
        return desk.open(lambda: desk.shelf.take(task, number), scene)


def look() -> dict[str, Any]:
    """What `launch` is told about fonts and colours; nothing of it is fetched from anywhere."""
    theme = gradio.themes.Soft(
        primary_hue="indigo", neutral_hue="slate", font=_SANS, font_mono=_MONO, radius_size="md", spacing_size="sm"
    ).set(
        block_title_background_fill="none", block_title_background_fill_dark="none", block_title_padding="0",
        block_title_text_color="*neutral_500", block_title_text_color_dark="*neutral_400",
        block_title_text_weight="500",
    )  # fmt: skip
    return {"theme": theme, "css": Path(__file__).with_name("style.css").read_text("utf-8")}


def _upload(desk: Desk, path: str, scene: Scene | None) -> tuple[Any, ...]:
    given = Path(path)
    try:
        return desk.open(lambda: desk.shelf.upload(given, given.name), scene)
    finally:
        given.unlink(missing_ok=True)


def _fetch(desk: Desk, run: str, sample_id: str, scene: Scene | None) -> tuple[Any, ...]:
    run, sample_id = run.strip(), sample_id.strip()
    if run:
        return desk.open(lambda: desk.shelf.of_run(run, sample_id), scene)
    return desk.open(lambda: desk.shelf.by_id(sample_id), scene)


def _answering(desk: Desk) -> Callable[..., Iterator[tuple[Any, ...]]]:
    def answer(*given: Any) -> Iterator[tuple[Any, ...]]:
        scene, drawn, way, words, model, other, ticket = given
        yield from desk.answer(scene, drawn, way, words, (model, other), ticket)

    return answer


def _begin(old: Ticket | None) -> Ticket:
    """A new question takes the place of the one before."""
    _stop(old)
    return Ticket()


def _stop(ticket: Ticket | None) -> None:
    if ticket is not None:
        ticket.stopped.set()
