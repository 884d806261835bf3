"""Asks a random part of a finished run again, and compares every answer with the one that was kept.

Whole batches are drawn, since the arithmetic of a model may depend on which samples share one; they are cut as they
were then. Nothing is written.
"""

import json
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, cast

from benchmarks.depth_answer import digest_of_map
from benchmarks.errors import ConfigError
from benchmarks.schema import Prediction, Split
from benchmarks.world.write import is_world
from tasks import order, registry
from tasks import predictions as lines
from tasks.asking import Desk
from tasks.base import ModelEntry, Task
from tasks.call_size import CallSize
from tasks.data import Data, find_data
from tasks.evaluation import Evaluation, resolve
from tasks.journal import Batch
from tasks.models.registry import find as find_model
from tasks.options import RunOptions
from tasks.plan import open_split
from tasks.rundir import RunDirectory

Aspect = Literal["model", "data", "code", "task", "settings"]
ASPECTS: tuple[Aspect, ...] = ("model", "data", "code", "task", "settings")
_ASPECT_OF: Mapping[str, Aspect] = {
    "model": "model",
    "included": "model",
    "split": "data",
    "code": "code",
    "refbench": "code",
    "task": "task",
}
SHARE, LEAST = 0.02, 10
_MOST_CHANGES = 3


@dataclass(frozen=True)
class Choice:
    """How to verify.

    Attributes:
        seed: of the draw.
        share: part of the samples that is asked again, in (0, 1]; at least 10, and whole batches.
        allow: aspects that may have changed since.
        data_root: official files, where they have moved; None for where they were.
        device: None for the kind that the run used.
    """

    seed: int = 0
    share: float = SHARE
    allow: Collection[str] = ()
    data_root: Path | None = None
    device: str | None = None


@dataclass(frozen=True)
class Difference:
    """A sample that is answered in another way now: `changes` are (field, kept, now), the first few."""

    sample_id: str
    changes: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class Verdict:
    """What came out.

    Attributes:
        run: the run directory.
        samples: of the run.
        asked: of these, asked again.
        changed: what is not the same as it was then, all of it allowed.
        differences: in the order in which samples were asked.
    """

    run: str
    samples: int
    asked: int
    changed: tuple[str, ...]
    differences: tuple[Difference, ...]

    def to_json(self) -> dict[str, Any]:
        """As a program reads it."""
        return {**asdict(self), "equal": not self.differences}

    def to_text(self) -> str:
        """As a person reads it."""
        head = f"{self.run}: {self.asked:,} of {self.samples:,} samples asked again, "
        head += f"{len(self.differences)} differ" if self.differences else "every answer is the same"
        allowed = [f"allowed to differ: {change}" for change in self.changed]
        told = [
            f"  {difference.sample_id}: {field} was {kept}, is {now}"
            for difference in self.differences
            for field, kept, now in difference.changes
        ]
        return "\n".join([head, *allowed, *told])


def verify(path: Path, choice: Choice) -> Verdict:
    """Ask a part of a run again.

    Args:
        path: the run directory.
        choice: how.

    Raises:
        ConfigError: it is no finished run, or model, data, code, task or settings have changed and may not.
        DataError: files of the run or of the data are missing or broken.
        ModelError: the model cannot be loaded.
    """
    run = RunDirectory(path.parent, Path(path.name))
    content = run.read_run()
    if content is None or content.get("state") not in ("done", "stopped early"):
        raise ConfigError(f"{path} holds no finished run: name a run directory, such as runs/MODEL/TASK/SPLIT-ID")
    if "opens" not in content or "code" not in content["identity"]:
        raise ConfigError(f"{path} was written by an earlier version, which did not keep what is needed: run it again")
    job = _open(content, choice)
    changed = tuple(differences(content["identity"], job.identity))
    if refused := [change for change in changed if _aspect(change) not in choice.allow]:
        allow = ",".join(dict.fromkeys(_aspect(change) for change in refused))
        raise ConfigError(
            f"{path} cannot be verified, this is not the same any more: {'; '.join(refused)}; bring it back, or give "
            f"--allow {allow} to see what that changes"
        )
    kept = {each.sample_id: each for each in lines.read(path / "predictions.jsonl")}
    chosen = draw([b for b in order.plan(job.samples, job.batch_size) if _is_kept(b, kept)], len(kept), choice)
    model = job.load()
    found = [
        Difference(answer.sample_id, changes)
        for batch in chosen
        for answer in job.answer(model, batch)
        if (changes := compare(kept[answer.sample_id], answer))
    ]
    asked = sum(len(batch.samples) for batch in chosen)
    return Verdict(str(path), len(kept), asked, changed, tuple(found))


