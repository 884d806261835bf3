"""Macros of the author's in a paper: where they are defined, and what stands there once they are written out.

Read are definitions by \\newcommand and its like, and by \\def without a pattern, with arguments in braces. Others stay
as they are.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_DEFINITION = re.compile(
    r"\\(?P<how>newcommand|renewcommand|providecommand|DeclareRobustCommand)\*?\s*"
    r"(?:\{\s*\\(?P<braced>[a-zA-Z@]+)\s*\}|\\(?P<bare>[a-zA-Z@]+))\s*(?:\[(?P<count>\d)\])?\s*(?=\{)"
    r"|\\def\s*\\(?P<plain>[a-zA-Z@]+)\s*(?=\{)"
)
_COMMAND = re.compile(r"\\([a-zA-Z@]+)")
_MOST_STEPS = 200
_MOST_CHARS = 20_000


@dataclass(frozen=True)
class Macro:
    """What a macro stands for: its LaTeX, with #1, #2, … for its arguments."""

    body: str
    arguments: int = 0


def definitions(text: str) -> dict[str, Macro]:
    """Find the macros that a file without comments defines, by name; the last definition of a name counts."""
    found: dict[str, Macro] = {}
    for match in _DEFINITION.finditer(text):
        name = match["braced"] or match["bare"] or match["plain"]
        macro = Macro(text[match.end() + 1 : closing(text, match.end())], int(match["count"] or 0))
        found[name] = found.get(name, macro) if match["how"] == "providecommand" else macro
    return found


def expand(raw: str, macros: Mapping[str, Macro]) -> str:
    """Write macros out, also those within others; text with macros that never end stays as it is."""
    text, at = raw, 0
    for _ in range(_MOST_STEPS):
        match = _next(text, at, macros)
        if match is None:
            return text
        macro, end = macros[match[1]], match.end()
        arguments = []
        for _ in range(macro.arguments):
            argument, end = _argument(text, end)
            arguments.append(argument)
        text, at = f"{text[: match.start()]}{{{_filled(macro, arguments)}}}{text[end:]}", match.start()
        if len(text) > _MOST_CHARS:
            break
    return raw


def closing(text: str, at: int) -> int:
    """Position of the brace that closes the one at `at`; the end of the text where none does."""
    depth = 0
    for position in range(at, len(text)):
        if text[position] in "{}" and text[position - 1] != "\\":
            depth += 1 if text[position] == "{" else -1
            if depth == 0:
                return position
    return len(text) - 1


def _next(text: str, at: int, macros: Mapping[str, Macro]) -> re.Match[str] | None:
    return next((match for match in _COMMAND.finditer(text, at) if match[1] in macros), None)


def _argument(text: str, at: int) -> tuple[str, int]:
    """An argument in braces, or one character, and where it ends."""
    start = at + len(text[at:]) - len(text[at:].lstrip())
    if text[start : start + 1] == "{":
        end = closing(text, start)
        return text[start + 1 : end], end + 1
    return text[start : start + 1], start + 1


def _filled(macro: Macro, arguments: list[str]) -> str:
    known = {f"#{number}": argument for number, argument in enumerate(arguments, start=1)}
    return re.sub(r"#[1-9]", lambda found: known.get(found[0], ""), macro.body)
