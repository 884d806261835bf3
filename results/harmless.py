"""Text from anywhere, such as names of models, made harmless for a terminal and for Markdown."""

import re
import unicodedata
from html import escape as html_escape

_ACTIVE = re.compile(r"([\\`*_{}\[\]|~#!$])")


def plain(text: str) -> str:
    """One line that any terminal and any font shows: white space becomes single blanks, control characters go."""
    kept = (
        " " if letter.isspace() else letter
        for letter in text
        if letter.isspace() or unicodedata.category(letter)[0] != "C"
    )
    return " ".join("".join(kept).split())


def markdown(text: str) -> str:
    """The same for a cell or a line of Markdown: nothing in it formats, links, ends a cell or is HTML."""
    return html_escape(_ACTIVE.sub(r"\\\1", plain(text)), quote=False)
