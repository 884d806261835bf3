"""The triplet grammar (TRP): a plan, then text with triplets of phrase, unit and instances.

    answer   := plan body
    plan     := "<Task>\\n" flag "\\n" { item "\\n" } "</Task>\\n"
    flag     := "Unit decode (True)." | "Unit decode (False)."
    item     := "- Name: " phrase " Unit: " unit " Num: " integer
    body     := { text | triplet }
    triplet  := "<Phrase>" phrase "</Phrase>(<Unit>" unit "</Unit>" ref { ref } ")"
    ref      := "[" i "]<REF>"            i counts from 0 within the triplet

`parse` is total: any string gives an Answer, and what broke the grammar is listed in its diagnostics.
Characters of phrases and text that the grammar uses are escaped as HTML character references, so that
`parse(render(answer)) == answer` for every answer.
"""

import re
from dataclasses import dataclass

UNITS = ("box", "mask", "keypoint", "depth", "point")
TASK, TASK_END = "<Task>", "</Task>"
PHRASE, PHRASE_END = "<Phrase>", "</Phrase>"
UNIT, UNIT_END = "<Unit>", "</Unit>"
REF = "<REF>"
SPECIAL_TOKENS = (TASK, TASK_END, UNIT, UNIT_END, "<v>", "</v>", PHRASE, PHRASE_END, "<VRT>", REF)
"""In the order in which upstream adds them to a tokenizer; `<v>`, `</v>`, `<VRT>` are only kept in the vocabulary."""
FLAG_TRUE, FLAG_FALSE = "Unit decode (True).", "Unit decode (False)."
NAME_FIELD, UNIT_FIELD, COUNT_FIELD = "- Name:", "Unit:", "Num:"

_ITEM = re.compile(r"- Name: (?P<phrase>[^\n]*?) Unit: (?P<unit>\S+) Num: (?P<count>\d+)")
_TRIPLET = re.compile(
    r"<Phrase>(?P<phrase>[^<]*)</Phrase>\s*\(\s*<Unit>\s*(?P<unit>[^<]*?)\s*</Unit>(?P<refs>(?:\s*\[\d+\]\s*<REF>)+)\s*\)"
)
_INDEX = re.compile(r"\[(\d+)\]\s*<REF>")
_TAG = re.compile(r"</?(?:Task|Phrase|Unit|v)>|<(?:REF|VRT)>")
_ESCAPED = re.compile(r"&(amp|lt|colon|NewLine);")
_CHARACTERS = {"amp": "&", "lt": "<", "colon": ":", "NewLine": "\n"}


@dataclass(frozen=True, slots=True)
class PlanItem:
    """What the plan announces: a phrase, its unit and how many instances follow."""

    phrase: str
    unit: str
    count: int


@dataclass(frozen=True, slots=True)
class Text:
    """Running text between triplets."""

    text: str


