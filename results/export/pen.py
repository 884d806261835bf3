"""How a format writes what stands in a cell: the same for LaTeX, HTML and Markdown but for the signs around it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from results.export.layout import Piece, Shown


@dataclass(frozen=True)
class Pen:
    """What a format puts around words; each text has one %s for what stands inside.

    Attributes:
        escape: makes any text safe.
        best, second: around the best and the second best number.
        raised: around the marks of footnotes.
        change: around a signed difference, by whether it is for the better; None for neither.
    """

    escape: Callable[[str], str]
    best: str
    second: str
    raised: str
    change: Mapping[bool | None, str]

    def cell(self, cell: Shown) -> str:
        """Write the numbers of a cell with what stands between them, and its marks."""
        return self._spaced(cell.join).join(map(self._piece, cell.pieces)) + self.marks(cell.marks)

    def marks(self, marks: Sequence[str]) -> str:
        """Write marks of footnotes; empty for none."""
        return self.raised % self.escape(",".join(marks)) if marks else ""

    def note(self, mark: str, text: str) -> str:
        """Write a footnote as a sentence; general ones have no mark."""
        return f"{self.marks((mark,)) if mark else ''}{self.escape(text)}."

    def _piece(self, piece: Piece) -> str:
        text = self.escape(piece.text)
        if piece.emphasis:
            text = (self.best if piece.emphasis == "best" else self.second) % text
        return f"{text} {self.change[piece.good] % self.escape(piece.delta)}" if piece.delta else text

    def _spaced(self, text: str) -> str:
        """Escape the text between joined numbers without losing the spaces around it."""
        lead = " " if text[:1].isspace() else ""
        return f"{lead}{self.escape(text)}{' ' if text.strip() and text[-1:].isspace() else ''}"
