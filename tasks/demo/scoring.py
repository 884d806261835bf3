"""What an answer is worth against the truth of its sample, and how both look."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from benchmarks.errors import DataError
from benchmarks.schema import Prediction, Query
from metrics import captions
from metrics import gcg as gcg_metric
from metrics.base import Row
from metrics.errors import DataError as MetricError
from results.report.sheet import Panel
from tasks import caption, gcg, overlays
from tasks.demo.bench import Truth

SHOWN = overlays.Size(least_px=384, most_px=1400)
"""Pictures on the page; small ones are magnified by a whole number."""
NATIVE = overlays.Size(least_px=512, most_px=1 << 20)
"""Pictures in files: at their own size, small ones magnified likewise."""
_PHOTO = "image"
_OF_MANY = ("caption", "reg", "gcg")
"""Kinds whose scores weigh words by all samples of a split."""
_MEASURES: Mapping[str, Callable[..., dict[str, list[Row]]]] = MappingProxyType(
    {
        captions.CAPTIONS.name: partial(caption.measure_all, with_meteor=False),
        gcg_metric.GCG.name: partial(gcg.measure_all, with_meteor=False),
    }
)
"""Metric of such a kind -> how it is measured without METEOR, whose program takes its time."""
_MOST = 8
"""Numbers that are shown."""


@dataclass(frozen=True)
class Score:
    """What one answer is worth.

    Attributes:
        numbers: key and value of the metrics of the task, the headline first.
        truth: the truth in words, where it is words.
        remark: why there are no numbers, or what they rest on.
    """

    numbers: tuple[tuple[str, str], ...]
    truth: str = ""
    remark: str = ""


def score(truth: Truth, prediction: Prediction) -> Score:
    """Measure an answer alone by the metrics of its task; keys that say nothing about one sample are left out."""
    kind = truth.task.kind
    try:
        words = kind.perfect(truth.sample).text if kind.wants == "text" or kind.name in _OF_MANY else ""
        if kind.name in _OF_MANY:
            return _among_its_split(truth, prediction, words)
        rows = kind.rows([truth.sample], [prediction])
        values: dict[str, float] = {}
        for metric in kind.metrics:
            values |= _headline_first(metric.aggregate(rows[metric.name]), metric.headline)
    except (DataError, MetricError, ValueError) as error:
        return Score((), remark=f"it cannot be scored: {error}")
    told = _told(values)
    return Score(told, words, "" if told else "no number is defined for this sample alone")


def _among_its_split(truth: Truth, prediction: Prediction, words: str) -> Score:
    """Measure one caption with the weights that words have in its split; they come from references alone."""
    metric = truth.task.kind.metrics[0]
    if truth.split is None or metric.name not in _MEASURES:
        return Score((), words, "words are weighed over a whole split, which is not here (`refbench eval` scores it)")
    samples = truth.split.samples
    place = next(number for number, sample in enumerate(samples) if sample.id == truth.sample.id)
    said = [Prediction(sample.id, "ok") for sample in samples]
    said[place] = prediction
    rows = _MEASURES[metric.name](samples, said)[metric.name]
    values = _headline_first(metric.aggregate([rows[place]]), metric.headline)
    weighed = f"CIDEr weighs words by the references of all {len(samples):,} samples of {truth.split.name}"
    return Score(_told(values), words, f"{weighed}; METEOR is for whole splits (`refbench eval`)")


def _headline_first(values: Mapping[str, float], headline: str) -> dict[str, float]:
    return {headline: values[headline], **values} if headline in values else dict(values)


def _told(values: Mapping[str, float]) -> tuple[tuple[str, str], ...]:
    return tuple([(key, f"{value:.3f}") for key, value in values.items() if math.isfinite(value)][:_MOST])


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
