"""Overlays of a finished run: some samples by their ids, the worst ones, a sheet of them; and one grid of many tasks.

Everything is drawn from the run directory and the data, so that no model is needed. Which samples are shown depends on
their ids and rows only: the same run always gives the same files.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from benchmarks.errors import ConfigError, DataError
from benchmarks.files import write_atomic
from benchmarks.schema import Prediction, Sample
from metrics.base import Metric
from metrics.errors import DataError as RowError
from results import rows as row_files
from results.report.sheet import FORMATS, Layout, Line, Panel, grid, to_bytes
from tasks import overlays, predictions, progress
from tasks.base import Task
from tasks.evaluation import Evaluation
from tasks.journal import disk
from tasks.rundir import RunDirectory

FOLDER, SHEET = "overlays", "overlays.png"
SHEET_COLUMNS, GRID_COLUMNS = 4, 5
TITLES = {
    "rec": "box by words", "res": "mask by words", "gres": "masks by words", "prompted": "mask by a prompt",
    "vqa": "question and answer", "reg": "words for a region", "pck": "pose", "gcg": "grounded caption",
}  # fmt: skip
"""What a kind is called in the grid, where its own name says too little."""
_NAME_LENGTH = 80
_OWN = overlays.Size(least_px=384, most_px=1024)
_SMALL = overlays.Size(least_px=256, most_px=256)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample with its answer and the headline of its metric for it alone; None where that is not defined."""

    sample: Sample
    prediction: Prediction
    value: float | None


