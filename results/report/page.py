"""A report as one HTML file that opens anywhere, without a network: what stands on the page, and how it is written.

Words of models and files are escaped by the templates, or travel as JSON that the page's script writes as text only. A
content security policy lets nothing run but that script, and nothing be fetched.
"""

import base64
import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from results.report import axes

TEMPLATE = Path(__file__).with_name("template")
RUNS_META = "refbench-runs"
"""Name of the `meta` element that holds the ids of the runs."""


@dataclass(frozen=True, slots=True)
class Number:
    """A score of one run, ready to be read.

    Attributes:
        text: the value, or "undefined".
        interval: its 95 % interval in words; empty without one.
        bar: where value, low and high lie on a scale from 0 to 100; None where there is no such scale.
    """

    text: str
    interval: str = ""
    bar: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One metric: its key, what it means, a number per run; with two runs what changed, and whether for the better."""

    key: str
    meaning: str
    numbers: tuple[Number, ...]
    headline: bool = False
    change: str = ""
    verdict: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A plot as SVG text whose words are escaped, made by `results.report.plot` and its neighbours; words below it."""

    svg: str
    caption: str = ""
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Words and numbers in rows; `numeric` names the columns that are aligned right."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of the page with a place in its table of contents."""

    key: str
    title: str
    lead: str = ""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """An encoded picture with its legend; `src` and `key` are data addresses."""

    src: str
    title: str
    size: tuple[int, int]
    key: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """What one run answered to a sample: `value` is the headline of its metric for this sample alone."""

    value: float | None
    status: str = "ok"
    text: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample in the list: one answer per run."""

    id: str
    question: str
    truth: str
    answers: tuple[Said, ...]
    tags: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Gallery:
    """A row of pictured samples: `places` in the list."""

    title: str
    lead: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """All of a report.

    Attributes:
        title: the heading, such as "refvlm on coco_detection".
        subtitle: below it.
        marks: short facts in the head of the page.
        notes: what a reader must know before reading a number.
        runs: name of each run, one or two.
        metric: key of the value that samples carry, and whether higher is better.
        cards: metrics, the headline first.
        chapters: curves, slices, breakdowns, failures, in their order.
        galleries: shown before the list.
        entries: the samples.
        appendix: chapters behind the samples: what was run, all numbers.
        factor: what the values of samples are multiplied by for reading: 100 for fractions, else 1.
        in_words: whether answers are words to be read in the galleries, too.
        run_ids: ids of the runs, for programs.
    """

    title: str
    subtitle: str
    marks: tuple[str, ...]
    notes: tuple[str, ...]
    runs: tuple[str, ...]
    metric: tuple[str, bool]
    cards: tuple[Card, ...]
    chapters: tuple[Chapter, ...]
    galleries: tuple[Gallery, ...]
    entries: tuple[Entry, ...]
    appendix: tuple[Chapter, ...] = ()
    factor: float = 1.0
    in_words: bool = False
    run_ids: tuple[str, ...] = ()


def render(page: Page) -> str:
    """Write a page as HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=FileSystemLoader(TEMPLATE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["svg"] = Markup
    script = (TEMPLATE / "script.js").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    text = environment.get_template("report.html").render(
        page=page,
        runs_meta=RUNS_META,
        script=Markup(script),
        style=Markup(_style()),
        policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'",
        data=Markup(_data(page)),
        value=lambda each: value_text(each, page.factor),
    )
    return clean(text)


def value_text(value: float | None, factor: float = 1.0) -> str:
    """A score for people: fractions by 100 with two decimals, others with four digits."""
    if value is None or not math.isfinite(value):
        return "undefined"
    return f"{100 * value:.2f}" if factor == 100 else f"{value:.4g}"


def clean(text: str) -> str:
    """Text that UTF-8 can hold; half of a surrogate pair becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def cut(text: str, most_bytes: int) -> str:
    """Cut text to so many bytes of UTF-8, and say that it was cut."""
    whole = text.encode("utf-8", "replace")
    if len(whole) <= most_bytes:
        return whole.decode("utf-8")
    kept = whole[:most_bytes].decode("utf-8", "ignore")
    return f"{kept}… ({len(text):,} characters)"


def _style() -> str:
    themes = (("", axes.LIGHT), ("dark", axes.DARK))
    light, dark = (declarations for _, declarations in themes)
    plots = (
        f":root{{{light}}}"
        f"@media(prefers-color-scheme:dark){{:root:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{{{dark}}}"
    )
    return (TEMPLATE / "style.css").read_text("utf-8") + plots


def _data(page: Page) -> str:
    """What the script needs, as JSON that no HTML parser can take for an end tag or a comment."""
    tags = sorted({tag for entry in page.entries for tag in entry.tags})
    content = {
        "runs": page.runs,
        "metric": page.metric[0],
        "higher": page.metric[1],
        "factor": page.factor,
        "tags": tags,
        "entries": [_entry(entry, tags) for entry in page.entries],
    }
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for unsafe in "<>&\u2028\u2029":
        text = text.replace(unsafe, f"\\u{ord(unsafe):04x}")
    return clean(text)


def _entry(entry: Entry, tags: Sequence[str]) -> list[Any]:
    answers = [[_finite(each.value), each.status, each.text, each.error] for each in entry.answers]
    pictures = [[each.src, each.title, *each.size, each.key, list(each.lines)] for each in entry.pictures]
    return [entry.id, entry.question, entry.truth, answers, [entry.tags.get(tag) for tag in tags], pictures]


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, 6)
