"""A verdict as GitHub-flavoured Markdown, for the summary of a job or a comment below a change."""

import re
import string
from collections.abc import Sequence

from results.harmless import plain
from results.regression.check import MARKS, Check, Verdict, in_order, number, signed

MOST_ROWS = 200
"""A summary may hold 1 MiB; failed checks come first, so these are never cut off before others."""
_WORDS = {"fail": "failed", "pass": "passed", "skip": "not made"}
_HEAD = ("", "row", "check", "number", "baseline", "candidate", "change", "p", "why")
_RIGHT = {"baseline", "candidate", "change", "p"}
_PUNCTUATION = set(string.punctuation) - set("-+()%,/")
_NAME_MOST = 200


def to_markdown(verdict: Verdict) -> str:
    """Write the summary: the verdict in one line, a table of the checks, and the notes."""
    mark = "✅" if verdict.passed else "❌"
    checks = in_order(verdict.checks)
    shown = checks[:MOST_ROWS]
    lines = [f"### {mark} refbench regress: {escape(verdict.headline())}", ""]
    lines += [f"Candidate {name(verdict.candidate)} against baseline {name(verdict.baseline)}."]
    lines += ["", *_table(shown)] if shown else []
    if len(checks) > len(shown):
        lines += ["", f"{len(checks) - len(shown)} more checks are not shown; none of the shown ones is worse."]
    lines += ["", *(f"- {escape(note)}" for note in verdict.notes)] if verdict.notes else []
    return "\n".join(lines) + "\n"


def escape(text: str) -> str:
    """Text in which nothing is Markdown, HTML, a mention, a link or an emoji: punctuation becomes entities."""
    safe = "".join(f"&#{ord(letter)};" if letter in _PUNCTUATION else letter for letter in plain(text))
    return re.sub(r"(?<!\w)&#64;(?=\w)", "&#64;\u200b", safe)  # a mention is looked for after entities are read


def name(text: str) -> str:
    """A name in the letters of code, which a long one is cut off in."""
    short = plain(text)
    short = short if len(short) <= _NAME_MOST else short[: _NAME_MOST - 1] + "…"
    return f"<code>{escape(short)}</code>" if short else ""


def _table(checks: Sequence[Check]) -> list[str]:
    sides = ["--:" if column in _RIGHT else "---" for column in _HEAD]
    return [_row(_HEAD), _row(sides), *(_row(_cells(check)) for check in checks)]


def _cells(check: Check) -> list[str]:
    unit = check.unit
    return [
        f"{MARKS[check.status]} {_WORDS[check.status]}",
        escape(f"{check.task} {check.split}"),
        escape(check.rule),
        escape(" ".join(filter(None, (check.part, check.metric)))),
        escape(number(check.baseline, unit)),
        escape(number(check.candidate, unit)),
        escape(signed(check.change, unit)),
        "" if check.p is None else escape(f"{check.p:.2g}"),
        escape(check.reason),
    ]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
