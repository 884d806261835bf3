"""How VQA answers are normalised before they are compared: the rules of the official evaluation, oddities included."""

import re
from functools import lru_cache

PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_DIGIT_COMMA_DIGIT = re.compile(r"\d,\d")
_LOOSE_PERIOD = re.compile(r"\.(?!\d)")
PERIODS_AT_MOST = 32
"""The official script passes re.UNICODE, which is 32, where a count of replacements belongs."""

ARTICLES = frozenset(["a", "an", "the"])
NUMBERS = {
    word: str(number)
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
} | {"none": "0"}

_CONTRACTIONS = """
ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't haven't he'd he'd've he's
how'd how'll how's isn't it'd it'd've it'll ma'am mightn't mightn't've might've mustn't must've needn't not've o'clock
oughtn't 'ow's'at shan't she'd've should've shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd
someone'd've someone'll someone's something'd something'd've something'll that's there'd there'd've there're there's
they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're what's what've when's
where'd where's where've who'd who'd've who'll who's who've why'll why're why's won't would've wouldn't wouldn't've
y'all y'all'll y'all'd've you'd you'd've you'll you're you've
"""


def _spellings() -> dict[str, str]:
    """Each contraction with any one apostrophe left out -> the contraction."""
    table = {"somebody'd": "somebodyd"}
    for word in _CONTRACTIONS.split():
        places = [place for place, char in enumerate(word) if char == "'"]
        table.update({word[:place] + word[place + 1 :]: word for place in places})
    return table


CONTRACTIONS = _spellings()
"""Spelling without one apostrophe -> contraction. The official keys with capitals never match, so they are not here."""


def strip(text: str) -> str:
    """Turn newlines and tabs into spaces and strip the ends."""
    return text.replace("\n", " ").replace("\t", " ").strip()


@lru_cache(maxsize=1 << 16)
def punctuation(text: str) -> str:
    """Remove punctuation.

    A mark is deleted where the text has it next to a space anywhere, or has a comma between digits; otherwise it
    becomes a space. Periods go unless a digit follows, the first 32 of them. Apostrophes, colons, & and % stay.
    """
    result = text
    between_digits = _DIGIT_COMMA_DIGIT.search(text) is not None
    for mark in PUNCTUATION:
        if mark in text:
            deleted = between_digits or f"{mark} " in text or f" {mark}" in text
            result = result.replace(mark, "" if deleted else " ")
    return _LOOSE_PERIOD.sub("", result, count=PERIODS_AT_MOST)


@lru_cache(maxsize=1 << 16)
def words(text: str) -> str:
    """Lower the case, write numbers up to ten as digits, drop articles, mend contractions, single the spaces."""
    kept = (NUMBERS.get(word, word) for word in text.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in kept if word not in ARTICLES)
