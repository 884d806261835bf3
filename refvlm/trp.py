"""The triplet grammar (TRP): a plan, then text with triplets of phrase, unit and instances.

    answer   := plan body
    plan     := "<Task>\\n" flag "\\n" { item "\\n" } "</Task>\\n"
    flag     := "Unit decode (True)." | "Unit decode (False)."
    item     := "- Name: " phrase " Unit: " unit " Num: " integer
    body     := { text | triplet }
    triplet  := "<Phrase>" phrase "</Phrase>(<Unit>" unit "</Unit>" ref { ref } ")"
    phrase   := { text | triplet }        phrases nest; what a phrase says is its text with the inner tags stripped
    ref      := "[" i "]<REF>"            i counts from 0 within the triplet

Triplets are listed in the order of their `<REF>` tokens, so an inner one comes before the one around it; the plan
keeps that order. `parse` is total: any string gives an Answer, and what broke the grammar is listed in its
diagnostics. Characters of phrases and text that the grammar uses are escaped as HTML character references, so that
`parse(render(answer)) == answer` for every answer, and `parse(text)` has no diagnostics exactly when
`render(parse(text)) == text`.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from refvlm.answers import INEXACT, UNITS, Answer, Diagnostic, PlanItem, Text, Triplet, answer_for, spoken

__all__ = ["INEXACT", "UNITS", "Answer", "Diagnostic", "PlanItem", "Text", "Triplet", "answer_for", "spoken"]

TASK, TASK_END = "<Task>", "</Task>"
PHRASE, PHRASE_END = "<Phrase>", "</Phrase>"
UNIT, UNIT_END = "<Unit>", "</Unit>"
REF = "<REF>"
SPECIAL_TOKENS = (TASK, TASK_END, UNIT, UNIT_END, "<v>", "</v>", PHRASE, PHRASE_END, "<VRT>", REF)
"""In the order in which upstream adds them to a tokenizer; `<v>`, `</v>`, `<VRT>` are only kept in the vocabulary."""
FLAG_TRUE, FLAG_FALSE = "Unit decode (True).", "Unit decode (False)."
NAME_FIELD, UNIT_FIELD, COUNT_FIELD = "- Name:", "Unit:", "Num:"

_ITEM = re.compile(r"- Name: (?P<phrase>[^\n]*?) Unit: (?P<unit>\S+) Num: (?P<count>\d+)")
_TARGETS = re.compile(r"</Phrase>\s*\(\s*<Unit>(?P<unit>[^<]*)</Unit>(?P<refs>(?:\s*\[\d+\]\s*<REF>)+)\s*\)")
_INDEX = re.compile(r"\[(\d+)\]\s*<REF>")
_TAG = re.compile(r"</?(?:Task|Phrase|Unit|v)>|<(?:REF|VRT)>")
_ESCAPED = re.compile(r"&(amp|lt|colon|NewLine);")
_CHARACTERS = {"amp": "&", "lt": "<", "colon": ":", "NewLine": "\n"}
DEEPEST = 8
"""Phrases inside each other at most; deeper ones are text."""


def escape(text: str, *, in_plan: bool = False) -> str:
    """Escape what the grammar would read: `&` and `<` everywhere; line ends and colons in the plan too."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return text.replace(":", "&colon;").replace("\n", "&NewLine;") if in_plan else text


def unescape(text: str) -> str:
    """Undo `escape`; other ampersands stay as they are."""
    return _ESCAPED.sub(lambda match: _CHARACTERS[match[1]], text)


def is_grammar(text: str) -> bool:
    """Whether a text holds a token of the grammar."""
    return _TAG.search(text) is not None


@dataclass(frozen=True, slots=True)
class Spelling:
    """How answers are written.

    Attributes:
        lead: what follows the flag of a plan with items.
        written: (text, whether it stands in the plan) -> the same as it is written. Raises ValueError.
    """

    lead: str
    written: Callable[[str, bool], str]


def _escaped(text: str, in_plan: bool) -> str:
    return escape(text, in_plan=in_plan)


PLAIN = Spelling("", _escaped)


def render(answer: Answer, how: Spelling = PLAIN) -> str:
    """Write an answer as text.

    Raises:
        ValueError: a triplet or plan item has an unknown unit or a triplet has no instance; the parts of a phrase say
            something else than the phrase, hold no triplet, or nest deeper than DEEPEST.
    """
    for item in answer.plan:
        _check(item)
    lines = [TASK, FLAG_TRUE + how.lead if answer.plan else FLAG_FALSE]
    lines += [
        f"{NAME_FIELD} {how.written(i.phrase, True)} {UNIT_FIELD} {i.unit} {COUNT_FIELD} {i.count}" for i in answer.plan
    ]
    return "\n".join([*lines, TASK_END]) + "\n" + "".join(_render_part(part, DEEPEST, how) for part in answer.body)


