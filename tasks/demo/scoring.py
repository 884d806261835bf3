"""What an answer is worth against the truth of its sample, and how both look."""

import math
from dataclasses import dataclass

from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Query
from metrics.errors import DataError as MetricError
from results.report.sheet import Panel
from tasks import overlays
from tasks.demo.bench import Truth

SHOWN = overlays.Size(least_px=384, most_px=1400)
"""Pictures on the page; small ones are magnified by a whole number."""
NATIVE = overlays.Size(least_px=512, most_px=1 << 20)
"""Pictures in files: at their own size, small ones magnified likewise."""
_PHOTO = "image"
_OF_MANY = ("caption", "reg", "gcg")
"""Kinds whose scores compare words over a whole split, by weights of that split and a program that takes its time."""
_MOST = 8
"""Numbers that are shown."""


@dataclass(frozen=True)
class Score:
    """What one answer is worth.

    Attributes:
        numbers: key and value of the metrics of the task, the headline first.
        truth: the truth in words, where it is words.
        trouble: why there are no numbers.
    """

    numbers: tuple[tuple[str, str], ...]
    truth: str = ""
    trouble: str = ""


def score(truth: Truth, prediction: Prediction) -> Score:
    """Measure an answer alone by the metrics of its task; keys that say nothing about one sample are left out."""
    kind = truth.task.kind
    try:
        words = kind.perfect(truth.sample).text if kind.wants == "text" or kind.name in _OF_MANY else ""
        if kind.name in _OF_MANY:
            return Score((), words, "words are scored over a whole split, not for one sample (`refbench eval`)")
        rows = kind.rows([truth.sample], [prediction])
        values: dict[str, float] = {}
        for metric in kind.metrics:
            found = metric.aggregate(rows[metric.name])
            values |= {metric.headline: found[metric.headline], **found} if metric.headline in found else found
    except (DataError, MetricError, ValueError) as error:
        return Score((), trouble=f"it cannot be scored: {error}")
    told = [(key, f"{value:.3f}") for key, value in values.items() if math.isfinite(value)]
    return Score(tuple(told[:_MOST]), words, "" if told else "no number is defined for this sample alone")


def panels(
    query: Query, prediction: Prediction, truth: Truth | None, size: overlays.Size, is_map: bool = False
) -> list[Panel]:
    """Draw an answer, beside the truth where there is one.

    Raises:
        DataError: the image or the truth cannot be read.
    """
    if truth is None:
        return [overlays.asked_panel(query, prediction, is_map, size)]
    found = overlays.panels(truth.task, truth.sample, prediction, size)
    shown = [panel for panel in found if panel.title != _PHOTO]
    return sorted(shown, key=lambda panel: panel.title != overlays.ANSWER)
