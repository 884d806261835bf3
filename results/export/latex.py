"""Draws a paper table in LaTeX: booktabs and multirow, everything escaped, with the sources as comments."""

import unicodedata
from collections.abc import Sequence

from results.export.layout import Grid, GridRow
from results.export.pen import Pen

PACKAGES = ("booktabs", "multirow", "graphicx", "longtable", "amssymb")
NEEDS = f"\\usepackage{{{','.join(PACKAGES)}}}\n\\usepackage[table]{{xcolor}}"
MARKER = "% refbench table="
_LONG = 45
_BREAK = r"/\allowbreak{}"
_FIT = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "_": r"\_",
    "%": r"\%",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": "-{}",  # else two of them become a dash
    "[": "{[}",  # else one after a line end is read as its argument
    "]": "{]}",
    "*": "{*}",
    "–": "--",
    "—": "---",
    "−": "$-$",
    "±": r"$\pm$",
    "×": r"$\times$",
    "✓": r"\checkmark{}",
    "✗": r"$\times$",
    "↑": r"$\uparrow$",
    "↓": r"$\downarrow$",
    "δ": r"$\delta$",
    "α": r"$\alpha$",
    "β": r"$\beta$",
    "λ": r"$\lambda$",
    "μ": r"$\mu$",
    "σ": r"$\sigma$",
    "†": r"$\dagger$",
    "‡": r"$\ddagger$",
    "§": r"\S{}",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "…": r"\ldots{}",
    "’": "'",
    "·": r"$\cdot$",
}


def escape(text: str) -> str:
    """Make any text safe for LaTeX; a character that pdflatex cannot set is named by its code point, as U+4E2D."""
    return "".join(_escape(char) for char in " ".join(text.split()))


_PEN = Pen(
    escape,
    best=r"\textbf{%s}",
    second=r"\underline{%s}",
    raised=r"\textsuperscript{%s}",
    change={
        None: r"\textcolor{black}{(%s)}",
        True: r"\textcolor{green!50!black}{(%s)}",
        False: r"\textcolor{red!70!black}{(%s)}",
    },
)


def comment(text: str) -> str:
    """Make any text safe behind a percent sign: one line, without control characters."""
    words = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    return " ".join(words.split())


def draw(grid: Grid, sources: Sequence[str] = (), marker: str = "") -> str:
    """Draw a table.

    Args:
        grid: the table.
        sources: lines that say where the numbers come from; comments.
        marker: what `refbench export --check` reads to know the table.
    """
    lines = [f"% needs {line}" for line in NEEDS.split("\n")]
    lines += _long(grid, marker) if len(grid.rows) > _LONG else _float(grid, marker)
    lines += [f"% {comment(line)}" for line in sources]
    return "\n".join(lines) + "\n"


def appendix(tables: Sequence[tuple[Grid, Sequence[str]]]) -> str:
    """Set what the numbers of tables come from, table by table, for the appendix of a paper; needs no package.

    Args:
        tables: each with the lines that say it.
    """
    lines = [r"\section*{Where the numbers come from}"]
    for grid, sources in tables:
        lines += [f"\\paragraph{{Table~\\ref{{tab:{_label(grid.name)}}}}}", r"{\footnotesize\sloppy\begin{itemize}"]
        lines += [f"\\item {escape(line).replace('/', _BREAK)}" for line in sources or ("no numbers",)]
        lines.append(r"\end{itemize}}")
    return "\n".join(lines) + "\n"


def document(body: str) -> str:
    """Wrap tables into a document that compiles alone."""
    packages = f"\\usepackage[T1]{{fontenc}}\n\\usepackage{{textcomp}}\n{NEEDS}"
    return f"\\documentclass{{article}}\n{packages}\n\\begin{{document}}\n{body}\\end{{document}}\n"


def _float(grid: Grid, marker: str) -> list[str]:
    """A table that floats, made smaller where it is wider than the text."""
    lines = [r"\begin{table}[t]", r"\centering"]
    lines += [f"\\caption{{{escape(grid.caption)}}}"] if grid.caption else []
    lines += [f"\\label{{tab:{_label(grid.name)}}}", f"{MARKER}{comment(marker or grid.name)}", _FIT]
    lines += [f"\\begin{{tabular}}{{{_columns(grid)}}}", r"\toprule", *_head(grid), r"\midrule", *_body(grid)]
    return [*lines, r"\bottomrule", r"\end{tabular}}", *_notes(grid), r"\end{table}"]


