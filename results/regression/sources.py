"""Where runs to compare come from: a run, a folder of runs, a baseline file, an archive, or the store by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from metrics.errors import DataError
from results.regression import archive, baseline_file
from results.run import Run
from results.store import Store

BEST = "best"
"""Asks for the best run so far of every row of the candidate."""


@dataclass(frozen=True)
class Source:
    """Runs, and what the user called them.

    Attributes:
        label: for people.
        runs: in the order of their paths; never empty.
    """

    label: str
    runs: tuple[Run, ...]


def load(text: str, store: Store, scratch: Path) -> Source:
    """Find the runs that a text means.

    Args:
        text: a run directory, a folder of runs, a baseline file (JSON), a zip or tar file of run folders, or what
            `Store.find` knows: an id, `model/task` or `model/task/split`.
        store: searched where no file or folder is called so.
        scratch: an empty folder to unpack into.

    Raises:
        DataError: there is nothing of that name, no run in it, or one that cannot be read.
    """
    path = Path(text).expanduser()
    if path.is_dir():
        return Source(text, _all_in(path, text))
    if not path.is_file():
        return Source(text, (store.find(text),))
    if path.name == "result.json":
        return Source(text, (Run.open(path.parent, path.parent),))
    if archive.is_archive(path):
        archive.unpack(path, scratch)
    elif path.suffix == ".json" or baseline_file.is_baseline(path):
        baseline_file.unpack(path, scratch)
    else:
        raise DataError(f"{path} is neither a baseline file (JSON) nor a zip or tar file of run folders: name one")
    return Source(text, _all_in(scratch, text))


def choose(source: Source, model: str | None) -> Source:
    """Keep the runs of one model.

    Raises:
        DataError: there is none of it.
    """
    if model is None:
        return source
    kept = tuple(run for run in source.runs if run.record.model == model)
    if not kept:
        names = ", ".join(sorted({run.record.model for run in source.runs}))
        raise DataError(f"{source.label} holds no run of model '{model}'; it holds runs of {names}")
    return Source(source.label, kept)


def _all_in(folder: Path, label: str) -> tuple[Run, ...]:
    store = Store(folder)
    if problems := store.problems():
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise DataError(f"{label}: {problems[0].text}{more}")
    runs: Sequence[Run] = store.runs()
    if not runs:
        raise DataError(f"{label} holds no finished run: run `refbench eval` first, or name another folder")
    return tuple(runs)
