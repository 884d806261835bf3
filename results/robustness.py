"""How far numbers move when only the wording of the prompt changes: mean and spread over prompt sets."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from results.record import Record


@dataclass(frozen=True)
class Robustness:
    """One model on one split of one task under one regime, over several prompt sets.

    Attributes:
        records: one per prompt set.
        mean: key -> mean over prompt sets, plain number; None where it is undefined for one of them.
        spread: key -> highest minus lowest; likewise.
    """

    records: tuple[Record, ...]
    mean: Mapping[str, float | None]
    spread: Mapping[str, float | None]

    def to_json(self) -> dict[str, Any]:
        """Build its entry in the answer of `eval --json`."""
        first = self.records[0]
        return {
            **{name: getattr(first, name) for name in ("model", "task", "dataset", "split", "data")},
            "regime": first.options.get("regime"),
            "prompt_sets": [record.options["prompt_set"] for record in self.records],
            "mean": dict(self.mean),
            "spread": dict(self.spread),
        }


def over_prompt_sets(records: Sequence[Record]) -> list[Robustness]:
    """Group records that differ in their prompt set only; groups of one have no spread and are left out."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        if "prompt_set" in record.options:
            how = (record.options.get("regime", ""), record.options.get("model_args", ""))
            key = (record.model, record.task, record.dataset, record.split, *how)
            groups.setdefault(key, []).append(record)
    return [_robustness(group) for group in groups.values() if len(group) > 1]


def _robustness(group: Sequence[Record]) -> Robustness:
    mean: dict[str, float | None] = {}
    spread: dict[str, float | None] = {}
    for key in dict.fromkeys(key for record in group for key in record.columns):
        values = [value for record in group if (value := record.metrics.get(key)) is not None]
        whole = len(values) == len(group)
        mean[key] = fmean(values) if whole else None
        spread[key] = max(values) - min(values) if whole else None
    return Robustness(tuple(group), mean, spread)
