"""Comparisons as text, Markdown and JSON."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tabulate import tabulate

from results.compare import Collection, Comparison
from results.harmless import markdown as harmless_markdown
from results.harmless import plain
from results.paired import Change
from results.slices import SliceChange

_HEAD = ("score", "A", "B", "B - A", "95% interval", "p", "test", "detectable", "verdict")
_TASKS = ("task", "split", "score", "A", "B", "B - A", "95% interval", "p", "p (Holm)", "n", "verdict")
_SLICES = ("tag", "value", "n", "A", "B", "B - A", "95% interval", "p (Holm)")
NOTES = (
    "fractions are times 100; a verdict needs p < 0.05; detectable: the smallest true difference that these samples "
    "show so in 80 of 100 repetitions."
)
HOLM_NOTE = "p (Holm) allows for the number of tasks; the verdict rests on it."
UNTOLD = (
    "the slices come from the records: these runs do not say which sample is in which, so there is no interval "
    "(run them again for one)"
)


def one_text(found: Comparison, markdown: bool = False, links: Mapping[str, str] | None = None) -> str:
    """Lay out one comparison for people; `links` are addresses of samples in a report, by their ids."""
    parts = [
        _title(found, markdown),
        _table(_HEAD, [_change_row(found, change) for change in found.changes], markdown),
        _flips(found),
        _moved(found, markdown, links or {}),
        _slices(found, markdown),
        *([f"undefined for at least one: {', '.join(map(plain, found.undefined))}"] if found.undefined else []),
        NOTES,
    ]
    return "\n\n".join(part for part in parts if part)


def many_text(found: Collection, markdown: bool = False) -> str:
    """Lay out a comparison of collections for people: one line a task, then what could not be compared."""
    body = [_task_row(each) for each in found.comparisons]
    parts = [_table(_TASKS, body, markdown)] if body else []
    counts = dict.fromkeys(("better", "worse", "no evidence", "changed"), 0)
    for each in found.comparisons:
        counts[each.verdict(each.headline, each.adjusted)] += 1
    parts.append(
        "B against A: " + ", ".join(f"{count} {name}" for name, count in counts.items() if count or name != "changed")
    )
    say = harmless_markdown if markdown else plain
    parts += [f"not compared, {say(name)}: {say(why)}" for name, why in found.refused.items()]
    for side, names in (("A", found.only_a), ("B", found.only_b)):
        parts += [f"only in {side}: {', '.join(map(say, names))}"] if names else []
    return "\n\n".join([*parts, f"{NOTES}\n{HOLM_NOTE}"])


def to_json(found: Comparison, links: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Build the answer for machines; undefined numbers are null, and so are addresses of samples in no report."""
    record = found.a.record
    return {
        "a": _run(found, "a"),
        "b": _run(found, "b"),
        **{name: getattr(record, name) for name in ("task", "dataset", "split", "data", "n")},
        "protocol": found.code,
        "images": found.headline.units,
        "headline": found.headline.key,
        "p_holm": found.adjusted,
        "metrics": {change.key: _change(found, change) for change in found.changes},
        "undefined": list(found.undefined),
        "flips": {
            "by": found.flips.by, "binary": found.flips.binary, "fixed": found.flips.fixed,
            "broken": found.flips.broken, "unchanged": found.flips.unchanged, "undefined": found.flips.undefined,
        },
        "moved": [
            {"sample_id": each.id, "a": _number(each.a), "b": _number(each.b), "report": (links or {}).get(each.id)}
            for each in found.moved
        ],
        "slices": [_slice(each) for each in found.slices],
    }  # fmt: skip


def collection_json(found: Collection) -> dict[str, Any]:
    """Build the answer for machines."""
    return {
        "comparisons": [
            {**to_json(each), "verdict": each.verdict(each.headline, each.adjusted)} for each in found.comparisons
        ],
        "only_a": list(found.only_a),
        "only_b": list(found.only_b),
        "refused": dict(found.refused),
    }


def _title(found: Comparison, markdown: bool) -> str:
    record = found.a.record
    images = f"{record.n} samples on {found.headline.units} images, data {record.data}, protocol {found.code}"
    lines = [
        f"A  {_run_line(found, 'a')}",
        f"B  {_run_line(found, 'b')}",
        f"{plain(record.dataset)} {plain(record.split)}: {images}",
    ]
    return "\n".join(f"- {harmless_markdown(line)}" for line in lines) if markdown else "\n".join(lines)


def _run_line(found: Comparison, side: str) -> str:
    run = found.a if side == "a" else found.b
    return f"{plain(run.name)} ({plain(run.id)})"


