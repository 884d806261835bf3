"""Answers that another program wrote, as a model: `--model predictions:FILE` or `--model predictions:LABEL=FILE`.

FILE is what `refbench score --task --predictions` reads: an official results format of the task (a COCO results file, a
folder of panoptic PNGs, …), our JSON lines, a sample log of lmms-eval or a table of VLMEvalKit. What it answers becomes
a run like any other: with rows, intervals and a record. A sample without an answer is a failed one, with that reason.
Files of the official formats are read when their sample is asked, see `tasks.inline`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

from benchmarks.errors import ConfigError, DataError
from benchmarks.index_cache import digest_file
from benchmarks.schema import Prediction, Query, Sample, Split, Unit
from tasks.base import LoadOptions, ModelEntry, Task
from tasks.model_args import ModelArgument
from tasks.spoken_answers import SPOKEN, UNDECLARED

FAMILY = "predictions"
_BOXES = ModelArgument("boxes", SPOKEN, "how boxes [x1, y1, x2, y2] are spoken where answers are text")


class HandedIn:
    """Repeats the answers of a file."""

    def __init__(self, path: Path, spoken: str) -> None:
        """Nothing is read before the samples are known."""
        self._path, self._spoken = path, spoken
        self._found: dict[str, Prediction] = {}
        self._samples: dict[str, Sample] = {}
        self._task: Task | None = None

    def join(self, task: Task, split: Split) -> None:
        """Read the answers to one split.

        Raises:
            DataError: the file is missing or broken, or answers nothing of the split.
            ConfigError: it holds boxes in words, and nobody declared how they are spoken, or grey maps.
        """
        from tasks.handed_in import answers
        from tasks.inline import check
        from tasks.progress import say

        self._task, self._samples = task, {sample.id: sample for sample in split.samples}
        self._found, notes = answers(task, self._path, split, self._spoken)
        if self._found.keys().isdisjoint(self._samples):
            raise DataError(
                f"{self._path} answers nothing of {split.benchmark} {split.name} (ids look like "
                f"'{split.samples[0].id}'): correct them, or choose another --split"
            )
        check(next(iter(self._found.values())))
        for note in notes:
            say(f"{self._path}: {note}")

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Look the answers up."""
        return [self._answer(query) for query in queries]

    def fingerprint(self) -> str:
        """Hash over the file, or all files of the folder."""
        return _digest(self._path)

    def _answer(self, query: Query) -> Prediction:
        from tasks.inline import inline

        assert self._task is not None, "join comes first"
        if (found := self._found.get(query.sample_id)) is not None:
            return inline(found, self._samples[query.sample_id], self._task)
        return Prediction(query.sample_id, "failed", error="no prediction was handed in")


def load(path: Path, options: LoadOptions) -> HandedIn:
    """Make the model; the run loop then hands it the samples, by which answers are matched."""
    return HandedIn(path, dict(options.args).get(_BOXES.name, UNDECLARED))


def of_reference(reference: str) -> ModelEntry:
    """Make the entry of one file.

    Raises:
        ConfigError: there is no such file or folder, or its label is none.
    """
    label, equals, name = reference.partition("=")
    path = Path(reference).expanduser()
    if equals and not path.exists():
        path = Path(name).expanduser()
    else:
        label = path.stem
    if not path.exists():
        raise ConfigError(f"{path} does not exist: name a file or folder of predictions, as in --model {_EXAMPLE}")
    if not label.strip() or "/" in label:
        raise ConfigError(f"'{label}' cannot name a model: write --model {_EXAMPLE}")
    return replace(
        _ENTRY,
        name=f"{FAMILY}:{label}",
        load=partial(load, path),
        fingerprint=lambda options: _digest(path),
    )


def _digest(path: Path) -> str:
    files = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    told = "".join(f"{each.relative_to(path)} {digest_file(each)}\n" for each in files)
    return f"{VERSION}/{hashlib.sha256(told.encode()).hexdigest()[:32]}"


def _no_member(options: LoadOptions) -> HandedIn:
    raise ConfigError(f"name a file of predictions, as in --model {_EXAMPLE}")


VERSION = "predictions/1"
_EXAMPLE = f"{FAMILY}:llava=results/llava.jsonl"
_ENTRY = ModelEntry(
    name=FAMILY,
    kind="predictions",
    units=get_args(Unit),
    load=_no_member,
    joins=True,
    description="answers that another program wrote: official formats, our JSON lines, lmms-eval, VLMEvalKit",
    weights="none",
    arguments=(_BOXES,),
    note="nothing is asked: prompts, regimes and seeds of a row are not those that the answers were given to",
)
MODELS = [replace(_ENTRY, of_reference=of_reference, example=_EXAMPLE.partition(":")[2])]
