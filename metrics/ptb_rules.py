"""Token rules of the Stanford PTB tokenizer (CoreNLP 3.4.1), found by observing it on some 15 million short texts.

Rules read folded text (`ptb_characters`): "é" stands for any letter beyond ASCII, "ˆ" for a combining mark,
"٠" for a digit. The rule with the longest match wins, look-ahead (everything beyond group 1) included; of equals
the first. Group 1 is the token.
"""

import re
from collections.abc import Iterable
from functools import cache

from metrics.ptb_characters import OTHER_HYPHENS


def _any_case(words: str) -> str:
    return _alternatives("".join(f"[{c.upper()}{c}]" for c in word) for word in words.split())


def _first_any_case(words: str) -> str:
    return _alternatives(f"[{word[0].upper()}{word[0]}]{word[1:]}" for word in words.split())


def _capitalised(words: str) -> str:
    return _alternatives(word[0].upper() + "".join(f"[{c.upper()}{c}]" for c in word[1:]) for word in words.split())


def _alternatives(patterns: Iterable[str]) -> str:
    return "|".join(sorted(patterns, key=len, reverse=True))


ABBREVIATIONS = """
al ala apr ariz assn assoc aug bhd bldg blvd bros calif co colo conn corp cos ct dak dec esq est etc ext feb fla fri
ga inc ind intl jan jr jul jun kan kans ky ltd mar md mich minn mo mon mont neb nev nov oct okla penn plc rd rt sep
sept seq sq sr sys tel tenn thu thurs tue tues univ va vt wed wis wisc wyo
"""
COMPANIES = "ppte pptes ppty pptys pte ptes pty ptys"
STATES = "ark az del ill la mass miss ore pa tex wash"
BEFORE_DIGITS = "art ca fig figs no nos op pp prop"
FILE_TYPES = """
bat bmp c cgi class cpp dll doc docx exe gif gz h htm html jar java jpeg jpg mov mp3 pdf php pl png ppt ps py sql tar
txt wav x xml zip
"""

TITLES_AND_RANKS = """
adj adm adv alex asst atty attys ave brig capt cf cie cmdr col comdr cpl dept det dr drs elec ens ft gen gov govs hon
insp invt jos lieut lt maj messrs mlle mme mr mrs ms msgr mt natl pfc ph pres prof profs pvt rep reps rev sen sens sfc
sgt spc st ste supt supts treas vs wm
"""
STARTERS = """
A About According Additionally After An As At But Earlier He Her Here However If In It Last Many More Now Once One Other
Our She Since So Some Such That The Their Then There These They This We What When While Yet You
"""

ENTITY = "&[aeiouAEIOU](?:acute|grave|uml);"
LETTER = f"(?:[A-Za-zéˆ]|{ENTITY})"
LETTER_OR_DIGIT = f"(?:[A-Za-zéˆ0-9٠]|{ENTITY})"
PLAIN, PLAIN_OR_DIGIT, DIGIT = "[A-Za-zé]", "[A-Za-zé0-9٠]", "[0-9٠]"
APOSTROPHE = "['’\x92]"
LOOSE_APOSTROPHE = "['’\x92`‘\x91]"
SPACE, GAP = "[ \xa0]", "[ \xa0\n]"
STARTER = "|".join((*STARTERS.split(), *STARTERS.upper().split(), r"M[rs]\."))
HYPHEN = f"[-_{OTHER_HYPHENS}]"
URL_CHAR, URL_LAST = r"[^ \n\xa0\"<>|(){}]", r"[^ \n\xa0\"<>|.!?(){},-]"
WWW_LABEL = r"[^ \n\xa0\"<>|.!?(){},]"
LABEL = r"[^ \n\xa0\"'`()<>|{}\[\]!?$@_,-=^\\]"
MAIL_CHAR = r"[^ \n\xa0\"<>|(){}.]"

