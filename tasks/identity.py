"""What makes two runs the same run: everything that could change a prediction or a number, and nothing else."""

import hashlib
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.schema import Sample, Split
from results import run_id
from tasks.base import ModelEntry, Task
from tasks.options import RunOptions
from tasks.prompts import template
from tasks.provenance import folder_code
from tasks.regimes import resolve


def describe(task: Task, split: Split, entry: ModelEntry, fingerprint: str, options: RunOptions) -> dict[str, Any]:
    """Build the identity of a run, ready for JSON.

    Args:
        task: resolved task file.
        split: opened split.
        entry: the model.
        fingerprint: over the model's weights and settings.
        options: those of the command.
    """
    return {
        "model": {"name": entry.name, "fingerprint": fingerprint} | _arguments(options) | _made_of(entry),
        "task": {
            "name": task.name,
            "kind": task.kind.name,
            "benchmark": task.benchmark,
            "prompt": {
                "name": task.prompt,
                "set": options.prompt_set,
                "template": template(task.prompt, options.prompt_set),
                "regime": resolve(options.regime, entry),
            },
            "protocol": dict(task.protocol),
            "max_new_tokens": task.max_new_tokens,
            "metrics": {metric.name: metric.protocol for metric in task.kind.metrics},
        },
        "split": {"benchmark": split.benchmark, "name": split.name, "origin": split.origin, "data": split.fingerprint},
        "limit": options.limit,
        "seed": options.seed,
        "batch_size": options.batch_size,
        "device": options.device.split(":")[0],
        "dtype": options.dtype,
        "refbench": version("refbench"),
        "code": options.code,
        **_included(options),
    }


def _arguments(options: RunOptions) -> dict[str, Any]:
    """Arguments of the model, and that it is compiled; nothing where all have their default."""
    told: dict[str, Any] = {"arguments": dict(options.model_args)} if options.model_args else {}
    return told | ({"compiled": True} if options.compiled else {})


def _included(options: RunOptions) -> dict[str, Any]:
    """Digest of the models that the user added; nothing where there are none."""
    digest = folder_code(options.include)
    return {"included": digest} if digest else {}


def _made_of(entry: ModelEntry) -> dict[str, str]:
    """What a model that is made for one split was made of."""
    return {"made_of": entry.note} if entry.of_split is not None else {}


def run_folder(identity: dict[str, Any]) -> Path:
    """Where a run lives, relative to the root of all runs: `<model>/<task>/<split>-<id>`."""
    names = (identity["model"]["name"], identity["task"]["name"], f"{identity['split']['name']}-{run_id.of(identity)}")
    return Path(*(name.replace("/", "--") for name in names))


def subset(samples: Sequence[Sample], limit: int | None) -> tuple[Sample, ...]:
    """Choose the samples of a limited run, in the order of the benchmark.

    The choice depends on the ids alone and is nested: a larger limit keeps every sample of a smaller one.
    """
    if limit is None or limit >= len(samples):
        return tuple(samples)
    ranked = sorted(range(len(samples)), key=lambda place: hashlib.sha256(samples[place].id.encode()).digest())
    return tuple(samples[place] for place in sorted(ranked[:limit]))
