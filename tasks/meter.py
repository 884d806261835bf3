"""Progress of a whole command, over all rows and all processes: a bar, lines for a file, or JSON for a program."""

import json
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from time import monotonic, time
from types import TracebackType
from typing import Any, Literal, Self

from results.record import Record
from tasks.live import Estimate
from tasks.progress import speaking

Style = Literal["none", "bar", "lines", "json"]
LINE_S = 30.0
"""Seconds between two lines where nobody watches a bar."""


class Meter:
    """Counts, and shows nothing. A context manager.

    Attributes:
        samples: of all rows that were announced.
        done: of these, answered; `earlier` of them by an earlier command.
        failed: samples without a usable answer, of those answered now.
        row: number of the row in work, from 1.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        """Set it up.

        Args:
            clock: seconds.
        """
        self.rows = self.samples = 0
        self.row = self.done = self.earlier = self.failed = 0
        self.title, self.metric = "", ""
        self._clock, self._begun = clock, clock()
        self._worked, self._row_begun = 0.0, self._begun
        self._open = ExitStack()

    def __reduce__(self) -> "tuple[type[Meter], tuple[()]]":
        """Another process has nobody to show anything to."""
        return Meter, ()

    def __enter__(self) -> Self:
        self._open.enter_context(self._voice())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()
        self._open.close()

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return self._clock() - self._begun

    @property
    def rate(self) -> float:
        """Samples a second, of those answered now, while rows were in work: loading a model does not count."""
        return (self.done - self.earlier) / max(self._worked + self._clock() - self._row_begun, 1e-9)

    @property
    def left_s(self) -> float | None:
        """Seconds that are left at this rate; None before anything was answered."""
        return (self.samples - self.done) / self.rate if self.done > self.earlier else None

    def expect(self, rows: int, samples: int) -> None:
        """Hear how many rows are to come, and the samples of all of them."""
        self.rows, self.samples = rows, samples
        self._expected()

    def begin_row(self, title: str, whole: int, done: int) -> None:
        """Begin a row of so many samples, some of which an earlier command answered."""
        self._row_begun = self._clock()
        self.row += 1
        self.rows = max(self.rows, self.row)
        self.title, self.metric = title, ""
        self.done += done
        self.earlier += done
        self.samples = max(self.samples, self.done + whole - done)
        self._began(whole, done)

    def batch(self, samples: int, failed: int) -> None:
        """Count answers."""
        self.done += samples
        self.failed += failed
        if samples:
            self._moved(samples, failed)

    def estimate(self, found: Estimate) -> None:
        """Take the number of the row in work, as far as it is known."""
        self.metric = str(found)
        self._estimated(found)

    def failure(self, sample_id: str, reason: str) -> None:
        """Hear of a sample that failed."""

    def end_row(self, record: Record, left: int) -> None:
        """Hear that a row is done; `left` of its samples will not be asked."""
        self._worked, self._row_begun = self._worked + self._clock() - self._row_begun, self._clock()
        self.samples -= left

    def close(self) -> None:
        """Leave everything as it is."""

    def _voice(self) -> AbstractContextManager[object]:
        return ExitStack()

    def _expected(self) -> None: ...

    def _began(self, whole: int, done: int) -> None: ...

    def _moved(self, samples: int, failed: int) -> None: ...

    def _estimated(self, found: Estimate) -> None: ...


class BarMeter(Meter):
    """One bar for a person at a terminal."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        from tqdm import tqdm

        super().__init__(clock)
        self._bar = tqdm(total=0, unit="sample", file=sys.stderr, leave=False, dynamic_ncols=True, delay=1e-9)

    def end_row(self, record: Record, left: int) -> None:
        """Take what will not be asked out of the bar."""
        super().end_row(record, left)
        self._bar.total = self.samples

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()

    def _voice(self) -> AbstractContextManager[object]:
        return speaking(lambda text: self._bar.write(text, file=sys.stderr))

    def _began(self, whole: int, done: int) -> None:
        bar = self._bar
        bar.total, bar.initial, bar.n = self.samples, bar.initial + done, bar.n + done
        if self.done == self.earlier:  # loading a model is no part of the rate
            bar.start_t = bar.last_print_t = time()
        bar.set_description_str(f"row {self.row} of {self.rows} {self.title}", refresh=False)
        self._tell()
        bar.refresh()

    def _moved(self, samples: int, failed: int) -> None:
        self._tell()
        self._bar.update(samples)

    def _estimated(self, found: Estimate) -> None:
        self._tell()

    def _tell(self) -> None:
        self._bar.set_postfix_str(", ".join(text for text in (f"{self.failed} failed", self.metric) if text), False)


class LineMeter(Meter):
    """A line now and then, for a file or a pipe: no control characters."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        super().__init__(clock)
        self._told = clock()

    def _moved(self, samples: int, failed: int) -> None:
        if self._clock() - self._told < LINE_S:
            return
        self._told = self._clock()
        share = 100 * self.done / max(self.samples, 1)
        left = "" if self.left_s is None else f", about {duration(self.left_s)} left"
        metric = f", {self.metric}" if self.metric else ""
        sys.stderr.write(
            f"{self.done:,} of {self.samples:,} samples ({share:.0f}%), {self.rate:.1f}/s{left}, {self.failed} failed; "
            f"row {self.row} of {self.rows} {self.title}{metric}\n"
        )
        sys.stderr.flush()


class JsonMeter(Meter):
    """One JSON object a line, each with `event` and `at`, for a program that watches."""

    def failure(self, sample_id: str, reason: str) -> None:
        """Say which sample failed, and why."""
        self._write("failure", row=self.title, sample_id=sample_id, reason=reason)

    def end_row(self, record: Record, left: int) -> None:
        """Say what the row came to."""
        super().end_row(record, left)
        self._write(
            "row_done",
            row=self.title,
            run=record.run,
            n=record.n,
            failed=record.failed,
            unparsable=record.unparsable,
            stopped_early=record.stopped_early is not None,
            metrics=dict(record.metrics),
        )

    def close(self) -> None:
        """Say that nothing more comes."""
        self._write("ended", done=self.done, samples=self.samples, failed=self.failed, seconds=round(self.seconds, 3))

    def _voice(self) -> AbstractContextManager[object]:
        return speaking(lambda text: self._write("note", text=text))

    def _expected(self) -> None:
        self._write("started", rows=self.rows, samples=self.samples)

    def _began(self, whole: int, done: int) -> None:
        self._write("row_started", row=self.title, number=self.row, of=self.rows, samples=whole, done=done)

    def _moved(self, samples: int, failed: int) -> None:
        left = None if self.left_s is None else round(self.left_s, 1)
        self._write(
            "batch",
            row=self.title,
            samples=samples,
            failed=failed,
            done=self.done,
            of=self.samples,
            per_second=round(self.rate, 3),
            left_s=left,
        )

    def _estimated(self, found: Estimate) -> None:
        self._write("estimate", row=self.title, **found.to_json())

    def _write(self, event: str, **facts: Any) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        sys.stderr.write(json.dumps({"event": event, "at": at, **facts}) + "\n")
        sys.stderr.flush()


METERS: dict[Style, type[Meter]] = {"none": Meter, "bar": BarMeter, "lines": LineMeter, "json": JsonMeter}


def duration(seconds: float) -> str:
    """Say how long something takes, in words that are no more precise than a guess."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
