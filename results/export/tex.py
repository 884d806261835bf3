"""Reads the tables of a finished paper: which text stands in which cell, below which header, in which line.

Enough of LaTeX for tables as people write them: braces, comments, merged cells, rules, included files, and macros of
the author's within cells.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from metrics.errors import DataError
from results.export.macros import Macro, closing, definitions, expand

_BEGIN = re.compile(r"\\begin\{(tabular\*?|tabularx|tabulary|longtable|array)\}")
_MARKER = re.compile(r"%\s*refbench\s+(table=\S+|skip)([^\n]*)")
_INPUT = re.compile(r"\\(?:input|include)\{([^{}]+)\}")
_RULE = re.compile(r"\\(?:toprule|bottomrule|hline|endhead|endfirsthead|addlinespace(?:\[[^\]]*\])?)(?![a-zA-Z])")
_PARTIAL_RULE = re.compile(r"\\(?:cmidrule|cline)(?:\([^)]*\))?(?:\[[^\]]*\])?\{[^}]*\}")
_COLOUR = re.compile(r"\\(?:rowcolor|cellcolor)(?:\[[^\]]*\])?\{[^}]*\}")
_DROPPED = re.compile(r"\\(?:textsuperscript|footnotemark|footnote|citep?|citet|label|ref|tnote)(?:\[[^\]]*\])*")
_MULTICOLUMN = re.compile(r"^\s*\\multicolumn\s*\{(\d+)\}\s*\{")
_MULTIROW = re.compile(r"\\multirow(?:\[[^\]]*\])?\s*\{(-?\d+)\}(?:\[[^\]]*\])?\s*(\{[^}]*\}|\*)(?:\[[^\]]*\])?\s*\{")
_TWO_ARGUMENTS = re.compile(r"\\(?:textcolor|colorbox|resizebox|scalebox|rotatebox)(?:\[[^\]]*\])?\{[^{}]*\}")
_SYMBOLS = {
    r"\textbackslash": "\\",
    r"\textasciicircum": "^",
    r"\textasciitilde": "~",
    r"\textless": "<",
    r"\textgreater": ">",
    r"\textbar": "|",
    r"\textquotedbl": '"',
    r"\textquotesingle": "'",
    r"\textasciigrave": "`",
    r"\times": "×",
    r"\checkmark": "✓",
    r"\pm": "±",
    r"\delta": "δ",
}
_DEEPEST = 20


@dataclass(frozen=True)
class PaperCell:
    """One cell: line of its beginning (from 1), its LaTeX, and how many columns it spans."""

    line: int
    raw: str
    span: int = 1

    @property
    def text(self) -> str:
        """Its plain text."""
        return plain(self.raw)

    @property
    def is_bold(self) -> bool:
        """Whether something in it is bold."""
        return re.search(r"\\(?:textbf|mathbf|boldsymbol|bf|bfseries|best)(?![a-zA-Z])", self.raw) is not None


@dataclass
class PaperTable:
    """One table of the paper.

    Attributes:
        file, line: where it begins.
        marker: what stands behind `% refbench table=`, empty without; `skip` for one that is none of ours.
        head: rows above the first \\midrule (or second \\hline), column by column.
        body: the other rows, likewise; merged cells stand in each of their places.
    """

    file: Path
    line: int
    marker: str
    head: list[list[PaperCell]] = field(default_factory=list)
    body: list[list[PaperCell]] = field(default_factory=list)


def read(path: Path) -> list[PaperTable]:
    """Read all tables of a paper and of the files that it includes.

    Raises:
        DataError: a file cannot be read.
    """
    texts = _files(path)
    macros: dict[str, Macro] = {}
    for text in texts.values():
        macros |= definitions(_uncommented(text))
    return [table for file, text in texts.items() for table in _tables(file, text, macros)]


def _files(path: Path) -> dict[Path, str]:
    """The texts of a paper and of all that it includes."""
    found: dict[Path, str] = {}
    seen: set[Path] = set()
    waiting = [path]
    while waiting:
        file = waiting.pop(0)
        if file.resolve() in seen:
            continue
        seen.add(file.resolve())
        text = _text(file)
        found[file] = text
        names = [Path(name.strip()) for name in _INPUT.findall(_uncommented(text))]
        waiting += [
            path.parent / name.with_suffix(name.suffix or ".tex") for name in names if name.suffix in ("", ".tex")
        ]
    return found


def plain(raw: str) -> str:
    """Write LaTeX as plain text: no commands, braces, footnote marks or math."""
    text = _without_arguments(raw, _DROPPED)
    for _ in range(2):
        text = _TWO_ARGUMENTS.sub("", text)
    text = text.replace(r"\_", "_").replace("-{}", "-").replace("$-$", "−").replace("$", "")
    text = text.replace("---", "—").replace("--", "–").replace("~", " ")
    text = re.sub(r"\^\{[^{}]*\}|\^\S", "", text)
    for command, symbol in _SYMBOLS.items():
        text = re.sub(re.escape(command) + r"(?![a-zA-Z])(?:\{\})?", symbol.replace("\\", r"\\"), text)
    text = re.sub(r"\\([%&#${}])", r"\1", re.sub(r"\\(?![%&#${}])[a-zA-Z]+\*?|(?<!\\)[{}]", " ", text))
    return " ".join(text.replace("\\,", "").replace("\\ ", " ").split())


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DataError(
            f"{file} cannot be read ({error.strerror}): name the main .tex file of the paper, with all that it includes"
        ) from None


def _uncommented(text: str) -> str:
    """Blank out comments, keeping every line and column in its place."""
    return re.sub(r"(?<!\\)((?:\\\\)*)%[^\n]*", lambda match: match[1] + " " * (len(match[0]) - len(match[1])), text)


def _tables(file: Path, text: str, macros: Mapping[str, Macro]) -> list[PaperTable]:
    clean = _uncommented(text)
    found = []
    before = 0
    for begin in _BEGIN.finditer(clean):
        end = clean.find(f"\\end{{{begin[1]}}}", begin.end())
        if begin.start() < before or end < 0:
            continue
        markers = _MARKER.findall(text[before : begin.start()])
        start = _after_arguments(clean, begin.end())
        table = PaperTable(file, clean.count("\n", 0, begin.start()) + 1, _marker(markers))
        _fill(table, list(_rows(clean, start, end, macros)))
        found.append(table)
        before = end
    return found


def _marker(markers: list[tuple[str, str]]) -> str:
    if not markers:
        return ""
    word, rest = markers[-1]
    return word if word == "skip" else f"{word.partition('=')[2]}{rest}".strip()


def _after_arguments(text: str, at: int) -> int:
    """Skip the arguments of \\begin{tabular…}: [t]{lcc}, {\\linewidth}{lXX}."""
    while match := re.compile(r"\s*(?:\[[^\]]*\]|(?=\{))").match(text, at):
        at = match.end()
        if text[at : at + 1] == "{":
            at = closing(text, at) + 1
        elif match.end() == match.start():
            break
    return at


def _fill(table: PaperTable, rows: list[tuple[list[PaperCell], bool]]) -> None:
    first_line = next((at for at, (_, ruled) in enumerate(rows) if ruled and at), 1 if len(rows) > 1 else 0)
    open_rows: dict[int, tuple[int, PaperCell]] = {}
    for at, (cells, _) in enumerate(rows):
        if at == first_line:
            open_rows = {}
        spread = _spread(cells, open_rows)
        if any(cell.raw.strip() for cell in spread):
            (table.head if at < first_line else table.body).append(spread)


def _spread(cells: list[PaperCell], open_rows: dict[int, tuple[int, PaperCell]]) -> list[PaperCell]:
    """Put merged cells into each of their places; `open_rows` keeps what reaches further down."""
    found: list[PaperCell] = []
    for cell in cells:
        merged = _MULTICOLUMN.match(cell.raw)
        span, raw = 1, cell.raw
        if merged:
            span = int(merged[1])
            raw = cell.raw[closing(cell.raw, merged.end() - 1) + 1 :]
        at = len(found)
        if (tall := _MULTIROW.search(raw)) and abs(int(tall[1])) > 1:
            inner = raw[tall.end() : closing(raw, tall.end() - 1)]
            raw = inner
            open_rows[at] = (abs(int(tall[1])), PaperCell(cell.line, inner, span))
        elif at in open_rows and not raw.strip():
            raw = open_rows[at][1].raw
        found += [PaperCell(cell.line, raw, span)] * span
    for at, (left, cell) in list(open_rows.items()):
        if left <= 1:
            del open_rows[at]
        else:
            open_rows[at] = (left - 1, cell)
    return found


def _rows(text: str, start: int, end: int, macros: Mapping[str, Macro]) -> Iterator[tuple[list[PaperCell], bool]]:
    """Split a table into rows and cells; the flag says that a full rule stands above the row."""
    cells: list[PaperCell] = []
    ruled, begin, depth, at = False, start, 0, start
    while at < end:
        char = text[at]
        if char == "\\" and text[at + 1 : at + 2] == "\\" and depth == 0:
            raw, has_rule = _trim(expand(text[begin:at], macros))
            yield [*cells, PaperCell(_line(text, begin, at), raw)], ruled or has_rule
            cells, ruled, at = [], False, _after_break(text, at + 2)
            begin = at
            continue
        if char == "\\":
            at += 2
            continue
        depth += {"{": 1, "}": -1}.get(char, 0)
        if char == "&" and depth == 0:
            raw, has_rule = _trim(expand(text[begin:at], macros))
            ruled = ruled or has_rule
            cells.append(PaperCell(_line(text, begin, at), raw))
            begin = at + 1
        at += 1
    raw, has_rule = _trim(expand(text[begin:end], macros))
    if cells or raw.strip():
        yield [*cells, PaperCell(_line(text, begin, end), raw)], ruled or has_rule


def _after_break(text: str, at: int) -> int:
    match = re.compile(r"\*?(?:\s*\[[^\]\n]*\])?").match(text, at)
    return match.end() if match else at


def _trim(raw: str) -> tuple[str, bool]:
    """Take rules and colours out of a cell: the rest, and whether \\midrule or \\hline stood there."""
    ruled = re.search(r"\\(?:midrule|hline|endhead)(?![a-zA-Z])", raw) is not None
    text = re.sub(r"\\midrule(?:\[[^\]]*\])?(?![a-zA-Z])", " ", raw)
    text = _COLOUR.sub(" ", _PARTIAL_RULE.sub(" ", _RULE.sub(" ", text)))
    return text, ruled


def _line(text: str, begin: int, end: int) -> int:
    """Line of the first character that is no space."""
    skipped = len(text[begin:end]) - len(text[begin:end].lstrip())
    body = text[begin : begin + skipped]
    return text.count("\n", 0, begin) + body.count("\n") + 1


def _without_arguments(raw: str, command: re.Pattern[str]) -> str:
    """Delete a command together with the braces behind it."""
    for _ in range(_DEEPEST):
        match = command.search(raw)
        if not match:
            return raw
        end = match.end()
        if raw[end : end + 1] == "{":
            end = closing(raw, end) + 1
        raw = raw[: match.start()] + " " + raw[end:]
    return raw
