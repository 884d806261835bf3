"""How many samples of a row may fail: a number, or a share of them."""

from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Allowance:
    """A number of samples, or where `share` is set a part of all of them in [0, 1]."""

    count: int = 0
    share: float | None = None

    @classmethod
    def read(cls, text: str) -> Self:
        """Read `12` or `2.5%`.

        Raises:
            ValueError: it is neither, or out of range.
        """
        number, percent, rest = text.partition("%")
        if not percent:
            count = int(number)
            if count < 0:
                raise ValueError(f"{count} is below 0")
            return cls(count)
        share = float(number) / 100
        if rest or not 0 <= share <= 1:
            raise ValueError(f"{text} is not between 0% and 100%")
        return cls(share=share)

    def __str__(self) -> str:
        return str(self.count) if self.share is None else f"{100 * self.share:g}%"

    def exceeded(self, failed: int, samples: int) -> bool:
        """Whether so many failed samples among all samples of a row are too many."""
        return failed > (self.count if self.share is None else self.share * samples)