WORD = f"{LETTER}{LETTER_OR_DIGIT}*(?:[.!?]{LETTER}{LETTER_OR_DIGIT}*)*"
TITLE = f"(?:{_any_case(TITLES_AND_RANKS)}|{_first_any_case('mfg mtg')})\\."
CLOSING = f"(?:{_any_case(ABBREVIATIONS)}|{_first_any_case(COMPANIES)}|{_capitalised(STATES)})\\."
INITIALS = r"[A-Za-z](?:\.[A-Za-z])*\."
ELIDED = f"[dlnoA-HJ-XZ]{LOOSE_APOSTROPHE}{PLAIN}{PLAIN}+"
PART = f"(?:(?:[dDoOlL]{APOSTROPHE}{PLAIN_OR_DIGIT})?{PLAIN_OR_DIGIT}+)"
POINTED = f"{DIGIT}*(?:[.:,\u066b\u066c]{DIGIT}+)+"
ENDING = "(?:[sSdDmM]|[rR][eE]|[vV][eE]|[lL][lL])"
SUFFIX = f"{APOSTROPHE}{ENDING}"
SIDE = "[A-Za-z0-9]+(?:-[A-Za-z]+){0,2}"
COMPANY = "[A-Z]+(?:(?:[&+]|&amp;)[A-Z]+)+"
DOTTED = r"[A-Za-z0-9][A-Za-z0-9.,]*(?:-(?:[A-Za-z](?:\.[A-Za-z])+\.|[A-Za-z0-9]+))+"
QUOTES = "`‘’‚‛“”„‟«»‹›\x91\x92\x93\x94"
PHONE = (
    rf"(?:\({DIGIT}{{2,3}}\){SPACE}?|(?:\+\+?)?(?:{DIGIT}{{2,4}}[- \xa0])?{DIGIT}{{2,4}}[- \xa0])"
    rf"{DIGIT}{{3,4}}[- \xa0]?{DIGIT}{{3,5}}"
)
TAG = r"</?[A-Za-z][A-Za-z0-9:._-]*(?: +[A-Za-z][A-Za-z0-9:._-]*(?: *= *(?:'[^'\n]*'|\"[^\"\n]*\"))?)* *\/?>"

_PATTERNS: tuple[str, ...] = (
    # two words written as one; suffixes of words
    "([cC][aA][nN])[nN][oO][tT]",
    "([gG][oO][nN]|[wW][aA][nN])[nN][aA]",
    "([gG][oO][tT])[tT][aA]",
    "([lL][eE][mM]|[gG][iI][mM])[mM][eE]",
    r"('[tT])(?:[iI][sS]|[wW][aA][sS])",
    f"({WORD}){SUFFIX}",
    f"([A-Za-z]+)[nN]{LOOSE_APOSTROPHE}[tT]",
    f"('{ENDING})(?![A-Za-z])",
    f"([’\x92]{ENDING})",
    f"([nN]{LOOSE_APOSTROPHE}[tT])",
    # words
    f"([A-Za-z])\\.{GAP}+(?:{STARTER}){GAP}",
    f"({WORD})",
    f"({CLOSING}|[pPeE][hHdD]\\.[dD]\\.)[\\s\\S]{{2}}",
    f"({ELIDED})",
    f"({PLAIN}+[aeiouyAEIOUY]{LOOSE_APOSTROPHE}[aeiouA-Z]{PLAIN}*)",
    f"({PART}(?:{HYPHEN}{PART})+)",
    f"({PART})",
    f"({SIDE}(?:/{SIDE}){{1,2}})",
    f"({DOTTED})",
    f"([pP][hH]\\.[dD]\\.|[eE][dD]\\.[dD]\\.|[mM]\\.[eE][dD]\\.|{INITIALS}|{TITLE}|{CLOSING})",
    f"((?:{WORD}|{PART}|{COMPANY}|{PART}(?:{HYPHEN}{PART})+|{DOTTED})\\.)[,;:]",
    f"((?:{_any_case(BEFORE_DIGITS)})\\.){GAP}?{DIGIT}",
    f"({COMPANY})",
    r"([cC]\+\+|[cCfF]#)",
    # words with an apostrophe at an end
    f"([dDjJlL]{APOSTROPHE}|[oO][lL]{APOSTROPHE})",
    f"([yY]{APOSTROPHE}){PLAIN}",
    f"({APOSTROPHE}(?:[eE][mM]|[tT][iI][lL]|[cC][aA][uU][sS][eE])|{APOSTROPHE}[nN]{APOSTROPHE})",
    f"('[nN])(?!{PLAIN})",
    r"([’\x92][nN])",
    f"({APOSTROPHE}{DIGIT}{DIGIT}){GAP}",
    f"({APOSTROPHE}{DIGIT}0s)",
    f"([oO]{APOSTROPHE}[oO]|[cC]{APOSTROPHE}(?:[mM][oO][nN]|[eE][sS][tT])|[eE]{APOSTROPHE}[eE][rR])",
    f"([sS]{APOSTROPHE}[mM][oO][rR][eE][sS])",
    # numbers, sums, dates, telephone numbers
    f"([-+]?(?:{POINTED}|{DIGIT}+))",
    f"((?:{DIGIT}{{1,4}}[- \xa0])?{DIGIT}{{1,4}}(?:\\\\?/|⁄){DIGIT}{{1,4}})",
    f"({DIGIT}{{1,2}}[-/]{DIGIT}{{1,2}}[-/]{DIGIT}{{2,4}})",
    f"({PHONE})",
    r"([A-Z]*\$)",
    r"(-[lLrR][cCrRsS][bB]-)",
    r"([²³¹⁰⁴-⁹]+|[₀-₉]+)",
    # names of files, tags, entities
    f"({PLAIN_OR_DIGIT}+(?:\\.{PLAIN_OR_DIGIT}+)*\\.(?:{_any_case(FILE_TYPES)}))(?=[ \xa0\n.?!,])",
    f"({TAG}|<[!?][A-Za-z-][^>\n]*>)",
    r"(&(?:[aA][mM][pP]|lt|gt|quot|apos|nbsp|mdash|ndash|MD|HT|TL|UR|LR|QC|QL|QR|odq|cdq|#[0-9]+);)",
    # faces and runs of marks
    "([<>]?[:;=][o*']?-?[()|\\\\DPpO@])(?![A-Za-z0-9])",
    r"([-^x=~<>']_[-^x=~<>']|\((?:[\^x=~<>'][-_.]?|-[_.]?|-=)[-^x=~<>']\))",
    r"([?!]+|--+|\.\.\.+|\. \. \.|''|<<|>>|_+|\*+|#+|@+|\\\*)",
    f"([{QUOTES}]{{1,2}})",
)  # fmt: skip

