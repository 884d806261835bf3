"""Holds pairs of runs against rules, one check for each rule, row and number."""

import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from metrics.errors import DataError
from metrics.stats import holm
from results.direction import of_record
from results.record import Better, Record
from results.regression import latency
from results.regression.check import Check, Status, finite, number, signed
from results.regression.evidence import Evidence, Examiner
from results.regression.pairs import Matching, Pair
from results.regression.rules import (
    WHOLE,
    Absolute,
    Failures,
    Latency,
    Limit,
    MetricRule,
    Relative,
    Rule,
    RuleBook,
    Significance,
    titles,
)

_SAME = 1e-9
"""Numbers that differ by less are the same: sums may be taken in another order."""


def judge(matching: Matching, book: RuleBook, tests: Examiner) -> list[Check]:
    """Check every rule on every pair.

    Args:
        matching: the pairs.
        book: the rules.
        tests: gives the evidence for a change.

    Raises:
        DataError: a rule names a metric that no row it speaks of has, or the numbers of a run do not follow from its
            rows.
    """
    for rule, title in _titled(book):
        _refuse_unknown(rule, title, matching.pairs, tests)
    found = [check for pair in matching.pairs for check in _of_pair(pair, book, tests)]
    return [*_settle(found, book), *_lost(matching, book)]


def idle(matching: Matching, book: RuleBook) -> list[str]:
    """Name the rules that speak of no pair, with the nearest task."""
    notes, names = [], sorted({pair.candidate.record.task for pair in matching.pairs})
    for rule, title in _titled(book):
        if not any(rule.covers(pair.candidate.record) for pair in matching.pairs):
            near = difflib.get_close_matches(rule.tasks[0], names, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            notes.append(f"rule '{title}' speaks of no row that was compared (tasks: {', '.join(rule.tasks)}){hint}")
    return notes


def _titled(book: RuleBook) -> list[tuple[Rule, str]]:
    return list(zip(book.rules, titles(book.rules), strict=True))


def _of_pair(pair: Pair, book: RuleBook, tests: Examiner) -> Iterator[Check]:
    tests.verify(pair)
    record = pair.candidate.record
    for rule, title in _titled(book):
        base = Check(title, getattr(rule, "kind", ""), record.model, record.task, record.split, "skip", "")
        match rule:
            case _ if not rule.covers(record):
                continue
            case Latency():
                yield _latency(base, rule, pair)
            case Failures():
                yield _failures(base, rule, pair)
            case MetricRule():
                yield from _numbers(base, rule, pair, book, tests)


def _refuse_unknown(rule: Rule, title: str, pairs: Sequence[Pair], tests: Examiner) -> None:
    own = [pair for pair in pairs if rule.covers(pair.candidate.record)]
    if not isinstance(rule, MetricRule) or not own:
        return
    records = [pair.candidate.record for pair in own]
    for name in rule.unknown_keys(records):
        raise _unknown(title, "metric", name, {key for record in records for key in record.columns})
    parts = {part for pair in own for part in tests.parts(pair)} if rule.slices else set()
    for name in rule.unknown_slices(parts):
        raise _unknown(title, "slice", name, set(map("=".join, parts)))


def _unknown(title: str, what: str, name: str, known: Collection[str]) -> DataError:
    near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known)[:12]) or 'none'}"
    return DataError(f"rule '{title}': no task it speaks of has a {what} '{name}'; {hint}")


def _numbers(base: Check, rule: MetricRule, pair: Pair, book: RuleBook, tests: Examiner) -> Iterator[Check]:
    old, new = pair.baseline.record, pair.candidate.record
    for part in rule.parts(tests.parts(pair) if rule.slices else ()):
        for key in rule.keys(new):
            whole = part == WHOLE
            values = (
                (finite(old.metrics.get(key)), finite(new.metrics.get(key))) if whole else tests.values(pair, key, part)
            )
            check = replace(base, metric=key, part="" if whole else "=".join(part), unit=new.units.get(key, ""))
            check = replace(check, baseline=values[0], candidate=values[1])
            yield _number(check, rule, _direction(new, key, book.directions), partial(tests.evidence, pair, key, part))


def _number(check: Check, rule: MetricRule, way: Better, evidence: Callable[[], Evidence | str]) -> Check:
    if isinstance(rule, Limit):
        return _limit(check, rule)
    if check.candidate is None and check.baseline is not None:
        return replace(check, status="fail", reason="undefined now, and it was not in the baseline")
    if check.baseline is None or check.candidate is None:
        return replace(check, reason="undefined in the baseline" + (" and now" if check.candidate is None else ""))
    if way == "none":
        return replace(check, reason="neither direction is better: name one under `directions`, or use a limit")
    drop = check.baseline - check.candidate if way == "higher" else check.candidate - check.baseline
    match rule:
        case Absolute():
            return _bounded(check, drop, rule.max_drop, number(rule.max_drop, check.unit) or "0")
        case Relative():
            return _bounded(check, drop, rule.max_drop * abs(check.baseline), f"{100 * rule.max_drop:g} %")
        case _:
            assert isinstance(rule, Significance)
            return _tested(check, rule, drop, evidence())