def _long(grid: Grid, marker: str) -> list[str]:
    """A table that goes on over several pages, with its header on each."""
    lines = [f"{MARKER}{comment(marker or grid.name)}", r"{\scriptsize\setlength{\tabcolsep}{2pt}"]
    lines.append(f"\\begin{{longtable}}{{{_columns(grid)}}}")
    lines += [f"\\caption{{{escape(grid.caption)}}}\\label{{tab:{_label(grid.name)}}}\\\\"] if grid.caption else []
    lines += [r"\toprule", *_head(grid), r"\midrule", r"\endhead", *_body(grid)]
    return [*lines, r"\bottomrule", r"\end{longtable}", *_notes(grid), "}"]


def _columns(grid: Grid) -> str:
    return "l" * len(grid.stub_heads) + "c" * len(grid.heads)


def _body(grid: Grid) -> list[str]:
    return [line for at, row in enumerate(grid.rows) for line in _row(grid, at, row)]


def _escape(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if char.isascii():
        return char if char.isprintable() else ""
    plain = unicodedata.normalize("NFKD", char)
    if unicodedata.category(char).startswith("L") and "\u00c0" <= char <= "\u017e" and plain[0].isascii():
        return char  # Latin letters with accents, which fontenc T1 has
    if plain != char and all(each.isascii() and each.isprintable() for each in plain):
        return "".join(_SPECIAL.get(each, each) for each in plain)
    return rf"\texttt{{U+{ord(char):04X}}}"


def _label(name: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char == "-") else "-" for char in name)


def _head(grid: Grid) -> list[str]:
    depth = len(grid.heads[0])
    lines = []
    for level in range(depth):
        parts = []
        if level == 0:
            parts += [_tall(escape(text), depth) for text in grid.stub_heads]
        else:
            parts += ["" for _ in grid.stub_heads]
        level_spans = grid.head_spans(level)
        parts += [_span(grid, level, at, length, text) for at, length, text in level_spans]
        lines.append(" & ".join(parts) + r" \\")
        if level + 1 < depth:
            lines.append(_rules(grid, level, level_spans))
    return [line for line in lines if line]


def _span(grid: Grid, level: int, at: int, length: int, text: str) -> str:
    below = len(grid.heads[at]) - level
    is_last = bool(text) and not any(grid.heads[at][level + 1 :])
    words = escape(text) + (_PEN.marks(grid.head_marks[at]) if is_last else "")
    if is_last and length == 1:
        return _tall(words, below)
    return f"\\multicolumn{{{length}}}{{c}}{{{words}}}" if length > 1 else words


def _rules(grid: Grid, level: int, level_spans: Sequence[tuple[int, int, str]]) -> str:
    first = len(grid.stub_heads) + 1
    return "".join(
        f"\\cmidrule(lr){{{first + at}-{first + at + length - 1}}}"
        for at, length, text in level_spans
        if text and any(grid.heads[at][level + 1 :])
    )


def _tall(text: str, rows: int) -> str:
    return f"\\multirow{{{rows}}}{{*}}{{{text}}}" if rows > 1 and text else text


def _row(grid: Grid, at: int, row: GridRow) -> list[str]:
    width = len(grid.stub_heads) + len(grid.heads)
    lines = [r"\midrule"] if row.rule else []
    if row.section:
        lines.append(f"\\multicolumn{{{width}}}{{l}}{{\\textit{{{escape(row.section)}}}}} \\\\")
    lines += [r"\rowcolor{black!8}"] if row.ours else []
    names = [_name(grid, at, level) for level in range(len(row.stub))]
    names[-1] += _PEN.marks(row.marks)
    cells = [*names, *map(_PEN.cell, row.cells)]
    if row.grey:
        cells = [f"\\textcolor{{gray}}{{{text}}}" if text else "" for text in cells]
    return [*lines, " & ".join(cells) + r" \\"]


def _name(grid: Grid, at: int, level: int) -> str:
    """A name of a row; outer names stand once beside all their rows."""
    length = grid.reach(at, level)
    return _tall(escape(grid.rows[at].stub[level]), length) if length else ""


def _notes(grid: Grid) -> list[str]:
    if not grid.notes:
        return []
    texts = [_PEN.note(mark, text) for mark, text in grid.notes]
    return [r"\par\smallskip\noindent", r"\parbox{\linewidth}{\footnotesize " + " ".join(texts) + "}"]
