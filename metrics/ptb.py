"""Captions to tokens, as coco-caption does it: Stanford's PTBTokenizer (CoreNLP 3.4.1), then punctuation removed.

Written anew from the observed behaviour of `PTBTokenizer -preserveLines -lowerCase`, so no Java is needed; rules and
characters are in `ptb_rules` and `ptb_characters`. Measured against the jar that pycocoevalcap 1.2 bundles: equal on
21,201 real texts (captions, expressions, answers, prose, program text), on 582,498 strings that exhaust small alphabets
of letters, digits, quotes and marks, and on 99.97 % of 60,000 texts glued from odd pieces. What still differs are web
addresses stuck to other text without a space ("C++www.foo.com") and tags or ellipses that cross two captions.
Some abbreviations look ahead into the next caption, as in the official tool, so the order of captions can matter.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from metrics.ptb_characters import FOLDING, KEPT_SPACE, NOTHING, OTHER_HYPHENS
from metrics.ptb_rules import match

PUNCTUATION = frozenset(
    ["''", "'", "``", "`", "-LRB-", "-RRB-", "-LCB-", "-RCB-", ".", "?", "!", ",", ":", "-", "--", "...", ";"]
)
"""Tokens that coco-caption removes. Brackets come lower-cased out of the tokenizer and so are kept."""

LINE_SEPARATORS = "\r\v\f\u2028\u2029"
"""Characters at which the official tool splits one caption into two, shifting every later one onto a wrong image."""

_TO_SPACES = str.maketrans(dict.fromkeys("\n" + LINE_SEPARATORS, " "))
_WRITTEN = str.maketrans({
    "(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-", " ": KEPT_SPACE,
    "\xad": "", "¢": "cents", "£": "#", "\x80": "$", "¤": "$", "₠": "$", "€": "$", "…": "...",
    "¼": "1/4", "½": "1/2", "¾": "3/4", "⅓": "1/3", "⅔": "2/3", '"': "''",
    "\x96": "--", "\x97": "--", "–": "--", "—": "--", "―": "--",
})  # fmt: skip
_QUOTES = str.maketrans({
    "‘": "`", "‛": "`", "‹": "`", "\x91": "`", "’": "'", "›": "'", "\x92": "'",
    "“": "``", "«": "``", "\x93": "``", "”": "''", "»": "''", "\x94": "''",
})  # fmt: skip
_ENTITIES = {
    "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": "''", "&apos;": "'", "&nbsp;": "", "&mdash;": "--",
    "&ndash;": "--", "&md;": "--",
}  # fmt: skip
_TWO_WORDS = frozenset(["cannot", "gonna", "wanna", "gotta", "lemme", "gimme"])
_QUOTED = re.compile("(?:n[’\x92‘\x91]t|[’\x92](?:s|d|m|ll|re|ve)|[`‘’‚‛“”„‟«»‹›\x91-\x94]+)", re.IGNORECASE)
_ACROSS_SPACES = re.compile(
    r"[<\xa0\t]|[\d)] +\(?\d|\. +[.\d]|(?<![^\W\d_])[^\W\d_]\.(?: |$)|(?i:\b(?:art|ca|figs?|nos?|op|pp|prop)\. ?$)"
)
"""Where a token may depend on what follows a space."""


def tokenize(captions: Sequence[str]) -> list[str]:
    """Tokenize captions in the order in which the official tool would read them.

    Args:
        captions: texts; line separators within one count as spaces.

    Returns:
        Tokens of each caption, lower-cased, joined by single spaces; "" where none is left.
    """
    texts = [caption.translate(_TO_SPACES) for caption in captions]
    following = [*texts[1:], ""][: len(texts)]
    return [_tokenize(text, after) for text, after in zip(texts, following, strict=True)]


def _tokenize(text: str, following: str) -> str:
    if _ACROSS_SPACES.search(text):
        return _scan(f"{text}\n{following}\n\n", len(text))
    return " ".join(filter(None, map(_chunk, text.split(" "))))


@lru_cache(maxsize=1 << 18)
def _chunk(text: str) -> str:
    """Tokenize text without spaces: captions repeat their words, so most are found in the cache."""
    lower = text.lower()
    if text.isascii() and text.isalpha() and lower not in _TWO_WORDS:
        return lower
    return _scan(f"{text}\n\n", len(text))


def _scan(text: str, length: int) -> str:
    """Tokenize the first `length` characters of a text; the rest is context."""
    folded = text.translate(FOLDING)
    tokens, place = [], 0
    while place < length:
        if folded[place] in (" ", KEPT_SPACE, NOTHING):
            place += 1
            continue
        end, verbatim = match(folded, place)
        token = text[place:end].lower() if verbatim else _write(text[place:end].lower())
        if token and token not in PUNCTUATION:
            tokens.append(token)
        place = end
    return " ".join(tokens)


def _write(token: str) -> str:
    """Write a lower-case token as the official tool prints it."""
    if token in _ENTITIES:
        return _ENTITIES[token]
    if _QUOTED.fullmatch(token):
        return token.translate(_QUOTES)
    if not token.strip("-"):
        return token if len(token) > 4 else "--"
    if not token.strip(". "):
        return "..." if len(token) > 1 else "."
    if token in OTHER_HYPHENS:
        return ""
    return token.translate(_WRITTEN).replace("&amp;", "&")
