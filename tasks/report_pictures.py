"""Pictures of a report: overlays of samples, as small as they can be seen, within a limit for the whole file."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PIL import Image

from benchmarks.errors import DataError
from benchmarks.schema import Prediction
from results.report.page import Picture
from results.report.sheet import Panel
from tasks import overlays
from tasks.stored import Stored

SIZE = overlays.Size(least_px=320, most_px=480)
MOST_BYTES = 9_000_000
"""Of all pictures together, as they stand in the file."""
_QUALITY = 78
_OF_RUN = ("answer", "error")
"""Panels that show one run; others are of the sample and stand once."""


@dataclass
class Album:
    """Draws samples until there is no room left.

    Attributes:
        left: bytes that further pictures may take.
        drawn: samples that have pictures.
        refused: samples that have none for want of room.
        broken: why samples could not be drawn, and how many.
    """

    left: int = MOST_BYTES
    drawn: int = 0
    refused: int = 0
    broken: tuple[str, int] = ("", 0)

    def take(self, runs: Sequence[Stored], names: Sequence[str], sample_id: str) -> tuple[Picture, ...]:
        """Draw one sample with the answers of all runs; nothing where that cannot be."""
        if self.left <= 0:
            self.refused += 1
            return ()
        try:
            pictures = _pictures(runs, names, sample_id)
        except DataError as error:
            self.broken = (self.broken[0] or str(error), self.broken[1] + 1)
            return ()
        size = sum(len(each.src) + len(each.key) for each in pictures)
        if size > self.left:
            self.left = 0
            self.refused += 1
            return ()
        self.left -= size
        self.drawn += bool(pictures)
        return pictures

    def notes(self) -> list[str]:
        """What could not be drawn, for the reader."""
        told = []
        if self.broken[1]:
            told.append(f"{self.broken[1]:,} samples could not be drawn ({self.broken[0]})")
        if self.refused:
            told.append(f"{self.refused:,} further samples have no pictures, to keep the file small")
        return told


def _pictures(runs: Sequence[Stored], names: Sequence[str], sample_id: str) -> tuple[Picture, ...]:
    shown: list[Panel] = []
    for at, run in enumerate(runs):
        if run.task is None or sample_id not in run.samples:
            continue
        answer = run.answers.get(sample_id, Prediction(sample_id, "failed", error="no answer in the file"))
        for panel in overlays.panels(run.task, run.samples[sample_id], answer, SIZE):
            own = panel.title in _OF_RUN
            if own or at == 0:
                shown.append(
                    replace(panel, title=_title(panel.title, names[at]) if own and len(runs) > 1 else panel.title)
                )
    return tuple(_picture(panel) for panel in shown)


def _title(title: str, name: str) -> str:
    return name if title == "answer" else f"{title} · {name}"


def _picture(panel: Panel) -> Picture:
    key = "" if panel.key is None else _address(panel.key, "PNG")
    lines = tuple(line.text for line in panel.lines if line.muted)
    return Picture(_address(panel.picture, "WEBP"), panel.title, panel.picture.size, key, lines)


def _address(picture: Image.Image, kind: str) -> str:
    """A picture as a data address. WebP keeps photos small, PNG the letters of a legend sharp."""
    stream = io.BytesIO()
    if kind == "PNG":
        picture.quantize(64).save(stream, "PNG", optimize=True)
    else:
        picture.save(stream, "WEBP", quality=_QUALITY, method=4)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(stream.getvalue()).decode('ascii')}"
