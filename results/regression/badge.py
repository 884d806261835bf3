"""A badge for a page: one word and a colour, as SVG that needs nothing else."""

from results.harmless import plain
from results.regression.check import Verdict
from results.report import lettering
from results.report.axes import clean, place

_TEXT_PX, _HEIGHT, _PAD = 11, 20, 7
_LABEL_INK = "#3b424a"
_PASSED, _FAILED, _NOTHING = "#1a7f37", "#c4242c", "#6e7781"
"""White text on each of them has a contrast of 4.5 or more (WCAG 2 AA)."""


def badge(verdict: Verdict, label: str = "refbench") -> str:
    """Draw it: "passed 12/12", "2 regressed", or "nothing checked" where every check was skipped or there is none."""
    counts = verdict.counts
    made = counts["pass"] + counts["fail"]
    if counts["fail"]:
        word, ink = f"{counts['fail']} regressed", _FAILED
    elif made:
        word, ink = f"passed {counts['pass']}/{made}", _PASSED
    else:
        word, ink = "nothing checked", _NOTHING
    left, right = _width(label), _width(word)
    words = clean(f"{label}: {word}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{place(left + right)}" height="{_HEIGHT}" role="img" '
        f'aria-label="{words}"><title>{words}</title>'
        f'<clipPath id="corners"><rect width="{place(left + right)}" height="{_HEIGHT}" rx="3"/></clipPath>'
        f'<g clip-path="url(#corners)"><rect width="{place(left)}" height="{_HEIGHT}" fill="{_LABEL_INK}"/>'
        f'<rect x="{place(left)}" width="{place(right)}" height="{_HEIGHT}" fill="{ink}"/></g>'
        f'<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="{_TEXT_PX}">'
        f"{_text(label, left / 2)}{_text(word, left + right / 2)}</g></svg>\n"
    )


def _width(words: str) -> float:
    """Room for a text in a browser's font, which is up to a sixth wider than the one that is measured."""
    return 1.17 * lettering.width(plain(words), _TEXT_PX) + 2 * _PAD


def _text(words: str, x: float) -> str:
    return f'<text x="{place(x)}" y="14">{clean(words)}</text>'
