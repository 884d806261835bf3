"""Whether one run answered more slowly than another, from the seconds that each sample took in both.

Samples of one batch share one number, so a batch is one observation: the median of the ratio candidate / baseline over
its samples. The slow-down is the median over batches, which a few interrupted ones do not move. Its 95 % interval is
the distribution-free one of a median, between two of the ordered ratios (Conover, Practical Nonparametric Statistics,
3rd edition, 1999, section 3.2). Runs on different machines are not compared.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from results.run import Run

LEVEL = 0.95
FEWEST = 6
"""Batches below which no two ordered ratios enclose the median with 95 %."""
_IDENTITY = ("device", "dtype", "batch_size")


@dataclass(frozen=True)
class Slowdown:
    """How long the candidate took, as a multiple of the baseline.

    Attributes:
        ratio: median over batches; 1 is as fast, 2 takes twice as long.
        low, high: 95 % interval.
        baseline_s, candidate_s: median seconds per sample.
        batches: observations.
    """

    ratio: float
    low: float
    high: float
    baseline_s: float
    candidate_s: float
    batches: int


def slowdown(baseline: Run, candidate: Run) -> Slowdown | str:
    """Compare two runs of the same samples, or say why they cannot be compared."""
    if reason := other_machine(baseline, candidate):
        return reason
    one, other = _seconds(baseline.folder), _seconds(candidate.folder)
    both = [sample for sample in one if sample in other]
    if not both:
        return "no sample was timed in both runs"
    batches: dict[float, list[float]] = {}
    key = one if len({one[sample] for sample in both}) <= len({other[sample] for sample in both}) else other
    for sample in both:
        batches.setdefault(key[sample], []).append(other[sample] / one[sample])
    ratios = sorted(median(each) for each in batches.values())
    if len(ratios) < FEWEST:
        return f"timed in too few batches ({len(ratios)}; {FEWEST} or more tell a slow-down from noise)"
    depth = interval_depth(len(ratios))
    return Slowdown(
        ratio=median(ratios),
        low=ratios[depth],
        high=ratios[-1 - depth],
        baseline_s=median(one[sample] for sample in both),
        candidate_s=median(other[sample] for sample in both),
        batches=len(ratios),
    )


def other_machine(baseline: Run, candidate: Run) -> str:
    """Name the facts of the machine in which two runs differ; empty where it was the same as far as is recorded."""
    one, other = machine(baseline.facts), machine(candidate.facts)
    if not one["host"] or not other["host"]:
        return "a run does not say on which machine it was made"
    found = [f"{name} {one[name]} and {other[name]}" for name in one if one[name] != other[name]]
    return f"made on different machines or otherwise: {'; '.join(found)}" if found else ""


def machine(facts: Mapping[str, Any]) -> dict[str, str]:
    """Take everything that speed depends on, beside the program, out of a `run.json`."""
    identity, ranks = _mapping(facts.get("identity")), facts.get("ranks")
    return {
        "host": ", ".join(f"{name} {value}" for name, value in sorted(_mapping(facts.get("host")).items())),
        "accelerator": str(facts.get("accelerator") or "none"),
        **{name: str(identity.get(name)) for name in _IDENTITY},
        "processes": str(len(ranks) if isinstance(ranks, list) else 0),
    }


def interval_depth(count: int) -> int:
    """How many of `count` ordered values lie outside the interval of the median on either side.

    The largest d with P(Binomial(count, 1/2) <= d) <= 2.5 %: the interval goes from value d on, counted from 0.
    """
    import numpy as np
    from scipy.special import bdtr

    return max(int((bdtr(np.arange(count // 2), count, 0.5) <= (1 - LEVEL) / 2).sum()) - 1, 0)


def _seconds(folder: Path) -> dict[str, float]:
    """Seconds of every sample that has a positive number; lines that are none are passed over."""
    return {sample: seconds for sample, seconds in _lines(folder / "timings.jsonl") if 0 < seconds < math.inf}


def _lines(path: Path) -> Iterator[tuple[str, float]]:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for line in text.splitlines():
        try:
            content = json.loads(line)
            yield str(content["sample_id"]), float(content["seconds"])
        except (ValueError, KeyError, TypeError, RecursionError):
            continue


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
