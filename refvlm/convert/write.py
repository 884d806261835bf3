"""Convert checkpoints of others into a folder of ours, or only say what would become of them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.errors import ConfigError, ModelError
from refvlm.config import RefVLMConfig
from refvlm.convert.plan import Report, Shape, Step, plan
from refvlm.convert.sources import Stored, open_weights
from refvlm.fingerprint import CONFIG
from refvlm.model import RefVLM

REPORT = "conversion.json"
INDEX = "model.safetensors.index.json"
SHARD_BYTES = 4 * 2**30


@dataclass(frozen=True)
class Conversion:
    """Opened sources and what is to become of them."""

    stored: Mapping[str, Stored]
    report: Report
    config: RefVLMConfig


def examine(sources: Sequence[Path], config: RefVLMConfig) -> Conversion:
    """Open checkpoints and plan their conversion; of safetensors only the headers are read.

    Args:
        sources: files or folders that together hold the parts: a training checkpoint, CLIP, ConvNeXt, a language model.
        config: the model that they become.

    Raises:
        ModelError: one cannot be read, or two of them name the same tensor.
    """
    stored: dict[str, Stored] = {}
    for source in sources:
        for name, each in open_weights(source).items():
            if name in stored:
                raise ModelError(f"{name} is in {stored[name].file} and in {each.file}: convert one of them")
            stored[name] = each
    found = {name: each.shape for name, each in stored.items()}
    return Conversion(stored, plan(found, stored_shapes(config)), config)


def stored_shapes(config: RefVLMConfig) -> dict[str, Shape]:
    """Names and shapes that a checkpoint of a configuration stores; nothing is allocated."""
    with torch.device("meta"):
        model = RefVLM(config)
    tied = {"llm.lm_head.weight"} if config.llm.tie_embeddings else set()
    return {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in tied}


def write(conversion: Conversion, out: Path, shard_bytes: int = SHARD_BYTES) -> list[Path]:
    """Write what is carried over: shards under our names, the configuration, and the report.

    The folder is a start for training, not a finished model: what the report lists as missing is not in it, and the
    tokenizer is that of the language model, to be put beside it.

    Returns:
        The files of weights.

    Raises:
        ModelError: the report has faults; nothing is written.
        ConfigError: the folder holds something already.
    """
    report = conversion.report
    if faults := report.faults:
        more = f"; and {len(faults) - 5} more" if len(faults) > 5 else ""
        raise ModelError(f"nothing was converted: {'; '.join(faults[:5])}{more} (--dry-run --json lists all)")
    if out.exists() and any(out.iterdir()):
        raise ConfigError(f"{out} is not empty: name a new folder")
    out.mkdir(parents=True, exist_ok=True)
    shards = _split(report.steps, conversion.stored, shard_bytes)
    names = [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    names = ["model.safetensors"] if len(shards) == 1 else names
    for name, steps in zip(names, shards, strict=True):
        save_file({step.ours: _tensor(step, conversion.stored[step.name]) for step in steps}, out / name)
    if len(shards) > 1:
        where = {step.ours: name for name, steps in zip(names, shards, strict=True) for step in steps}
        size = sum(conversion.stored[step.name].bytes for step in report.steps)
        _json(out / INDEX, {"metadata": {"total_size": size}, "weight_map": where})
    _json(out / REPORT, report.as_json())
    _json(out / CONFIG, conversion.config.model_dump(mode="json"))
    return [out / name for name in names]


def _split(steps: Sequence[Step], stored: Mapping[str, Stored], most: int) -> list[list[Step]]:
    """Fill shards in order; one tensor may be larger than a shard should be."""
    shards: list[list[Step]] = [[]]
    filled = 0
    for step in steps:
        size = stored[step.name].bytes
        if shards[-1] and filled + size > most:
            shards.append([])
            filled = 0
        shards[-1].append(step)
        filled += size
    return shards


def _tensor(step: Step, stored: Stored) -> Tensor:
    value = stored.read()
    rows = step.wanted[0] if step.wanted else 0
    if step.found != step.wanted and rows > len(value):
        mean = value.float().mean(0, keepdim=True).to(value.dtype)
        return torch.cat([value, mean.expand(rows - len(value), *value.shape[1:])])
    kept = value[:rows] if step.found != step.wanted else value
    return kept.contiguous().clone()  # a copy: safetensors refuses tensors that share memory


def _json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
