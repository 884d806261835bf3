"""The processes and the device that a run has: accelerate's, checked, so that no rank trains alone by mistake."""

import importlib.util
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DeepSpeedPlugin, DistributedDataParallelKwargs

from benchmarks.errors import ConfigError, ModelError
from refvlm.training.config import TrainConfig

_TRACKERS = {"tensorboard": "tensorboard", "trackio": "trackio"}
"""Tracker -> the package that it needs."""
_MOST_ZERO = 2


@dataclass(frozen=True)
class Place:
    """Where a run runs.

    Attributes:
        device: cpu, cuda or cuda:N; each of several processes takes a CUDA device of its own.
        start_from: checkpoint folder in place of the configuration's.
    """

    device: str = "cpu"
    start_from: Path | None = None


def open_world(config: TrainConfig, device: str, out: Path | None = None) -> Accelerator:
    """Join the processes of a run, or be its only one.

    Args:
        config: of the run.
        device: see `Place`.
        out: where trackers write; None for none.

    Raises:
        ConfigError: the precision does not go with the device, or a package or file that the run wants is missing.
        ModelError: there is no such device, or the processes do not see one another.
    """
    _check_device(config, device)
    # accelerate keeps its settings for the life of a process and refuses others; every run here brings its own.
    AcceleratorState._reset_state(reset_partial_state=not torch.distributed.is_initialized())
    if ":" in device and _started() == 1:
        os.environ["ACCELERATE_TORCH_DEVICE"] = device
    accelerator = Accelerator(
        cpu=device == "cpu",
        mixed_precision={"fp32": "no", "bf16_layers": "no"}.get(config.optim.precision, config.optim.precision),
        gradient_accumulation_steps=config.optim.accumulate,
        deepspeed_plugin=_deepspeed(config),
        log_with=_tracker(config) if out is not None else None,
        project_dir=out,
        # A step may hold no question for one of the decoders.
        kwargs_handlers=[DistributedDataParallelKwargs(find_unused_parameters=True)],
    )
    if accelerator.num_processes != _started():
        raise ModelError(
            f"{_started()} processes were started (WORLD_SIZE) but this one sees {accelerator.num_processes}: "
            "start them by --num-processes or torchrun"
        )
    if config.data.images_per_step < accelerator.num_processes * config.optim.accumulate:
        raise ConfigError(
            f"data.images_per_step is {config.data.images_per_step}, too few for {accelerator.num_processes} processes "
            f"with optim.accumulate {config.optim.accumulate}: raise it"
        )
    if config.track is not None and out is not None:
        accelerator.init_trackers("refbench")
    return accelerator


def _started() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def _check_device(config: TrainConfig, device: str) -> None:
    if device == "cpu":
        if config.optim.precision == "fp16":
            raise ConfigError("optim.precision fp16 needs a GPU: choose bf16 or fp32, or --device cuda")
        return
    if not torch.cuda.is_available():
        raise ModelError("no CUDA device can be used: choose --device cpu, or mend the driver")
    number = int(device.partition(":")[2] or 0)
    if number >= torch.cuda.device_count():
        raise ModelError(f"there is no {device}, only {torch.cuda.device_count()} CUDA devices: choose a lower number")


def _tracker(config: TrainConfig) -> str | None:
    if config.track is not None and importlib.util.find_spec(_TRACKERS[config.track]) is None:
        raise ConfigError(f'track: {config.track} is not installed: pip install "refbench[track]"')
    return config.track


def _deepspeed(config: TrainConfig) -> DeepSpeedPlugin | None:
    """Read DeepSpeed's file; what this run says itself (batch, clipping, precision) goes over it.

    ZeRO's third stage splits the weights themselves, which checkpoints and the moving average here need whole.
    """
    if not config.deepspeed:
        return None
    if importlib.util.find_spec("deepspeed") is None:
        raise ConfigError("deepspeed is not installed: pip install deepspeed, or leave the key deepspeed out")
    try:
        content: dict[str, Any] = json.loads(Path(config.deepspeed).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"deepspeed: {config.deepspeed} cannot be read ({error.strerror})") from None
    except ValueError as error:
        raise ConfigError(f"deepspeed: {config.deepspeed} is no JSON: {error}") from None
    stage = content.get("zero_optimization", {}).get("stage", 0)
    if stage > _MOST_ZERO:
        raise ConfigError(f"deepspeed: zero_optimization.stage is {stage}: 0, 1 and 2 can be used here")
    own = {"gradient_clipping": config.optim.clip, "gradient_accumulation_steps": config.optim.accumulate}
    own["train_micro_batch_size_per_gpu"] = max(
        1, config.data.images_per_step // (_started() * config.optim.accumulate)
    )
    return DeepSpeedPlugin(hf_ds_config=content | own)
