"""One line of a verdict, and the verdict: what was held against what, and whether it passes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

Status = Literal["fail", "pass", "skip"]
MARKS: Mapping[str, str] = {"fail": "✗", "pass": "✓", "skip": "–"}


@dataclass(frozen=True)
class Check:
    """One rule on one number of one row.

    Attributes:
        rule: title of the rule.
        kind: of the rule.
        model, task, split: of the candidate's row.
        metric: key; empty where the rule is about no number of the task.
        part: `tag=value` of a slice; empty for the whole run.
        status: "skip" where nothing can be said; it never fails a gate.
        unit: of both values ("fraction", "seconds", …).
        baseline, candidate: values, None where there is none.
        interval: 95 % interval of the change, or None.
        p: one-sided p-value, adjusted for all significance checks of the gate; None without a test.
        reason: why it has this status, in one line.
    """

    rule: str
    kind: str
    model: str
    task: str
    split: str
    status: Status
    reason: str
    metric: str = ""
    part: str = ""
    unit: str = ""
    baseline: float | None = None
    candidate: float | None = None
    interval: tuple[float, float] | None = None
    p: float | None = None

    @property
    def subject(self) -> str:
        """Where the rule looked, for people."""
        return " ".join(filter(None, (self.task, self.split, self.part, self.metric)))

    @property
    def change(self) -> float | None:
        """Candidate minus baseline; None where one of them is missing."""
        return None if self.baseline is None or self.candidate is None else self.candidate - self.baseline

    def to_json(self) -> dict[str, Any]:
        """Build its entry in the answer for machines."""
        return {**asdict(self), "change": self.change}


@dataclass(frozen=True)
class Verdict:
    """What a gate says.

    Attributes:
        checks: in the order of the rules.
        notes: what a reader must know beside them.
        baseline, candidate: what the user called them.
        commit: of the candidate; empty where it is not known.
        ended: when the last run of the candidate ended, ISO 8601; empty where it is not known.
    """

    checks: tuple[Check, ...]
    notes: tuple[str, ...] = ()
    baseline: str = ""
    candidate: str = ""
    commit: str = ""
    ended: str = ""

    @property
    def passed(self) -> bool:
        """Whether no check failed, and there was one to make: a gate that could check nothing stays shut."""
        return not self.failed and any(check.status == "pass" for check in self.checks)

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if check.status == "fail"]

    @property
    def counts(self) -> dict[str, int]:
        """Status -> how many checks have it."""
        return {status: sum(check.status == status for check in self.checks) for status in MARKS}

    def headline(self) -> str:
        """Say it in one line."""
        counts = self.counts
        word = "passed" if self.passed else "REGRESSION" if self.failed else "NOTHING CHECKED"
        return f"{word}: {counts['pass']} of {len(self.checks)} checks passed, {counts['fail']} failed, " + (
            f"{counts['skip']} could not be made"
        )

    def to_json(self) -> dict[str, Any]:
        """Build the answer for machines."""
        names = ("baseline", "candidate", "commit", "ended")
        return {
            "passed": self.passed,
            "counts": self.counts,
            **{name: getattr(self, name) for name in names},
            "checks": [check.to_json() for check in self.checks],
            "notes": list(self.notes),
        }


def in_order(checks: Sequence[Check]) -> list[Check]:
    """Put the failed checks first, then those that passed, then those that could not be made."""
    return sorted(checks, key=lambda check: list(MARKS).index(check.status))


def finite(value: float | None) -> float | None:
    """A number that can be compared: NaN and infinity are none."""
    return None if value is None or not math.isfinite(value) else float(value)


def number(value: float | None, unit: str) -> str:
    """Write a value for people: fractions times 100, as in every table here."""
    if value is None:
        return ""
    if unit == "fraction":
        return f"{100 * value:.2f}"
    return f"{value:.4g}" if unit in ("seconds", "share") else f"{value:.4f}"


def signed(value: float | None, unit: str) -> str:
    """Write a change for people."""
    text = number(value, unit)
    return f"+{text}" if value is not None and value > 0 else text