def draw(batches: Sequence[Batch], samples: int, choice: Choice) -> list[Batch]:
    """Draw batches until they hold the share, and at least 10 samples; in their own order."""
    wanted, found = max(LEAST, choice.share * samples), 0
    chosen: list[Batch] = []
    for batch in random.Random(choice.seed).sample(list(batches), len(batches)):
        if found >= wanted:
            break
        chosen.append(batch)
        found += len(batch.samples)
    return sorted(chosen, key=lambda batch: batch.number)


def differences(before: Any, now: Any, at: str = "") -> Iterator[str]:
    """Say where two identities differ, one line each."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*before, *now]):
            yield from differences(before.get(key), now.get(key), f"{at}.{key}" if at else key)
    elif before != now:
        yield f"{at} was {_short(before)}, is {_short(now)}"


def compare(kept: Prediction, now: Prediction) -> tuple[tuple[str, str, str], ...]:
    """Fields in which two answers differ, with both values; the first few."""
    found = list(_changes(_plain(kept), _plain(now), ""))
    return tuple((field, _short(a), _short(b)) for field, a, b in found[:_MOST_CHANGES])


def _open(content: Mapping[str, Any], choice: Choice) -> Evaluation:
    """Resolve the run again, from what it kept."""
    identity, opens, weights = content["identity"], content["opens"], content["weights"]
    include = None if opens["include"] is None else Path(opens["include"])
    weights = None if weights is None else Path(weights)
    entry = find_model(opens["model"], include)
    entry = entry if entry.of_weights is None else entry.of_weights(weights)
    task = registry.find(identity["task"]["name"], include)
    data = _data(identity["split"]["origin"], opens["data_root"], choice)
    split = open_split(task, identity["split"]["name"], data)
    options = RunOptions(
        limit=identity["limit"],
        batch_size=identity["batch_size"],
        seed=identity["seed"],
        device=choice.device or identity["device"],
        dtype=identity["dtype"],
        weights=weights,
        include=include,
        model_args=tuple(sorted(identity["model"].get("arguments", {}).items())),
        prompt_set=identity["task"]["prompt"]["set"],
        regime=identity["task"]["prompt"]["regime"],
    )
    return _resolved(task, split, entry, options, content)


def _resolved(
    task: Task, split: Split, entry: ModelEntry, options: RunOptions, content: Mapping[str, Any]
) -> Evaluation:
    job = resolve(task, split, entry, options)
    sizes = content.get("batch_sizes")
    return replace(job, desk=Desk(entry.name, CallSize(min(sizes)))) if sizes else job


def _data(origin: str, root: str | None, choice: Choice) -> Data:
    chosen = choice.data_root or (None if root is None else Path(root))
    was_built_in = origin == "sample" and chosen is not None and not is_world(chosen)  # as suites of the world have it
    return find_data(None if was_built_in else chosen, False)


def _aspect(change: str) -> Aspect:
    return _ASPECT_OF.get(change.partition(" ")[0].partition(".")[0], "settings")


def _is_kept(batch: Batch, kept: Mapping[str, Prediction]) -> bool:
    return all(sample.id in kept for sample in batch.samples)


def _plain(answer: Prediction) -> dict[str, Any]:
    """What is compared: everything that the file of predictions holds; a depth map by the digest of its values."""
    content = lines.to_json(replace(answer, depth=None))
    if answer.depth is not None:
        values = answer.depth.values
        content["depth"] = answer.depth.sha256 if values is None else digest_of_map(values)
    return cast(dict[str, Any], json.loads(lines.dump(content)))


def _changes(kept: Any, now: Any, at: str) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(kept, dict) and isinstance(now, dict):
        for key in sorted({*kept, *now}):
            yield from _changes(kept.get(key), now.get(key), f"{at}.{key}" if at else key)
    elif isinstance(kept, list) and isinstance(now, list) and len(kept) == len(now):
        for place, (a, b) in enumerate(zip(kept, now, strict=True)):
            yield from _changes(a, b, f"{at}[{place}]")
    elif kept != now:
        yield at, kept, now


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}…"
