"""Tries the metrics of the user's own on a few samples before a run: a slip shows at once, not after hours."""

import json
import math
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import ConfigError
from benchmarks.schema import Sample
from metrics.base import Metric, Row
from results import direction
from results import rows as row_files
from tasks import plugins
from tasks.base import TaskKind
from tasks.validate import failed

_TRIED = 2


def try_out(kind: TaskKind, samples: Sequence[Sample]) -> None:
    """Measure the truth and no answer at all of a few samples with every metric of the user's own, before a run.

    Raises:
        ConfigError: a metric fails, its rows cannot be kept, or its scores are not those of its card.
    """
    own = [metric for metric in kind.metrics if direction.is_own(metric.name)]
    some = samples[:_TRIED]
    if not own or not some:
        return
    perfect = [kind.perfect(sample) for sample in some]
    nothing = [failed(sample.query("", kind.wants), "tried out") for sample in some]
    measured = kind.rows([*some, *some], [*perfect, *nothing])
    for metric in own:
        rows = measured[metric.name]
        _check_rows(metric, rows)
        for part in (rows, rows[:1], rows[-1:]):
            _check_scores(metric, part)


def _check_rows(metric: Metric, rows: Sequence[Row]) -> None:
    """Refuse rows that `rows.npz` would not give back as they are."""
    ids = [str(place) for place in range(len(rows))]
    with tempfile.TemporaryDirectory(prefix="refbench-rows-") as folder:
        path = Path(folder, "rows.npz")
        try:
            told = json.dumps(rows, sort_keys=True)
            path.write_bytes(row_files.to_bytes(ids, ids, {metric.name: rows}))
            kept = json.dumps(row_files.read(path)[2].get(metric.name), sort_keys=True)
        except (TypeError, ValueError, IndexError) as error:
            kept, told = plugins.in_short(error), ""
    if kept != told:
        raise ConfigError(
            f"metric '{metric.name}' has rows that cannot be kept, such as {rows[0]!r}: use numbers, and lists of "
            "numbers, of one type in every row"
        )


def _check_scores(metric: Metric, rows: Sequence[Row]) -> None:
    try:
        scores = dict(metric.aggregate(rows))
        value = float(scores.get(metric.headline, math.nan))
    except Exception as error:
        raise ConfigError(
            f"metric '{metric.name}' cannot aggregate {len(rows)} rows ({plugins.in_short(error)}): mend its aggregate"
        ) from error
    known = metric.card.keys
    strange = [key for key in scores if key not in known and f"{key.split('@')[0]}@T" not in known]
    if strange or metric.headline not in scores:
        raise ConfigError(
            f"metric '{metric.name}' gave {', '.join(scores) or 'no scores'}, but its card has {', '.join(known)}: "
            "every score needs its line in the keys of the card, and the headline a score"
        )
    low, high = metric.card.range
    if math.isfinite(value) and not low <= value <= (math.inf if high is None else high):
        raise ConfigError(
            f"metric '{metric.name}' gave {metric.headline} = {value:g}, outside the range of its card ({low:g} to "
            f"{'any' if high is None else format(high, 'g')}): mend one of the two"
        )