def _check(part: PlanItem | Triplet) -> None:
    if part.unit not in UNITS:
        raise ValueError(f"unit must be one of {', '.join(UNITS)}, got {part.unit!r}")
    if part.count < 1:
        raise ValueError(f"{part.phrase!r} has {part.count} instances: a triplet needs at least one")


def _render_part(part: Text | Triplet, depth: int, how: Spelling) -> str:
    if isinstance(part, Text):
        return how.written(part.text, False)
    _check(part)
    if depth == 0:
        raise ValueError(f"{part.phrase!r} is nested deeper than {DEEPEST} phrases")
    if part.parts and (spoken(part.parts) != part.phrase or all(isinstance(each, Text) for each in part.parts)):
        raise ValueError(f"the parts of {part.phrase!r} must say just that and hold a triplet, got {part.parts}")
    inner = [_render_part(each, depth - 1, how) for each in part.parts]
    phrase = "".join(inner) if inner else how.written(part.phrase, False)
    refs = "".join(f"[{i}]{REF}" for i in range(part.count))
    return f"{PHRASE}{phrase}{PHRASE_END}({UNIT}{part.unit}{UNIT_END}{refs})"


def parse(text: str) -> Answer:
    """Read any text as an answer. Never raises: what cannot be read becomes text and a diagnostic."""
    problems: list[Diagnostic] = []
    plan, start = parse_plan(text, problems, CURRENT)
    answer = Answer(plan, parse_body(text, start, problems, CURRENT), tuple(problems))
    if problems or (written := render(answer)) == text:
        return answer
    pairs = enumerate(zip(text, written, strict=False))
    offset = next((place for place, (here, there) in pairs if here != there), min(len(text), len(written)))
    message = f"{text[offset : offset + 20]!r} would be written {written[offset : offset + 20]!r}"
    return replace(answer, diagnostics=(Diagnostic(INEXACT, offset, message),))


def parse_plan(text: str, problems: list[Diagnostic], dialect: "Dialect") -> tuple[tuple[PlanItem, ...], int]:
    """Read the plan block; return its items and the offset at which the body begins."""
    begin, end = text.find(TASK), text.find(TASK_END)
    if begin == -1 or end < begin:
        problems.append(Diagnostic("no_plan", 0, f"the answer has no {TASK} … {TASK_END} block"))
        return (), 0
    if text[:begin].strip():
        problems.append(Diagnostic("text_before_plan", 0, "text stands before the plan"))
    items: list[PlanItem] = []
    offset = begin + len(TASK)
    flags = []
    for line in text[offset:end].split("\n"):
        stripped = line.strip(" ")
        match = dialect.item.fullmatch(line) or dialect.item.fullmatch(stripped)
        led = bool(dialect.lead) and stripped.lower().endswith(dialect.lead.lower())  # word tokenizers lower the case
        flag = stripped[: -len(dialect.lead)] if led else stripped
        if match and match["unit"] in UNITS and _integer(match["count"]) > 0:
            items.append(PlanItem(dialect.plain(match["phrase"]), match["unit"], _integer(match["count"])))
        elif flag in (FLAG_TRUE, FLAG_FALSE):
            flags.append(flag)
        elif stripped:
            problems.append(Diagnostic("bad_plan_line", offset, f"not a plan line: {stripped[:60]!r}"))
        offset += len(line) + 1
    if flags != [FLAG_TRUE if items else FLAG_FALSE]:
        problems.append(Diagnostic("bad_flag", begin, f"the plan has {len(items)} items but says {flags}"))
    start = end + len(TASK_END)
    return tuple(items), start + 1 if text[start : start + 1] == "\n" else start


def _integer(digits: str) -> int:
    """Read a count; absurdly long digit strings are capped so that no answer can stall the parser."""
    return int(digits[:9])


@dataclass(frozen=True, slots=True)
class Targets:
    """What stands behind a phrase: its unit, number of instances, and what is wrong with it (code and words)."""

    unit: str
    count: int
    problems: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Dialect:
    """How a variant of the grammar is spelled.

    Attributes:
        targets: matches from "</Phrase>" to the end of the targets.
        read: what such a match says.
        item: matches an item of the plan; groups `phrase`, `unit` and `count`.
        lead: what may follow the flag.
        plain: text as written -> text as meant.
    """

    targets: re.Pattern[str]
    read: Callable[[re.Match[str]], Targets]
    item: re.Pattern[str]
    lead: str
    plain: Callable[[str], str]


