"""Boxes in text: one reader and one writer for each declared form. A reader takes its own form and nothing else.

`list`: [x1, y1, x2, y2] in plain text. `json`: objects with a key, bare or in a code fence. `box_tags`: <box>…</box>,
with a name in <ref>…</ref>. `box_tokens`: <|box_start|>(x1,y1),(x2,y2)<|box_end|>. `loc_tokens`: <loc0000> four times,
then a name. `location_tokens`: a name, then <loc_0> four times. `patch_tokens`: <object> with two <patch_index_0000>.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.schema import Box
from tasks.models.coordinates import ContractError, Convention, Form, Picture, decode, encode

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_BRACKETS = re.compile(r"\[([^\[\]]*)\]")
_FENCE = re.compile(r"```(?:json)?\s*(.*?)```", re.DOTALL)
_ONLY_NUMBERS = re.compile(r"[\s\d.,()\[\]+eE-]*")
_LOC_RUN = re.compile(r"((?:<loc\d{4}>)+)([^<;]*)")
_LOCATION_RUN = re.compile(r"([^<>]*)((?:<loc_\d+>)+)")
_OBJECT = re.compile(r"(?:<phrase>(.*?)</phrase>)?\s*<object>(.*?)</object>", re.DOTALL)
_PATCH_PAIR = re.compile(r"\s*<patch_index_(\d{4})>\s*<patch_index_(\d{4})>\s*")
_PATCHES = 32
_MARKS: Mapping[str, tuple[str, str, str, str]] = {
    "box_tags": ("<box>", "</box>", "<ref>", "</ref>"),
    "box_tokens": ("<|box_start|>", "<|box_end|>", "<|object_ref_start|>", "<|object_ref_end|>"),
}


@dataclass(frozen=True)
class Spoken:
    """A box as it stands in a text: its four numbers in the order spoken, and the name beside it or ""."""

    numbers: tuple[float, ...]
    label: str = ""


def boxes(text: str, convention: Convention, picture: Picture) -> list[tuple[Box, str]]:
    """Read every box of an answer.

    Args:
        text: the answer, special tokens included.
        convention: the declaration.
        picture: sizes of what was asked about.

    Returns:
        (xyxy pixels of the original, name or "") in answer order; empty only where the form can say "none".

    Raises:
        ContractError: there is no box in the declared form, or one is not in the declared space.
    """
    return [(decode(each.numbers, convention, picture), each.label) for each in read(text, convention)]


def read(text: str, convention: Convention) -> list[Spoken]:
    """Read the numbers of every box as they stand in an answer, whatever their space.

    Raises:
        ContractError: there is no box in the declared form.
    """
    return _READERS[convention.form](text, convention)


def write(box_xyxy: Box, convention: Convention, picture: Picture, label: str = "") -> str:
    """Say a box, xyxy pixels of the original, in a convention: what a perfect answer looks like."""
    numbers = encode(box_xyxy, convention, picture)
    return _WRITERS[convention.form](Spoken(numbers, label), convention)


def _no_box(convention: Convention) -> ContractError:
    return ContractError(f"no box in the answer: boxes are declared as {convention.form}, {convention.words()}")


def _read_list(text: str, convention: Convention) -> list[Spoken]:
    found = [inside for inside in _BRACKETS.findall(text) if _ONLY_NUMBERS.fullmatch(inside) and inside.strip()]
    if not found:
        raise _no_box(convention)
    return [Spoken(_numbers(inside)) for inside in found]


def _read_json(text: str, convention: Convention) -> list[Spoken]:
    fenced = _FENCE.search(text)
    body = fenced[1] if fenced else text
    start = min((body.find(each) for each in "[{" if each in body), default=-1)
    if start < 0:
        raise _no_box(convention)
    try:
        content, _ = json.JSONDecoder().raw_decode(body, start)
    except ValueError as error:
        raise ContractError(f"the answer is no JSON ({error}): boxes are declared as json") from None
    return [_entry(each, convention) for each in (content if isinstance(content, list) else [content])]


def _entry(entry: Any, convention: Convention) -> Spoken:
    numbers = entry.get(convention.key) if isinstance(entry, dict) else None
    good = isinstance(numbers, list) and all(type(each) in (int, float) for each in numbers)
    if not good or not isinstance(numbers, list):
        raise ContractError(f"{json.dumps(entry)[:80]} has no list of numbers under the declared key {convention.key}")
    return Spoken(tuple(numbers), str(entry.get("label", "")))


def _read_marked(text: str, convention: Convention) -> list[Spoken]:
    before, after, ref, unref = _MARKS[convention.form]
    pattern = rf"(?:{re.escape(ref)}(.*?){re.escape(unref)}\s*)?{re.escape(before)}(.*?){re.escape(after)}"
    found = re.findall(pattern, text, re.DOTALL)
    if not found or text.count(before) != len(found):
        raise _no_box(convention) if not found else ContractError(f"{before} is not closed by {after}")
    spoken: list[Spoken] = []
    for label, inside in found:
        if not _ONLY_NUMBERS.fullmatch(inside):
            raise ContractError(f"{before}{inside[:60]}{after} holds more than numbers")
        spoken += [Spoken(four, label) for four in _fours(_numbers(inside))]
    return spoken


def _read_loc(text: str, convention: Convention) -> list[Spoken]:
    runs = [(run, label) for run, label in _LOC_RUN.findall(text)]
    return _of_runs(runs, convention)


def _read_location(text: str, convention: Convention) -> list[Spoken]:
    return _of_runs([(run, label) for label, run in _LOCATION_RUN.findall(text)], convention)


def _of_runs(runs: Sequence[tuple[str, str]], convention: Convention) -> list[Spoken]:
    if not runs:
        raise _no_box(convention)
    return [Spoken(four, label.strip()) for run, label in runs for four in _fours(_numbers(run))]


def _read_patches(text: str, convention: Convention) -> list[Spoken]:
    spoken: list[Spoken] = []
    for label, inside in _OBJECT.findall(text):
        for pair in inside.split("</delimiter_of_multi_objects/>"):
            match = _PATCH_PAIR.fullmatch(pair)
            if match is None:
                raise ContractError(f"<object>{inside[:60]}</object> holds no pair of patches")
            first, last = int(match[1]), int(match[2])
            corners = (first % _PATCHES, first // _PATCHES, last % _PATCHES, last // _PATCHES)
            spoken.append(Spoken(corners, label.strip()))
    if not spoken:
        raise _no_box(convention)
    return spoken


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(each) for each in _NUMBER.findall(text))


def _fours(numbers: tuple[float, ...]) -> list[tuple[float, ...]]:
    if not numbers or len(numbers) % 4:
        raise ContractError(f"a box has four numbers, got {len(numbers)}")
    return [numbers[start : start + 4] for start in range(0, len(numbers), 4)]


def _write_list(spoken: Spoken, convention: Convention) -> str:
    return "[" + ", ".join(_spell(each, convention) for each in spoken.numbers) + "]"


def _write_json(spoken: Spoken, convention: Convention) -> str:
    whole = [float(_spell(each, convention)) for each in spoken.numbers]
    numbers = [int(each) if convention.space != "unit" else each for each in whole]
    return "```json\n" + json.dumps([{convention.key: numbers, "label": spoken.label}]) + "\n```"


def _write_marked(spoken: Spoken, convention: Convention) -> str:
    before, after, ref, unref = _MARKS[convention.form]
    x1, y1, x2, y2 = (_spell(each, convention) for each in spoken.numbers)
    inside = f"[[{x1}, {y1}, {x2}, {y2}]]" if convention.form == "box_tags" else f"({x1},{y1}),({x2},{y2})"
    return (f"{ref}{spoken.label}{unref}" if spoken.label else "") + before + inside + after


def _write_loc(spoken: Spoken, convention: Convention) -> str:
    return "".join(f"<loc{int(each):04d}>" for each in spoken.numbers) + (f" {spoken.label}" if spoken.label else "")


def _write_location(spoken: Spoken, convention: Convention) -> str:
    return spoken.label + "".join(f"<loc_{int(each)}>" for each in spoken.numbers)


def _write_patches(spoken: Spoken, convention: Convention) -> str:
    x1, y1, x2, y2 = (int(each) for each in spoken.numbers)
    phrase = f"<phrase>{spoken.label}</phrase>" if spoken.label else ""
    first, last = y1 * _PATCHES + x1, y2 * _PATCHES + x2
    return f"{phrase}<object><patch_index_{first:04d}><patch_index_{last:04d}></object>"


def _spell(number: float, convention: Convention) -> str:
    return f"{number:.{convention.digits}f}" if convention.space == "unit" else f"{number:.0f}"


_READERS: Mapping[Form, Callable[[str, Convention], list[Spoken]]] = {
    "list": _read_list,
    "json": _read_json,
    "box_tags": _read_marked,
    "box_tokens": _read_marked,
    "loc_tokens": _read_loc,
    "location_tokens": _read_location,
    "patch_tokens": _read_patches,
}
_WRITERS: Mapping[Form, Callable[[Spoken, Convention], str]] = {
    "list": _write_list,
    "json": _write_json,
    "box_tags": _write_marked,
    "box_tokens": _write_marked,
    "loc_tokens": _write_loc,
    "location_tokens": _write_location,
    "patch_tokens": _write_patches,
}
