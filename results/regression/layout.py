"""A verdict as text for a terminal."""

from collections.abc import Sequence

from tabulate import tabulate

from results.harmless import plain
from results.regression.check import MARKS, Check, Verdict, in_order, number, signed

SHOWN = 30
"""Up to so many checks are all laid out; of more, those that failed, and the others are counted."""
_HEAD = ("", "task", "split", "check", "number", "baseline", "candidate", "change", "95% CI", "p")
_RIGHT = {"baseline", "candidate", "change", "p"}
_NAMED = 3


def to_text(verdict: Verdict, every: bool = False) -> str:
    """Lay out the checks, then why those that did not pass did not, the notes, and the verdict in the last line.

    Args:
        verdict: what is laid out.
        every: lay out all checks, however many there are.
    """
    checks = in_order(verdict.checks)
    whole = every or len(checks) <= SHOWN
    shown = checks if whole else verdict.failed
    blocks = [
        _table(shown) if shown else "",
        "" if whole else _counts(checks),
        "\n".join(f"{MARKS['fail']} {plain(check.subject)}: {plain(check.reason)}" for check in verdict.failed),
        _skipped(checks),
        "\n".join(map(plain, verdict.notes)),
        verdict.headline(),
    ]
    return "\n\n".join(block for block in blocks if block)


def _table(checks: Sequence[Check]) -> str:
    sides = ["right" if column in _RIGHT else "left" for column in _HEAD]
    return tabulate([_row(check) for check in checks], list(_HEAD), "simple", colalign=sides, disable_numparse=True)


def _row(check: Check) -> list[str]:
    unit = check.unit
    interval = "" if check.interval is None else " to ".join(signed(end, unit) for end in check.interval)
    return [
        MARKS[check.status],
        *map(plain, (check.task, check.split, check.rule, " ".join(filter(None, (check.part, check.metric))))),
        number(check.baseline, unit),
        number(check.candidate, unit),
        signed(check.change, unit),
        interval,
        "" if check.p is None else f"{check.p:.2g}",
    ]


def _counts(checks: Sequence[Check]) -> str:
    """Count the checks of each rule by how they ended."""
    rules = dict.fromkeys(check.rule for check in checks)
    body = [[plain(rule), *(_count(checks, rule, status) for status in MARKS)] for rule in rules]
    return tabulate(body, ["check", "failed", "passed", "not made"], "simple", disable_numparse=True)


def _count(checks: Sequence[Check], rule: str, status: str) -> str:
    return str(sum(check.rule == rule and check.status == status for check in checks))


def _skipped(checks: Sequence[Check]) -> str:
    """Say why checks could not be made, each reason once."""
    reasons: dict[str, list[str]] = {}
    for check in checks:
        if check.status == "skip":
            reasons.setdefault(plain(check.reason), []).append(plain(f"{check.task} {check.split}"))
    return "\n".join(f"{MARKS['skip']} {_few(rows)}: {reason}" for reason, rows in reasons.items())


def _few(names: Sequence[str]) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:_NAMED]) + (f" and {len(unique) - _NAMED} more" if len(unique) > _NAMED else "")