def _bounded(check: Check, drop: float, most: float, told: str) -> Check:
    text = f"changed by {signed(check.change, check.unit)}, and may get worse by {told}"
    return replace(check, status="fail" if drop > most + _SAME else "pass", reason=text)


def _tested(check: Check, rule: Significance, drop: float, found: Evidence | str) -> Check:
    """Keep the p of a drop; `_settle` decides when all of them are known."""
    if isinstance(found, str):
        return replace(check, reason=found)
    worse = drop > _SAME
    p = found.p / 2 if worse else 1 - found.p / 2
    beyond = drop > rule.max_drop + _SAME
    text = f"{found.method}, changed by {signed(check.change, check.unit)}"
    if worse and not beyond:
        text += f", within the {number(rule.max_drop, check.unit)} that are allowed"
        p = 1.0
    return replace(check, status="pass", p=p, interval=found.interval, reason=text)


def _settle(checks: Sequence[Check], book: RuleBook) -> list[Check]:
    """Adjust the p-values of all tests together and let those at or below alpha fail."""
    tested = [place for place, check in enumerate(checks) if check.p is not None]
    raw = [p for check in checks if (p := check.p) is not None]
    adjusted = dict(zip(tested, holm(raw) if book.correction == "holm" else raw, strict=True))
    shared = f" after Holm over {len(raw)} tests" if book.correction == "holm" and len(raw) > 1 else ""
    settled = list(checks)
    for place, p in adjusted.items():
        told = f"{checks[place].reason}, p {p:.2g}{shared}"
        settled[place] = replace(checks[place], p=p, status="fail" if p <= book.alpha else "pass", reason=told)
    return settled


def _limit(check: Check, rule: Limit) -> Check:
    if check.candidate is None:
        return replace(check, status="fail", reason="undefined, so it keeps no limit")
    low, high = rule.at_least, rule.at_most
    inside = (low is None or check.candidate >= low - _SAME) and (high is None or check.candidate <= high + _SAME)
    ends = [] if low is None else [f"at least {number(low, check.unit)}"]
    ends += [] if high is None else [f"at most {number(high, check.unit)}"]
    text = f"{number(check.candidate, check.unit)}, must be {' and '.join(ends)}"
    return replace(check, status="pass" if inside else "fail", reason=text)


def _failures(check: Check, rule: Failures, pair: Pair) -> Check:
    old, new = (1 - record.parse_rate for record in (pair.baseline.record, pair.candidate.record))
    record = pair.candidate.record
    bad = rule.max_rate is not None and new > rule.max_rate + _SAME
    worse = rule.max_increase is not None and new - old > rule.max_increase + _SAME
    text = f"{record.failed} failed, {record.unparsable} unparsable, {record.missing} missing of {record.n}"
    allowed = [] if rule.max_rate is None else [f"at most {100 * rule.max_rate:g} %"]
    allowed += [] if rule.max_increase is None else [f"at most {100 * rule.max_increase:g} points more than before"]
    status: Status = "fail" if bad or worse else "pass"
    reason = f"{text}; allowed: {', '.join(allowed)}"
    return replace(
        check,
        metric="without usable answer",
        status=status,
        unit="fraction",
        baseline=old,
        candidate=new,
        reason=reason,
    )


def _latency(check: Check, rule: Latency, pair: Pair) -> Check:
    check = replace(check, metric="seconds per sample", unit="seconds")
    found = latency.slowdown(pair.baseline, pair.candidate)
    if isinstance(found, str):
        return replace(check, reason=found)
    text = (
        f"{found.ratio:.2f} times as long ({found.low:.2f} to {found.high:.2f} over {found.batches} batches), may be "
        f"{1 + rule.max_slowdown:g} times"
    )
    status: Status = "fail" if found.low > 1 + rule.max_slowdown else "pass"
    return replace(check, status=status, baseline=found.baseline_s, candidate=found.candidate_s, reason=text)


def _lost(matching: Matching, book: RuleBook) -> list[Check]:
    text = "the baseline has this row, and the candidate does not: run it, or say `missing: skip` in the rules"
    return [
        Check("every row is there", "missing", run.record.model, run.record.task, run.record.split, book.missing, text)
        for run in matching.lost
    ]


def _direction(record: Record, key: str, own: Mapping[str, Better]) -> Better:
    return own.get(key) or of_record(record, key)