@dataclass
class Gallery:
    """What one command draws of its runs.

    Attributes:
        count: overlays of each run; 0 for none.
        grid_file: .png or .webp with one answer of each task, that to the `typical` sample of its first run; or None.
    """

    count: int = 0
    grid_file: Path | None = None
    _cells: dict[str, Panel] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check what would fail only after hours.

        Raises:
            ConfigError: the grid is no kind of picture that can be written.
        """
        if self.grid_file is not None and self.grid_file.suffix.lower() not in FORMATS:
            raise ConfigError(f"--overlay-grid {self.grid_file} must end in {' or '.join(FORMATS)}: rename it")

    def take(self, job: Evaluation) -> None:
        """Draw one finished run.

        Raises:
            DataError: its files cannot be read or written.
        """
        if not self.count and self.grid_file is None:
            return
        shown = read(job)
        metric = job.task.kind.metrics[0]
        if self.count:
            save(job.run, job.task, metric, choose(shown, self.count, metric.higher_is_better))
            progress.say(f"{job.title}: overlays in {job.run.path / FOLDER}, a sheet of them in {SHEET}")
        if self.grid_file is not None and job.task.name not in self._cells:
            self._cells[job.task.name] = cell(job.task, metric, typical(shown))

    def finish(self) -> None:
        """Write the grid, where one is asked for.

        Raises:
            DataError: it cannot be written.
        """
        if self.grid_file is not None and self._cells:
            layout = Layout(columns=min(GRID_COLUMNS, len(self._cells)), gap_px=18, title_px=16, text_px=13)
            picture = to_bytes(grid(list(self._cells.values()), layout), self.grid_file.name)
            with disk(self.grid_file):
                write_atomic(self.grid_file, picture)


def read(job: Evaluation) -> list[Shown]:
    """Read answers and rows of a finished run, in the order of its samples.

    Raises:
        DataError: a file of the run directory is missing, broken or of other samples.
    """
    found = predictions.read(job.run.path / "predictions.jsonl")
    try:
        ids, _, rows = row_files.read(job.run.path / "rows.npz")
    except RowError as error:
        raise DataError(str(error)) from None
    if not [sample.id for sample in job.samples] == [answer.sample_id for answer in found] == ids:
        raise DataError(f"{job.run.path} holds answers to other samples: run the command again with --fresh")
    metric = job.task.kind.metrics[0]
    own = rows.get(metric.name) or [{} for _ in ids]
    values = [metric.aggregate([row])[metric.headline] if row else None for row in own]
    return [
        Shown(sample, answer, value if value is not None and value == value else None)
        for sample, answer, value in zip(job.samples, found, values, strict=True)
    ]


def choose(shown: Sequence[Shown], count: int, higher_is_better: bool = True) -> list[Shown]:
    """Choose samples: half of them, rounded up, by a hash of their ids, the rest the worst of the others.

    Those without a usable answer are the worst of all, those whose value is not defined are never among the worst.
    """
    by_id = sorted(shown, key=lambda each: digest(each.sample.id))
    drawn, others = by_id[: (count + 1) // 2], by_id[(count + 1) // 2 :]
    judged = [each for each in others if each.prediction.status != "ok" or each.value is not None]
    judged.sort(key=lambda each: _goodness(each, higher_is_better))
    return [*drawn, *judged[: count - len(drawn)]]


def typical(shown: Sequence[Shown]) -> Shown:
    """The sample with the median value, of equal ones the first by a hash of their ids; of those with a value."""
    valued = [each for each in shown if each.value is not None] or list(shown)
    values = sorted(each.value or 0.0 for each in valued)
    median = values[len(values) // 2]
    return min((each for each in valued if (each.value or 0.0) == median), key=lambda each: digest(each.sample.id))


def save(run: RunDirectory, task: Task, metric: Metric, chosen: Sequence[Shown]) -> None:
    """Write `overlays/<id>.png` for every sample and `overlays.png` with all of them; others in the folder go.

    Raises:
        DataError: an image cannot be read, or the disk refuses.
    """
    files = [f"{file_name(each.sample.id)}.png" for each in chosen]
    for name, each in zip(files, chosen, strict=True):
        run.write(f"{FOLDER}/{name}", to_bytes(overlay(task, metric, each), name))
    with disk(run.path / FOLDER):
        for old in (run.path / FOLDER).glob("*.png"):
            if old.name not in files:
                old.unlink()
    cells = [
        _captioned(overlays.answer_panel(task, each.sample, each.prediction, _SMALL), metric, each) for each in chosen
    ]
    heading = [Line(f"{task.name}: {(len(chosen) + 1) // 2} by their ids, then the worst", muted=True)]
    run.write(SHEET, to_bytes(grid(cells, Layout(columns=SHEET_COLUMNS), heading), SHEET))


def overlay(task: Task, metric: Metric, shown: Shown) -> Image.Image:
    """Draw one sample: what was asked, its value, then truth and answer."""
    panels = overlays.panels(task, shown.sample, shown.prediction, _OWN)
    height, width = shown.sample.image.size_hw
    seen = panels[0].picture
    size = f"{width} x {height} px" + ("" if seen.width == width else f", shown at {seen.width / width:.3g} times that")
    heading = [
        *([Line(shown.sample.question)] if shown.sample.question else []),
        Line(_value(metric, shown)),
        Line(f"{shown.sample.id} ({size})", muted=True),
    ]
    return grid(panels, Layout(columns=len(panels), text_px=13), heading)


def cell(task: Task, metric: Metric, shown: Shown) -> Panel:
    """Draw the answer of one task for the grid, with its question and value."""
    panel = _captioned(overlays.answer_panel(task, shown.sample, shown.prediction, _SMALL), metric, shown)
    *words, value = panel.lines
    title = TITLES.get(task.kind.name, task.kind.name)
    return Panel(panel.picture, title, (*words, Line(f"{task.name} · {value.text}", muted=True)), panel.key)


def file_name(sample_id: str) -> str:
    """Turn an id into a file name that is safe everywhere; different ids never give the same one."""
    name = _UNSAFE.sub("-", sample_id).strip(".-")[:_NAME_LENGTH]
    plain = name == sample_id.lower()  # where capitals do not count, A and a are one file
    return name if plain else f"{name}-{digest(sample_id)[:8]}".lstrip("-")


def _captioned(panel: Panel, metric: Metric, shown: Shown) -> Panel:
    asked = [Line(shown.sample.question, most=2)] if shown.sample.question else []
    lines = (*asked, *(line for line in panel.lines if not line.muted), Line(_value(metric, shown), muted=True))
    return Panel(panel.picture, panel.title, lines, panel.key)


def _value(metric: Metric, shown: Shown) -> str:
    return f"{metric.headline} " + ("not defined for one sample" if shown.value is None else f"{shown.value:.3f}")


def _goodness(shown: Shown, higher_is_better: bool) -> tuple[int, float, str]:
    value = shown.value or 0.0
    answered = shown.prediction.status == "ok"
    return int(answered), value if higher_is_better else -value, digest(shown.sample.id)


def digest(sample_id: str) -> str:
    """An order of samples that has nothing to do with what they are, and a name no two of them share."""
    return hashlib.sha256(sample_id.encode("utf-8", "surrogatepass")).hexdigest()