_VERBATIM = (
    # addresses, names of users, faces with square mouths
    f"([hH][tT][tT][pP][sS]?://{URL_CHAR}+{URL_LAST})",
    f"(www\\.(?:{WWW_LABEL}+\\.)+[A-Za-z]{{2,4}}(?:/{URL_CHAR}+{URL_LAST})?)",
    f"((?:{LABEL}+\\.)+(?:[cC][oO][mM]|[nN][eE][tT]|[oO][rR][gG]|[eE][dD][uU])(?:/{URL_CHAR}+{URL_LAST})?)",
    f'((?:<|&lt;)?[A-Za-z0-9][^ \n\xa0"<>|(){{}}]*@(?:{MAIL_CHAR}+\\.)*{MAIL_CHAR}+>?)',
    r"(@[A-Za-z_][A-Za-z_0-9]*|#[A-Za-zé]+)",
    "([<>]?[:;=][o*']?-?[][{])(?![A-Za-z0-9])",
)


@cache
def _rules() -> tuple[tuple[re.Pattern[str], bool], ...]:
    """Compile the rules once, with the first caption: listing metrics does not wait for them."""
    return tuple((re.compile(pattern), pattern in _VERBATIM) for pattern in (*_PATTERNS, *_VERBATIM))


def match(folded: str, start: int) -> tuple[int, bool]:
    """Find the token that starts at a place: the longest match wins; a lone character where no rule matches.

    Args:
        folded: text in folded characters, followed by at least two more characters.
        start: place of a character that is neither a space nor nothing.

    Returns:
        Where the token ends, and whether it is printed as it stands (but for lower case).
    """
    end, reach, verbatim = start + 1, start, False
    for rule, as_it_stands in _rules():
        found = rule.match(folded, start)
        if found and found.end() > reach:
            end, reach, verbatim = found.end(1), found.end(), as_it_stands
    return end, verbatim
