"""Depth as pictures: truth and answer on one scale, and how far off every scored pixel is.

The answer is shown as it is scored: resized, aligned and capped by the task's protocol.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.depth_maps import DepthTarget
from benchmarks.schema import Prediction, Sample
from metrics import depth_files
from metrics.errors import DataError as MetricError
from results.report.canvas import Canvas
from results.report.maps import colour_bar, depth_range, draw_depth, draw_error
from results.report.palette import INFERNO
from results.report.sheet import Line, Panel
from tasks.base import Task
from tasks.depth import map_of

METRES = "m"
_LOOSE = 99.0
"""Share of the errors, in percent, below the end of their scale: a few wild pixels must not darken all others."""


def panels(task: Task, sample: Sample, prediction: Prediction, canvases: Sequence[Canvas]) -> list[Panel]:
    """Draw the truth, the answer and, where both are metres, the error.

    Args:
        task: what was asked; of another kind than depth, its maps have no unit and each its own scale.
        sample: the question and its truth.
        prediction: the answer.
        canvases: three, of the sample's image.

    Raises:
        DataError: the truth or the answer cannot be read.
    """
    given = map_of(prediction) if prediction.status == "ok" else None
    if not isinstance(sample.target, DepthTarget):
        perfect = task.kind.perfect(sample).depth
        both = (("truth", None if perfect is None else perfect.load()), ("answer", given))
        return [plain(*each, canvas, prediction.error) for each, canvas in zip(both, canvases, strict=False)]
    truth = sample.target.load().astype(np.float64)
    rules = depth_files.read_protocol(task.protocol)
    scored = rules.valid(truth)
    try:
        found = np.full(truth.shape, np.nan) if given is None else rules.prepare(given, truth, scored)
    except MetricError as error:
        found = np.full(truth.shape, np.nan)
        canvases[1].note(f"no usable answer: {error}")
    ends = depth_range(truth)
    errors = np.where(scored & np.isfinite(found), np.abs(found - truth), np.nan)
    shown = [
        _map("truth", truth, canvases[0], ends),
        _map("answer", found, canvases[1], ends, "" if given is not None else prediction.error or "no depth map"),
    ]
    return [*shown, _error(errors, canvases[2])]


def _map(
    title: str, values: NDArray[np.floating], canvas: Canvas, ends: tuple[float, float], failure: str = ""
) -> Panel:
    draw_depth(canvas, values, *ends)
    notes = [*([f"no answer: {failure}"] if failure else []), *canvas.notes]
    key = colour_bar(canvas.shown_hw[1], ends, METRES)
    return Panel(canvas.picture(), title, tuple(Line(note, muted=True) for note in notes), key)


def plain(title: str, values: NDArray[np.float32] | None, canvas: Canvas, failure: str = "") -> Panel:
    """Draw a map whose numbers have no unit on its own scale, or say why there is none."""
    drawn = np.full((1, 1), np.nan, dtype=np.float32) if values is None else values
    ends = depth_range(drawn)
    draw_depth(canvas, drawn, *ends)
    lines = (Line(f"no answer: {failure or 'no depth map'}", muted=True),) if values is None else ()
    return Panel(canvas.picture(), title, lines, colour_bar(canvas.shown_hw[1], ends, ""))


def _error(errors: NDArray[np.floating], canvas: Canvas) -> Panel:
    known = errors[np.isfinite(errors)]
    high = float(np.percentile(known, _LOOSE)) if known.size else 1.0
    draw_error(canvas, errors, high)
    lines = [Line(f"mean {known.mean():.3f} m over the pixels that count", muted=True)] if known.size else []
    return Panel(canvas.picture(), "error", tuple(lines), colour_bar(canvas.shown_hw[1], (0.0, high), METRES, INFERNO))
