"""Finds the finished runs below a folder, and the one that somebody means."""

import difflib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from metrics.errors import DataError
from results import index
from results.record_file import NAME
from results.run import Run

_ID = re.compile(r"[0-9a-f]{4,10}")
_SHOWN = 6


@dataclass(frozen=True)
class Problem:
    """A run that cannot be read, and why."""

    folder: Path
    text: str


@dataclass(frozen=True)
class Store:
    """A folder of runs, however deep they lie in it.

    Attributes:
        root: the folder.
    """

    root: Path

    def runs(
        self,
        model: str | None = None,
        task: str | None = None,
        split: str | None = None,
        since: datetime | None = None,
        commit: str | None = None,
    ) -> list[Run]:
        """List finished runs in the order of their paths; those that cannot be read are left to `problems`.

        Args:
            model, task, split: names, or patterns with * and ?.
            since: only runs that ended then or later; one without a time zone is taken as UTC.
            commit: only runs of this commit, or one that begins so.

        Raises:
            DataError: the root does not exist.
        """
        return [run for run in self.listing()[0] if is_wanted(run, model, task, split, since, commit)]

    def problems(self) -> list[Problem]:
        """List runs whose record cannot be read, in the order of their paths.

        Raises:
            DataError: the root does not exist.
        """
        return self.listing()[1]

    def find(self, text: str) -> Run:
        """Find the one run that a text means.

        Args:
            text: a run directory, from here or from the root; the first digits of a run's id, four or more; or
                `model/task/split`, or `model/task`.

        Raises:
            DataError: there is none, with the nearest names, it cannot be read, or there are several, with all of them.
        """
        for folder in (Path(text).expanduser(), self.root / text):
            if (folder / NAME).is_file():
                return Run.open(folder, self.root if folder.is_relative_to(self.root) else folder.parent)
        runs, problems = self.listing() if self.root.is_dir() else ([], [])
        found = [run for run in runs if text in (run.name, f"{run.record.model}/{run.record.task}")]
        if not found and _ID.fullmatch(text):
            found = [run for run in runs if run.id.startswith(text)]
        if len(found) == 1:
            return found[0]
        for problem in problems if not found else ():
            if problem.folder.relative_to(self.root).as_posix().startswith((f"{text}/", f"{text}-")):
                raise DataError(problem.text)
        raise DataError(_several(text, found) if found else self._none(text, runs))

    def _none(self, text: str, runs: Sequence[Run]) -> str:
        if not runs:
            return (
                f"no run is called '{text}', and {self.root} holds none: name a run directory, or run `refbench eval`"
            )
        names = [run.name for run in runs]
        near = difflib.get_close_matches(text, list(dict.fromkeys(names)), n=3, cutoff=0.5)
        near = near or difflib.get_close_matches(text, [run.id for run in runs], n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(_first(names))}"
        return f"no run in {self.root} is called '{text}'; {hint} (`refbench runs list` lists all {len(runs)})"

    def listing(self) -> tuple[list[Run], list[Problem]]:
        """List finished runs, and those that cannot be read, at once.

        Raises:
            DataError: the root does not exist.
        """
        if not self.root.is_dir():
            raise DataError(f"{self.root} is not a folder of runs: name one by --runs, or run `refbench eval` first")
        runs, problems = index.load(self.root, folders(self.root))
        return runs, [Problem(folder, text) for folder, text in problems]


def is_wanted(
    run: Run, model: str | None, task: str | None, split: str | None, since: datetime | None, commit: str | None
) -> bool:
    """Whether a run is one of those that `Store.runs` is asked for; None lets every run through."""
    record = run.record
    names = ((record.model, model), (record.task, task), (record.split, split))
    return (
        all(pattern is None or fnmatchcase(name, pattern) for name, pattern in names)
        and (since is None or _ended(run) >= _with_zone(since))
        and (commit is None or (run.commit != "" and run.commit.startswith(commit.lower())))
    )


def folders(root: Path) -> list[Path]:
    """Name every folder below `root` that holds a record, in order; names that start with a dot are no runs."""
    return sorted(_walk(root))


def _walk(folder: Path) -> Iterator[Path]:
    for here, below, files in os.walk(folder):
        if NAME in files:
            below.clear()
            yield Path(here)
        below[:] = [name for name in below if not name.startswith(".")]


def _several(text: str, runs: Sequence[Run]) -> str:
    ends = [f", {run.ended[:16]}" if run.ended else "" for run in runs]
    each = [f"{run.id} ({run.name}, {run.record.n} samples{end})" for run, end in zip(runs, ends, strict=True)]
    return f"{len(runs)} runs are called '{text}': name one by its id: {', '.join(_first(each))}"


def _first(texts: Iterable[str]) -> list[str]:
    unique = list(dict.fromkeys(texts))
    return [*unique[:_SHOWN], *(["…"] if len(unique) > _SHOWN else [])]


def _ended(run: Run) -> datetime:
    try:
        return _with_zone(datetime.fromisoformat(run.ended))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def _with_zone(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
