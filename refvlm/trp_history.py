"""Answers of published and earlier models in the spelling of their time: read only. The caller names the variant.

| variant | plan | triplet |
|---|---|---|
| old-cot (mid-2024) | one line of flags, then visual tokens where they are generated | unit and index per instance |
| new-cot (mid-2024) | flag and items, unit tags inside the items | either of the other two |
| vt-plug (December 2024) | flag and items, no tags inside the plan | unit once, "[i]<REF>" per instance |
| ref-vlm (March 2025) | the same | the same |

All of them may spend several `<REF>` tokens on one instance; `Triplet.count` counts instances. None of them escapes
anything: what looks like a tag is one, and the last " Unit: " of a plan line ends its phrase. refbench writes the
grammar of `refvlm.trp`, which is that of ref-vlm without the words behind the flag, with escapes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from benchmarks.errors import unknown
from refvlm.trp import (
    CURRENT,
    REF,
    TASK,
    TASK_END,
    Answer,
    Diagnostic,
    Dialect,
    Targets,
    Triplet,
    parse_body,
    parse_plan,
    unit_problems,
)

LEAD = " Class name, target unit and number:"
"""What follows the flag of a plan with items."""
_UNIT_ONCE = r"\s*<Unit>(?P<unit>[^<]*)</Unit>(?P<refs>(?:\s*\[\d+\]\s*(?:<REF>)+)+)\s*"
_UNIT_EACH = r"(?P<each>(?:[\s,]*<Unit>[^<]*</Unit>\s*(?:<REF>)+\s*\[\d+\])+)\s*"
_INDEX_FIRST = re.compile(r"\[(?P<index>\d+)\]\s*(?P<refs>(?:<REF>)+)")
_INDEX_LAST = re.compile(r"<Unit>(?P<unit>[^<]*)</Unit>\s*(?P<refs>(?:<REF>)+)\s*\[(?P<index>\d+)\]")
_FLAGS = re.compile(
    r"<Task>\s*Unit decode \((?P<decode>True|False)\)\.(?: V[RP]T prepared \((?P<prepared>True|False)\)\.)?"
    r" Generate V[RP]T \((?P<generate>True|False)\)\.\s*</Task>\s*(?P<visual><v>(?:<VRT>)*</v>)?"
)


@dataclass(frozen=True)
class _Variant:
    """How a variant is spelled; `flags` where its plan is one line of flags."""

    dialect: Dialect
    flags: bool = False


def parse(text: str, variant: str) -> Answer:
    """Read any text as an answer in the spelling of a variant.

    An old-cot plan names no triplets, so `plan_agrees` is meant for the other variants; that its flag fits what
    follows is checked here.

    Args:
        text: what the model said.
        variant: one of VARIANTS; it is never guessed.

    Returns:
        The answer. What could not be read is text and has a diagnostic; spacing is not complained of.

    Raises:
        UnknownName: there is no such variant.
    """
    if variant not in _VARIANTS:
        raise unknown("variant of the grammar", variant, VARIANTS)
    how = _VARIANTS[variant]
    problems: list[Diagnostic] = []
    if how.flags:
        plan, (start, decode) = (), _flags(text, problems)
        body = parse_body(text, start, problems, how.dialect)
        if decode is not None and decode != any(isinstance(part, Triplet) for part in body):
            problems.insert(0, Diagnostic("bad_flag", 0, f"the plan says unit decode ({decode}), the body does not"))
        return Answer(plan, body, tuple(problems))
    items, start = parse_plan(text, problems, how.dialect)
    return Answer(items, parse_body(text, start, problems, how.dialect), tuple(problems))


def _flags(text: str, problems: list[Diagnostic]) -> tuple[int, bool | None]:
    """Read a plan of flags: where the body begins, and whether the plan promises triplets; None where it is broken."""
    begin, end = text.find(TASK), text.find(TASK_END)
    if begin == -1 or end < begin:
        problems.append(Diagnostic("no_plan", 0, f"the answer has no {TASK} … {TASK_END} block"))
        return 0, None
    if text[:begin].strip():
        problems.append(Diagnostic("text_before_plan", 0, "text stands before the plan"))
    match = _FLAGS.match(text, begin)
    if match is None:
        problems.append(Diagnostic("bad_plan_line", begin, f"not a plan of flags: {text[begin : end + 7][:60]!r}"))
        return end + len(TASK_END), None
    if (match["generate"] == "True") != (match["visual"] is not None):
        said = f"the plan says generate ({match['generate']})"
        problems.append(Diagnostic("bad_visual_tokens", begin, f"{said}, visual tokens: {match['visual'] is not None}"))
    return match.end(), match["decode"] == "True"


def _read_once(match: re.Match[str]) -> Targets:
    """Read "<Unit>unit</Unit>[0]<REF>[1]<REF>"."""
    return _targets([match["unit"].strip()], list(_INDEX_FIRST.finditer(match["refs"])))


def _read_each(match: re.Match[str]) -> Targets:
    """Read "<Unit>unit</Unit><REF>[0], <Unit>unit</Unit><REF>[1]"."""
    instances = list(_INDEX_LAST.finditer(match["each"]))
    return _targets([instance["unit"].strip() for instance in instances], instances)


def _read_either(match: re.Match[str]) -> Targets:
    return _read_each(match) if match["each"] else _read_once(match)


def _targets(units: list[str], instances: list[re.Match[str]]) -> Targets:
    problems = list(unit_problems(units[0]))
    if len(set(units)) > 1:
        problems.append(("mixed_units", f"instances of one phrase have the units {', '.join(sorted(set(units)))[:60]}"))
    indices = [int(instance["index"][:9]) for instance in instances]
    if indices != list(range(len(indices))):
        problems.append(("bad_index", f"instances must count 0, 1, …, got {indices[:20]}"))
    lengths = {instance["refs"].count(REF) for instance in instances}
    if len(lengths) > 1:
        problems.append(("ragged_refs", f"instances have {sorted(lengths)[:20]} {REF} tokens: all must have as many"))
    return Targets(units[0], len(instances), tuple(problems))


def _as_written(text: str) -> str:
    return text


def _end(targets: str) -> re.Pattern[str]:
    return re.compile(rf"</Phrase>\s*\((?:{targets})\)")


_TAGGED_ITEM = re.compile(r"- Name: (?P<phrase>[^\n]*) Unit: <Unit>\s*(?P<unit>\w+)\s*</Unit> Num: (?P<count>\d+)")
_PLAIN_ITEM = re.compile(r"- Name: (?P<phrase>[^\n]*) Unit: (?P<unit>\S+) Num: (?P<count>\d+)")
_RELEASED = _Variant(Dialect(_end(_UNIT_ONCE), _read_once, _PLAIN_ITEM, LEAD, _as_written))
_VARIANTS: Mapping[str, _Variant] = MappingProxyType(
    {
        "old-cot": _Variant(Dialect(_end(_UNIT_EACH), _read_each, CURRENT.item, "", _as_written), flags=True),
        "new-cot": _Variant(Dialect(_end(f"{_UNIT_EACH}|{_UNIT_ONCE}"), _read_either, _TAGGED_ITEM, LEAD, _as_written)),
        "vt-plug": _RELEASED,
        "ref-vlm": _RELEASED,
    }
)
VARIANTS = tuple(_VARIANTS)
"""Names of the variants, the oldest first."""