@dataclass(frozen=True, slots=True)
class Triplet:
    """A phrase, its unit and the number of `<REF>` tokens that stand for its instances."""

    phrase: str
    unit: str
    count: int


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something that broke the grammar: a stable code, the character offset in the answer, and words for people."""

    code: str
    offset: int
    message: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A parsed answer. `ok` says whether the grammar held throughout."""

    plan: tuple[PlanItem, ...] = ()
    body: tuple[Text | Triplet, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def triplets(self) -> tuple[Triplet, ...]:
        """The triplets in body order."""
        return tuple(part for part in self.body if isinstance(part, Triplet))

    @property
    def ok(self) -> bool:
        """Whether nothing broke the grammar."""
        return not self.diagnostics

    @property
    def plan_agrees(self) -> bool:
        """Whether the plan announces exactly the triplets that follow."""
        return [(i.phrase, i.unit, i.count) for i in self.plan] == [(t.phrase, t.unit, t.count) for t in self.triplets]


def escape(text: str, *, in_plan: bool = False) -> str:
    """Escape what the grammar would read: `&` and `<` everywhere; line ends and colons in the plan too."""
    text = text.replace("&", "&amp;").replace("<", "&lt;")
    return text.replace(":", "&colon;").replace("\n", "&NewLine;") if in_plan else text


def unescape(text: str) -> str:
    """Undo `escape`; other ampersands stay as they are."""
    return _ESCAPED.sub(lambda match: _CHARACTERS[match[1]], text)


def answer_for(body: tuple[Text | Triplet, ...]) -> Answer:
    """Build the answer whose plan announces exactly the triplets of its body."""
    items = tuple(PlanItem(part.phrase, part.unit, part.count) for part in body if isinstance(part, Triplet))
    return Answer(plan=items, body=body)


def render(answer: Answer) -> str:
    """Write an answer as text.

    Raises:
        ValueError: a triplet or plan item has an unknown unit or a triplet has no instance.
    """
    parts: tuple[PlanItem | Triplet, ...] = (*answer.plan, *answer.triplets)
    for part in parts:
        if part.unit not in UNITS:
            raise ValueError(f"unit must be one of {', '.join(UNITS)}, got {part.unit!r}")
        if part.count < 1:
            raise ValueError(f"{part.phrase!r} has {part.count} instances: a triplet needs at least one")
    lines = [TASK, FLAG_TRUE if answer.plan else FLAG_FALSE]
    lines += [
        f"{NAME_FIELD} {escape(i.phrase, in_plan=True)} {UNIT_FIELD} {i.unit} {COUNT_FIELD} {i.count}"
        for i in answer.plan
    ]
    return "\n".join([*lines, TASK_END]) + "\n" + "".join(_render_part(part) for part in answer.body)


def _render_part(part: Text | Triplet) -> str:
    if isinstance(part, Text):
        return escape(part.text)
    refs = "".join(f"[{i}]{REF}" for i in range(part.count))
    return f"{PHRASE}{escape(part.phrase)}{PHRASE_END}({UNIT}{part.unit}{UNIT_END}{refs})"


def parse(text: str) -> Answer:
    """Read any text as an answer. Never raises: what cannot be read becomes text and a diagnostic."""
    problems: list[Diagnostic] = []
    plan, start = _parse_plan(text, problems)
    return Answer(plan, _parse_body(text, start, problems), tuple(problems))


def _parse_plan(text: str, problems: list[Diagnostic]) -> tuple[tuple[PlanItem, ...], int]:
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
        match = _ITEM.fullmatch(line) or _ITEM.fullmatch(stripped)
        if match and match["unit"] in UNITS:
            items.append(PlanItem(unescape(match["phrase"]), match["unit"], _integer(match["count"])))
        elif stripped in (FLAG_TRUE, FLAG_FALSE):
            flags.append(stripped)
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


def _parse_body(text: str, start: int, problems: list[Diagnostic]) -> tuple[Text | Triplet, ...]:
    parts: list[Text | Triplet] = []
    position = start
    for match in _TRIPLET.finditer(text, start):
        _add_text(text, position, match.start(), parts, problems)
        position = match.end()
        indices = [_integer(number) for number in _INDEX.findall(match["refs"])]
        if match["unit"] not in UNITS:
            problems.append(Diagnostic("unknown_unit", match.start(), f"no unit is called {match['unit']!r}"))
        if indices != list(range(len(indices))):
            problems.append(Diagnostic("bad_index", match.start(), f"instances must count 0, 1, …, got {indices}"))
        parts.append(Triplet(unescape(match["phrase"]), match["unit"], len(indices)))
    _add_text(text, position, len(text), parts, problems)
    return tuple(parts)


def _add_text(text: str, start: int, end: int, parts: list[Text | Triplet], problems: list[Diagnostic]) -> None:
    piece = text[start:end]
    problems += [
        Diagnostic("stray_tag", start + tag.start(), f"{tag[0]} outside a triplet") for tag in _TAG.finditer(piece)
    ]
    if piece:
        parts.append(Text(unescape(piece)))
