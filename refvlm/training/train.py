"""`refbench train`: from a YAML file to a checkpoint. Resumes to the bit from its last save on one process."""

import json
import logging
import math
import pickle
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import torch
from torch import Tensor, nn
from tqdm import tqdm

from benchmarks.errors import ConfigError, DataError, ModelError
from refvlm import checkpoint
from refvlm.config import RefVLMConfig
from refvlm.model import RefVLM
from refvlm.tokenizer import WordTokenizer
from refvlm.training.batches import Batch, stream
from refvlm.training.config import OptimConfig, TrainConfig, load_config
from refvlm.training.step import CellHeads, losses_of
from refvlm.training.vocabulary import build_tokenizer
from refvlm.training.warm import start_from

_LOG = logging.getLogger(__name__)
STATE = "training_state.pt"
LOG = "train_log.jsonl"


class Trainer:
    """Model, optimiser, moving average and step counter: all that a resumed run needs."""

    def __init__(self, config: TrainConfig) -> None:
        torch.manual_seed(config.seed)
        self.config = config
        self.tokenizer: WordTokenizer = build_tokenizer()
        self.model = RefVLM(RefVLMConfig(**config.model.model_dump(), vocab_size=len(self.tokenizer)))
        if config.start_from:
            fresh = start_from(self.model, self.tokenizer, Path(config.start_from))
            _LOG.info("%d weights and words start fresh: %s", len(fresh), ", ".join(fresh))
        self.heads = CellHeads(self.model)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(self.model, self.heads, config.optim), betas=config.optim.betas
        )
        self.base_lrs = [group["lr"] for group in self.optimizer.param_groups]
        self.average = {name: value.detach().clone() for name, value in self.model.state_dict().items()}
        self.step = 0
        self.seconds = 0.0

    @property
    def region_tokens(self) -> int:
        """Tokens that a visual prompt takes in a sequence."""
        return 1 if self.config.model.regions is None else self.config.model.regions.tokens

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step; return the losses.

        Raises:
            ModelError: the loss is not finite; names the scenes.
        """
        optim = self.config.optim
        factor = schedule(self.step, optim)
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * factor
        with torch.autocast("cpu", torch.bfloat16, enabled=optim.bf16):
            losses = losses_of(self.model, self.heads, batch, self.config.loss)
        if not torch.isfinite(losses["total"]):
            raise ModelError(
                f"step {self.step}: the loss is {losses['total'].item()} on scenes {batch.seeds}; lower optim.lr"
            )
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(losses["total"])
        nn.utils.clip_grad_norm_([*self.model.parameters(), *self.heads.parameters()], optim.clip)
        self.optimizer.step()
        self.step += 1
        self._average()
        return {name: value.item() for name, value in losses.items()}

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.optim.ema, (1 + self.step) / (10 + self.step))
        for name, value in self.model.state_dict().items():
            if value.is_floating_point():
                self.average[name].lerp_(value, 1 - decay)

    def save(self, folder: Path) -> None:
        """Write the state for resuming, atomically."""
        draft = folder / f"{STATE}.tmp"
        torch.save(
            {
                "config": self.config.model_dump(mode="json"),
                "model": self.model.state_dict(),
                "heads": self.heads.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "average": self.average,
                "step": self.step,
                "seconds": self.seconds,
            },
            draft,
        )
        draft.replace(folder / STATE)

    def restore(self, folder: Path) -> None:
        """Take up a saved state.

        Raises:
            DataError: it cannot be read.
            ConfigError: it was made by another configuration.
        """
        try:
            state = torch.load(folder / STATE, weights_only=True)
        except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:
            raise DataError(f"{folder / STATE} cannot be read ({error}): start over in another --out") from None
        if state["config"] != self.config.model_dump(mode="json"):
            raise ConfigError(f"{folder} was started with another configuration: choose another --out or use that one")
        self.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average, self.step, self.seconds = state["average"], state["step"], state["seconds"]


def schedule(step: int, optim: OptimConfig) -> float:
    """Share of the learning rate at a step: linear warm-up, then cosine to 0."""
    if step < optim.warmup_steps:
        return (step + 1) / optim.warmup_steps
    done = (step - optim.warmup_steps) / max(1, optim.steps - optim.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def parameter_groups(model: nn.Module, heads: nn.Module, optim: OptimConfig) -> list[dict[str, object]]:
    """Split parameters by learning rate (language model or not) and decay (matrices of layers, or not)."""
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, value in [*model.named_parameters(), *heads.named_parameters()]:
        decays = value.ndim > 1 and "embed" not in name and "positions" not in name
        groups.setdefault((name.startswith("llm."), decays), []).append(value)
    return [
        {
            "params": values,
            "lr": optim.llm_lr if in_llm else optim.lr,
            "weight_decay": optim.weight_decay if decays else 0.0,
        }
        for (in_llm, decays), values in groups.items()
    ]


def train(config_path: Path, out: Path, resume: bool = False, max_minutes: float | None = None) -> None:
    """Train and write a checkpoint folder. Ctrl-C ends the step that runs, saves and stops.

    Args:
        config_path: YAML file.
        out: folder for the checkpoint, the log (train_log.jsonl) and the state for resuming.
        resume: go on from the state in `out`.
        max_minutes: save and stop after this long; `resume` goes on.

    Raises:
        ConfigError, DataError, ModelError: see their texts.
        KeyboardInterrupt: the user pressed Ctrl-C; everything up to then is saved.
    """
    trainer = Trainer(load_config(config_path))
    out.mkdir(parents=True, exist_ok=True)
    if resume:
        trainer.restore(out)
        _cut_log(out / LOG, trainer.step)
    elif (out / STATE).exists():
        raise ConfigError(f"{out} already holds a training run: add --resume to go on with it or choose another --out")
    with _patient_interrupt() as asked:
        _loop(trainer, out, max_minutes, asked)
    if asked:
        raise KeyboardInterrupt


def _loop(trainer: Trainer, out: Path, max_minutes: float | None, asked: list[int]) -> None:
    config = trainer.config
    span = (trainer.step, config.optim.steps)
    started, before = time.monotonic(), trainer.seconds
    bar = tqdm(total=config.optim.steps, initial=trainer.step, unit="step", mininterval=1.0)
    with (out / LOG).open("a", encoding="utf-8") as log:
        for batch in stream(config.data, trainer.tokenizer, span, trainer.region_tokens):
            losses = trainer.learn(batch)
            trainer.seconds = before + time.monotonic() - started
            bar.update()
            if trainer.step % config.log_every == 0:
                bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()})
                line = {"step": trainer.step, "seconds": trainer.seconds} | losses
                log.write(json.dumps({k: round(v, 4) for k, v in line.items()}) + "\n")
                log.flush()
            if asked or (max_minutes is not None and trainer.seconds - before > max_minutes * 60):
                break
            if trainer.step % config.save_every == 0:
                _save(trainer, out)
    bar.close()
    _save(trainer, out)


def _save(trainer: Trainer, out: Path) -> None:
    trainer.save(out)
    checkpoint.save(out, trainer.model, trainer.tokenizer, trainer.average, torch.float16)


def _cut_log(path: Path, step: int) -> None:
    """Drop the lines of steps that were logged but not saved: they are run again."""
    if path.exists():
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if json.loads(line)["step"] <= step]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


@contextmanager
def _patient_interrupt() -> Iterator[list[int]]:
    """Collect Ctrl-C in a list instead of raising in the middle of a step; a second one raises."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # only the main thread may take signals
        yield asked
        return

    def note(number: int, _: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, previous)