def read_group(match: re.Match[str]) -> Targets:
    """Read "(<Unit>unit</Unit>[0]<REF>[1]<REF>)": the groups `unit` and `refs` of a match."""
    indices = [_integer(number) for number in _INDEX.findall(match["refs"])]
    problems = unit_problems(unit := match["unit"].strip())
    if indices != list(range(len(indices))):
        problems = (*problems, ("bad_index", f"instances must count 0, 1, …, got {indices[:20]}"))
    return Targets(unit, len(indices), problems)


def unit_problems(unit: str) -> tuple[tuple[str, str], ...]:
    """Complain of a unit that there is not."""
    return () if unit in UNITS else (("unknown_unit", f"no unit is called {unit[:40]!r}"),)


CURRENT = Dialect(_TARGETS, read_group, _ITEM, "", unescape)


@dataclass(frozen=True, slots=True)
class _Opened:
    """Where a phrase began that has not ended yet."""

    offset: int


def parse_body(text: str, start: int, problems: list[Diagnostic], dialect: Dialect) -> tuple[Text | Triplet, ...]:
    """Read what follows the plan; every character ends up in a text or a triplet, tags that fit nowhere in texts."""
    return _Body(text, problems, dialect).read(start)


class _Body:
    """One pass over the tags, with a stack of the phrases that are open: linear in the text, whatever it holds."""

    def __init__(self, text: str, problems: list[Diagnostic], dialect: Dialect) -> None:
        self._text, self._problems, self._dialect = text, problems, dialect
        self._parts: list[str | _Opened | Triplet] = []
        self._open: list[int] = []
        """Places in `_parts` of the phrases that are open, the outermost first."""

    def read(self, start: int) -> tuple[Text | Triplet, ...]:
        before = len(self._problems)
        position = start
        while tag := _TAG.search(self._text, position):
            self._parts.append(self._text[position : tag.start()])
            position = self._take(tag)
        self._parts.append(self._text[position:])
        parts = self._joined(self._parts)
        self._problems[before:] = sorted(self._problems[before:], key=lambda each: each.offset)
        return parts

    def _take(self, tag: re.Match[str]) -> int:
        """Handle a tag; return where reading goes on."""
        if tag[0] == PHRASE:
            if len(self._open) == DEEPEST:
                message = f"more than {DEEPEST} phrases inside each other"
                self._problems.append(Diagnostic("too_deep", tag.start(), message))
                del self._open[0]
            self._open.append(len(self._parts))
            self._parts.append(_Opened(tag.start()))
            return tag.end()
        targets = self._dialect.targets.match(self._text, tag.start()) if self._open else None
        if targets is None:
            self._problems.append(_stray(tag.start(), tag[0]))
            self._parts.append(tag[0])
            self._open.clear()  # no triplet holds a tag that fits nowhere
            return tag.end()
        self._close(targets)
        return targets.end()

    def _close(self, match: re.Match[str]) -> None:
        targets = self._dialect.read(match)
        begin = self._open.pop()
        opened = self._parts[begin]
        assert isinstance(opened, _Opened)
        self._problems += [Diagnostic(code, opened.offset, message) for code, message in targets.problems]
        parts = self._joined(self._parts[begin + 1 :])
        nests = any(isinstance(part, Triplet) for part in parts)
        self._parts[begin:] = [Triplet(spoken(parts), targets.unit, targets.count, parts if nests else ())]

    def _joined(self, parts: Sequence[str | _Opened | Triplet]) -> tuple[Text | Triplet, ...]:
        """Join neighbouring texts; phrases that never ended are text too."""
        out: list[Text | Triplet] = []
        run: list[str] = []
        for part in parts:
            if isinstance(part, Triplet):
                self._flush(run, out)
                out.append(part)
            elif isinstance(part, _Opened):
                self._problems.append(_stray(part.offset, PHRASE))
                run.append(PHRASE)
            else:
                run.append(part)
        self._flush(run, out)
        return tuple(out)

    def _flush(self, run: list[str], out: list[Text | Triplet]) -> None:
        if text := "".join(run):
            out.append(Text(self._dialect.plain(text)))
        run.clear()


def _stray(offset: int, tag: str) -> Diagnostic:
    return Diagnostic("stray_tag", offset, f"{tag} outside a triplet")
