"""Predictions that another program wrote, for `refbench score --task`.

Where the kind of task has an official results format (COCO results, a folder of PNGs), a folder, a file whose content
is one JSON list or object, or one whose lines are JSON objects without our sample_id, is read as that. Otherwise one
JSON object a line in two forms, also mixed: the lines of our own `predictions.jsonl`, and the simple form

    {"sample_id": "refcocog/umd/test/ref-1/sent-2", "box_xyxy": [x1, y1, x2, y2]}         (or null: no answer)
    {"sample_id": "refcocog/umd/test/ref-1/sent-2", "mask_rle": {"size": [H, W], "counts": "…"}}
    {"sample_id": "pope/coco/random/question-1", "text": "yes"}                           (or null: no answer)
    {"sample_id": "nyu/test/bathroom/00045", "depth": {"file": "maps/45.npz"}}            (or null: no answer)

Sample logs of lmms-eval and tables of VLMEvalKit are read too, see `tasks.peer_answers`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.errors import ConfigError, DataError
from benchmarks.files import read_bytes
from benchmarks.schema import Prediction, Sample, Split, Unit
from metrics.base import ScoreReport
from metrics.boxes import is_malformed
from tasks import peer_answers, spoken_answers
from tasks.base import Task, TaskKind
from tasks.data import Data
from tasks.plan import check_splits, open_split, present_splits
from tasks.predictions import from_json
from tasks.score import score
from tasks.validate import accepted, failed, plain

_SIMPLE: Mapping[str, Unit] = {"box_xyxy": "box", "mask_rle": "mask"}


@dataclass(frozen=True)
class Submission:
    """What was handed in, joined with the samples of a split.

    Attributes:
        predictions: one per sample, in the order of the samples; a stand-in where there is none.
        missing: samples without a line.
        malformed: lines that hold no usable answer; with the missing ones they score worst and stay counted.
    """

    predictions: tuple[Prediction, ...]
    missing: int
    malformed: int


def score_file(task: Task, path: Path, split: str | None, data: Data) -> ScoreReport:
    """Score a file of predictions as a task does.

    Args:
        task: what was asked.
        path: the predictions.
        split: which split they answer; None for the one that their ids name.
        data: where the truth is.

    Raises:
        DataError: predictions or official files are missing or broken.
        UnknownName: the task has no such split.
        ConfigError: the predictions do not tell which split they answer.
    """
    check_splits(task, [split] if split else [])
    notes: tuple[str, ...] = ()
    if tells_no_split(task, path):
        opened = open_split(task, split or _only_split(task, path, data), data)
        found, notes = answers(task, path, opened)
    else:
        found = read(path)
        opened = open_split(task, split or _named_split(task, found, path, data), data)
    submission = join(found, path, opened, task.kind)
    metric = task.kind.metrics[0]
    return ScoreReport(
        metric=metric.name,
        protocol=metric.protocol,
        n=len(submission.predictions),
        missing=submission.missing,
        malformed=submission.malformed,
        metrics=score(task.kind, opened.samples, submission.predictions).metrics,
        notes=(
            f"scored on {opened.benchmark} {opened.name} ({opened.origin} data)",
            *_part(opened),
            *opened.notes,
            *notes,
        ),
    )


def _part(split: Split) -> tuple[str, ...]:
    if split.complete:
        return ()
    return (f"{split.benchmark} {split.name} holds {len(split.samples)} of {split.expected} published samples",)


def tells_no_split(task: Task, path: Path) -> bool:
    """Whether predictions are in a form of others, whose ids do not name our samples."""
    theirs = peer_answers.entries(path) is not None or is_official(path)
    return theirs or (task.kind.official is not None and _is_nameless(path))


def answers(
    task: Task, path: Path, split: Split, spoken: str = spoken_answers.UNDECLARED
) -> tuple[dict[str, Prediction], tuple[str, ...]]:
    """Read predictions in any form that there is, as far as they answer a split.

    Args:
        task: what was asked.
        path: the predictions.
        split: opened split.
        spoken: how boxes stand in answers that are text, see `tasks.spoken_answers`.

    Returns:
        Predictions by sample id, and what a reader of the numbers must know.

    Raises:
        DataError: they are missing or broken.
        ConfigError: boxes stand in text, and nobody declared how.
    """
    if (entries := peer_answers.entries(path)) is not None:
        return peer_answers.join(entries, split.samples, spoken_answers.reader(task.kind.wants, spoken, path))
    if is_official(path) or (task.kind.official is not None and _is_nameless(path)):
        return _of_split(official(task, path, split), split)
    return _of_split(read(path), split)


def is_official(path: Path) -> bool:
    """Whether predictions look like an official results format: a folder, or one JSON list."""
    return path.is_dir() or read_bytes(path).lstrip()[:1] == b"["


def _is_nameless(path: Path) -> bool:
    """Whether the first line, or else the whole file, is a JSON object that names no sample of ours."""
    data = read_bytes(path).lstrip()
    for content in (data.partition(b"\n")[0], data):
        try:
            first = json.loads(content)
        except (ValueError, RecursionError):
            continue
        return isinstance(first, dict) and "sample_id" not in first
    return False


def _of_split(found: dict[str, Prediction], split: Split) -> tuple[dict[str, Prediction], tuple[str, ...]]:
    """Leave out what answers no sample of the split, and say so; where nothing does, all is left to be refused."""
    ids = {sample.id for sample in split.samples}
    known = {name: prediction for name, prediction in found.items() if name in ids}
    if not known or len(known) == len(found):
        return found, ()
    first = next(name for name in found if name not in ids)
    left = len(found) - len(known)
    return known, (f"{left} answers belong to no sample of the split (first: {first!r}): not scored",)


def official(task: Task, path: Path, split: Split) -> dict[str, Prediction]:
    """Read predictions in the official results format of a task's kind, by sample id.

    Raises:
        DataError: the kind has no such format, or the predictions break it.
    """
    if task.kind.official is None:
        raise DataError(
            f"{path}: kind {task.kind.name} has no official results format that can be read: hand in one JSON object "
            "a line (`refbench score --help` shows the form)"
        )
    return dict(task.kind.official(path, split.samples))


def _only_split(task: Task, path: Path, data: Data) -> str:
    present = present_splits(task, data)
    if len(present) == 1:
        return present[0]
    raise ConfigError(f"{path} does not tell its split: name one by --split ({', '.join(present)})")


def _named_split(task: Task, found: Mapping[str, Prediction], path: Path, data: Data) -> str:
    """Read the split from the ids, which begin with benchmark and split."""
    named = {sample_id.removeprefix(f"{task.benchmark}/").split("/")[0] for sample_id in found}
    fitting = [name for name in (*task.splits, *task.extra_splits) if name in named]
    if len(fitting) == 1:
        return fitting[0]
    if len(present := present_splits(task, data)) == 1:
        return present[0]
    which = f"answers {' and '.join(fitting)}" if fitting else "does not tell its split by its ids"
    raise ConfigError(f"{path} {which}: score one split at a time, named by --split ({', '.join(present)})")


def read(path: Path) -> dict[str, Prediction]:
    """Read a file of predictions, by sample id.

    Raises:
        DataError: the file is missing, a line is not a prediction, or a sample is answered twice.
    """
    found: dict[str, Prediction] = {}
    for number, line in enumerate(read_bytes(path).split(b"\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        prediction = from_json(_full_form(_parse(line, place), place), place, path.parent)
        if prediction.sample_id in found:
            raise DataError(f"{place}: {prediction.sample_id} is answered a second time; keep one of the lines")
        found[prediction.sample_id] = prediction
    return found


def join(found: Mapping[str, Prediction], path: Path, split: Split, kind: TaskKind) -> Submission:
    """Join predictions with the samples they answer.

    Args:
        found: predictions by sample id.
        path: their file, for error texts.
        split: opened split.
        kind: of the task; an answer that it refuses is malformed.

    Raises:
        DataError: an id is of no sample of the split, or a depth map cannot be read.
    """
    ids = {sample.id for sample in split.samples}
    if strange := [name for name in found if name not in ids]:
        raise DataError(
            f"{path}: {len(strange)} of {len(found)} ids are not of {split.benchmark} {split.name}, the first is "
            f"'{strange[0]}' (ids look like '{split.samples[0].id}'): correct them, or choose another --split"
        )
    joined = tuple(_answer(sample, found.get(sample.id), kind) for sample in split.samples)
    given = [prediction for prediction in joined if prediction.sample_id in found]
    malformed = sum(_is_malformed(prediction, kind.wants) for prediction in given)
    return Submission(joined, len(joined) - len(given), malformed)


def _answer(sample: Sample, prediction: Prediction | None, kind: TaskKind) -> Prediction:
    query = sample.query(prompt="", wants=kind.wants)
    if prediction is None:
        return failed(query, "no prediction was handed in")
    return accepted(plain(prediction, query), query, kind.refuse)


def _is_malformed(prediction: Prediction, wants: Unit) -> bool:
    boxes = prediction.boxes()[:1] if wants == "box" else []
    return prediction.status != "ok" or any(is_malformed(box) for box in boxes)


def _parse(line: bytes, place: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{place}: broken JSON ({error}); correct the line or write the file again") from None


def _full_form(content: Any, place: str) -> Any:
    """Turn the simple form into ours; anything else is left to the reader of ours, which says what is wrong."""
    if not isinstance(content, dict) or "status" in content:
        return content
    keys = [key for key in content if key in _SIMPLE or key in ("text", "depth")]
    if len(keys) != 1 or set(content) - {"sample_id", keys[0]}:
        raise DataError(
            f"{place}: a line needs sample_id and one of {', '.join(_SIMPLE)}, text, depth, or the fields of our "
            f"predictions.jsonl; got {', '.join(map(str, content)) or 'none'}"
        )
    value = content[keys[0]]
    if keys[0] not in _SIMPLE:
        answered = {"status": "ok", keys[0]: value} if value is not None else {"status": "failed"}
        return {**{key: content[key] for key in content if key == "sample_id"}, **answered}
    group = {"unit": _SIMPLE[keys[0]], "instances": [] if value is None else [{keys[0]: value}]}
    return {**{key: content[key] for key in content if key == "sample_id"}, "status": "ok", "groups": [group]}