def _change_row(found: Comparison, change: Change) -> list[str]:
    unit = found.a.record.units.get(change.key, "")
    return [
        plain(change.key), _show(change.a, unit), _show(change.b, unit), _signed(change.difference, unit),
        _span(change, unit), _p(change.p), change.test, _show(change.detectable, unit), found.verdict(change),
    ]  # fmt: skip


def _task_row(found: Comparison) -> list[str]:
    change, record = found.headline, found.a.record
    unit = record.units.get(change.key, "")
    return [
        plain(record.task), plain(record.split), plain(change.key), _show(change.a, unit), _show(change.b, unit),
        _signed(change.difference, unit), _span(change, unit), _p(change.p), _p(found.adjusted), str(change.n),
        found.verdict(change, found.adjusted),
    ]  # fmt: skip


def _flips(found: Comparison) -> str:
    flips = found.flips
    names = ("fixed", "broken", "unchanged") if flips.binary else ("better", "worse", "unchanged")
    counts = zip((flips.fixed, flips.broken, flips.unchanged), names, strict=True)
    line = f"samples by {plain(flips.by)}: " + ", ".join(f"{count} {name}" for count, name in counts)
    return line + (f", {flips.undefined} without a score of their own" if flips.undefined else "")


def _moved(found: Comparison, markdown: bool, links: Mapping[str, str]) -> str:
    if not found.moved:
        return "" if found.flips.fixed + found.flips.broken else "no sample changed"
    key = found.headline.key
    unit = found.a.record.units.get(key, "")
    head = ("sample", "A", "B", "B - A", *(["report"] if links else []))
    body = [
        [plain(each.id), _show(each.a, unit), _show(each.b, unit), _signed(each.b - each.a, unit)]
        + ([_link(links.get(each.id, ""), markdown)] if links else [])
        for each in found.moved
    ]
    return f"samples that changed most, {plain(key)}:\n\n" + _table(head, body, markdown)


def _link(address: str, markdown: bool) -> str:
    return f"[open]({address})" if markdown and address else address


def _slices(found: Comparison, markdown: bool) -> str:
    if not found.slices:
        return ""
    unit = found.a.record.units.get(found.headline.key, "")
    body = []
    for each in found.slices:
        span = "" if each.change is None else _span(each.change, unit)
        numbers = [_show(each.a, unit), _show(each.b, unit), _signed(each.b - each.a, unit), span, _p(each.adjusted)]
        body.append([plain(each.tag), plain(each.value), str(each.n), *numbers])
    note = f"\n\n{UNTOLD}" if all(each.change is None for each in found.slices) else ""
    return f"{plain(found.headline.key)} by slice:\n\n" + _table(_SLICES, body, markdown) + note


def _table(head: Sequence[str], body: Sequence[Sequence[str]], markdown: bool) -> str:
    words = {"score", "test", "verdict", "task", "split", "tag", "value", "sample", "report"}
    sides = ["left" if name in words else "right" for name in head]
    shown = [
        [
            harmless_markdown(cell) if markdown and name != "report" else cell
            for name, cell in zip(head, row, strict=True)
        ]
        for row in body
    ]
    form = "pipe" if markdown else "simple"
    return tabulate(shown, list(head), tablefmt=form, colalign=sides, disable_numparse=True)


def _change(found: Comparison, change: Change) -> dict[str, Any]:
    names = ("a", "b", "difference", "low", "high", "p", "error", "detectable")
    numbers = {name: _number(getattr(change, name)) for name in names}
    return {**numbers, "test": change.test, "better": found.directions[change.key], "verdict": found.verdict(change)}


def _slice(each: SliceChange) -> dict[str, Any]:
    change = each.change
    sure = (
        {"low": None, "high": None, "p": None}
        if change is None
        else {k: _number(getattr(change, k)) for k in ("low", "high", "p")}
    )
    return {
        "tag": each.tag,
        "value": each.value,
        "n": each.n,
        "a": each.a,
        "b": each.b,
        **sure,
        "p_holm": each.adjusted,
    }


def _run(found: Comparison, side: str) -> dict[str, Any]:
    run = found.a if side == "a" else found.b
    return {"id": run.id, "model": run.record.model, "run": run.record.run, "commit": run.commit}


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _show(value: float, unit: str) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{100 * value:.2f}" if unit == "fraction" else f"{value:.4f}"


def _signed(value: float, unit: str) -> str:
    text = _show(value, unit)
    return text if text.startswith("-") or not math.isfinite(value) else f"+{text}"


def _span(change: Change, unit: str) -> str:
    if not (math.isfinite(change.low) and math.isfinite(change.high)):
        return "–"
    return f"{_signed(change.low, unit)} to {_signed(change.high, unit)}"


def _p(value: float | None) -> str:
    if value is None:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"
