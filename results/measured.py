"""A finished run with its rows, checked: what is there is what the record was made of."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from metrics.base import Metric, Row
from metrics.errors import DataError
from metrics.registry import metrics as built_in
from results import rows as row_files
from results.run import Run

_SAME = 1e-9


@dataclass(frozen=True)
class Measured:
    """The rows of a run in the order of its sample ids.

    Attributes:
        name: `model/task/split`.
        ids: of the samples, sorted.
        images: the image of each.
        rows: metric name -> rows.
        metrics: name -> the metric that they belong to.
        keys: key of the record -> metric name and that metric's own key; those that are defined.
    """

    name: str
    ids: Sequence[str]
    images: Sequence[str]
    rows: Mapping[str, Sequence[Row]]
    metrics: Mapping[str, Metric]
    keys: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, run: Run, known: Mapping[str, Metric] | None = None) -> "Measured":
        """Read the rows of a run.

        Args:
            run: the run.
            known: metrics by name, whose protocols are those of the record; None for those of this package.

        Raises:
            DataError: the rows are missing, broken or edited, the answers were edited, a metric is unknown or has other
                rules by now.
        """
        _check_rows(run)
        known = {metric.name: metric for metric in built_in()} if known is None else known
        for name, protocol in run.record.protocols.items():
            if name in run.rows and name not in known:
                raise DataError(f"{run.folder}: no metric is called {name}: name the folder that holds it (--include)")
            if name in run.rows and not _same_rules(known[name].protocol, protocol):
                raise DataError(
                    f"{run.folder} was scored by {protocol}, but {name} is {known[name].protocol} by now: "
                    "run the command again with --fresh"
                )
        chosen = {name: known[name] for name in run.record.protocols if name in run.rows}
        order = sorted(range(len(run.sample_ids)), key=run.sample_ids.__getitem__)
        rows = {name: [run.rows[name][place] for place in order] for name in chosen}
        return cls(
            run.name, [run.sample_ids[p] for p in order], [run.image_ids[p] for p in order], rows, chosen,
            _keys(run, chosen, rows),
        )  # fmt: skip

    def chosen(self, places: Sequence[int]) -> "Measured":
        """The same of some samples, by their places."""
        rows = {name: [own[place] for place in places] for name, own in self.rows.items()}
        ids, images = [self.ids[p] for p in places], [self.images[p] for p in places]
        return Measured(self.name, ids, images, rows, self.metrics, self.keys)

    def score(self, key: str) -> float | None:
        """The score of these samples; None where it is undefined."""
        name, own = self.keys[key]
        value = self.metrics[name].aggregate(self.rows[name]).get(own, math.nan)
        return value if math.isfinite(value) else None


def _check_rows(run: Run) -> None:
    """Refuse rows and answers that are not those of the record.

    Raises:
        DataError: naming the file.
    """
    digests, place = run.record.digests, run.folder / "rows.npz"
    if len(set(run.sample_ids)) != run.record.n:
        raise DataError(
            f"{place} holds {len(set(run.sample_ids))} samples but its result.json counts {run.record.n}: "
            "run the command again with --fresh"
        )
    if "ids" in digests and row_files.digest_ids(run.sample_ids) != digests["ids"]:
        raise DataError(f"{place} holds other samples than its result.json says: run the command again with --fresh")
    if "rows" in digests and row_files.digest(run.sample_ids, run.rows) != digests["rows"]:
        raise DataError(
            f"{place} was edited: its digest is not that of result.json; run the command again with --fresh"
        )
    if problem := run.answers_problem:
        raise DataError(f"{problem}; run the command again with --fresh")


def _keys(run: Run, metrics: Mapping[str, Metric], rows: Mapping[str, Sequence[Row]]) -> dict[str, tuple[str, str]]:
    """Find the metric of every key of a record by its value.

    Raises:
        DataError: no metric gives a number of the record.
    """
    values = {name: metric.aggregate(rows[name]) for name, metric in metrics.items()}
    found = {}
    for key, value in run.record.metrics.items():
        if value is None or not math.isfinite(value):
            continue
        owner, _, own = key.partition(".")
        pairs = [(owner, own)] if owner in values and own in values[owner] else [(name, key) for name in values]
        right = [
            pair for pair in pairs
            if math.isclose(values[pair[0]].get(pair[1], math.nan), value, rel_tol=_SAME, abs_tol=_SAME)
        ]  # fmt: skip
        if not right:
            raise DataError(f"{run.folder}: {key} = {value} of result.json does not follow from its rows.npz")
        found[key] = right[0]
    return {key: found[key] for key in dict.fromkeys((run.record.headline, *run.record.columns)) if key in found}


def _same_rules(known: str, recorded: str) -> bool:
    """Whether one name of rules is the other with the options of a task behind it."""
    return recorded == known or recorded.split(" ")[0] == known.split(" ")[0]
