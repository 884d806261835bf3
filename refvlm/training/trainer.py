"""The model, optimiser, moving average and step counter of a run: all that a resumed run needs."""

import logging
import math
import pickle
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import gather_object
from pydantic import ValidationError
from torch import Tensor

from benchmarks.errors import ConfigError, DataError, ModelError
from refvlm import checkpoint
from refvlm.config import RefVLMConfig
from refvlm.model import RefVLM
from refvlm.tokenizer import Tokenizer
from refvlm.training import lora
from refvlm.training.batches import Batch
from refvlm.training.blame import culprits
from refvlm.training.config import OptimConfig, TrainConfig
from refvlm.training.lean import lean_layers
from refvlm.training.parts import choose_learners, learners, parameter_groups
from refvlm.training.pieces import Counts, counts, cut, move, shares, total
from refvlm.training.recompute import recompute_layers
from refvlm.training.step import CellHeads, Step, losses_of
from refvlm.training.vocabulary import cell_words
from refvlm.training.warm import start_from
from refvlm.training.world import Place, open_world
from refvlm.transfer.reading import ReadingStep
from refvlm.transfer.start import start_transfer, words_of

_LOG = logging.getLogger(__name__)
STATE = "training_state.pt"
_LEAST_SCALE = 1.0
"""Where fp16's loss scale falls below this, it is not the scale that makes gradients overflow."""


class Trainer:
    """One process of a run."""

    def __init__(
        self, config: TrainConfig, place: Place | None = None, world: Accelerator | None = None, fresh: bool = True
    ) -> None:
        """Build the model of a stage, with the weights that it starts from.

        Args:
            config: of the run.
            place: device, and weights to start from.
            world: processes that are there already.
            fresh: whether the run starts; one that is taken up again needs no weights to start from.

        Raises:
            ConfigError, ModelError, UnknownName: see `open_world`, `choose_learners`, `add_adapters`, `lean_layers` and
                `start_from`.
        """
        place = place or Place()
        torch.manual_seed(config.seed)
        self.config = config
        self.world = world or open_world(config, place.device)
        self.tokenizer: Tokenizer = words_of(config)
        self.model = RefVLM(RefVLMConfig(**config.model.model_dump(), vocab_size=len(self.tokenizer)))
        if fresh:
            self._start_from(place.start_from or (Path(config.start_from) if config.start_from else None))
        if config.lora is not None:
            lora.add_adapters(self.model, config.lora)
        choose_learners(self.model, config)
        if config.optim.precision == "bf16_layers":
            lean_layers(self.model)
        if config.optim.recompute:
            recompute_layers(self.model)
        words = cell_words(self.tokenizer) if config.loss.words else ()
        self.heads = CellHeads(self.model, words).requires_grad_(config.loss.cells > 0)
        optimizer = torch.optim.AdamW(parameter_groups(self.model, self.heads, config.optim), betas=config.optim.betas)
        step = (
            ReadingStep(self.model, self.heads, config.loss, self.tokenizer)
            if config.transfer is not None and config.transfer.read_words
            else Step(self.model, self.heads, config.loss)
        )
        self.module, self.optimizer = self.world.prepare(step, optimizer)
        self.base_lrs = [group["lr"] for group in self.optimizer.param_groups]
        self._own = dict(learners(self.model)) if config.optim.ema else {}
        self.average = {name: value.detach().clone() for name, value in self._own.items()}
        self.step = 0
        self.seconds = 0.0

    def _start_from(self, folder: Path | None) -> None:
        if self.config.transfer is not None:
            start_transfer(self.model, self.tokenizer, self.config.transfer)
        if folder is None:
            return
        if not folder.is_dir():
            raise ConfigError(
                f"start_from: {folder} is not there: train the stage before it, or name a checkpoint by --start-from"
            )
        new = start_from(self.model, self.tokenizer, folder)
        _LOG.info("%d weights and words start fresh: %s", len(new), ", ".join(new))

    def learn(self, batch: Batch) -> dict[str, float]:
        """Take one step on this process's images; return the losses of all processes together.

        Raises:
            ModelError: a loss or gradient is not finite; names the questions. No weight has changed.
        """
        factor = schedule(self.step, self.config.optim)
        for group, base in zip(self.optimizer.param_groups, self.base_lrs, strict=True):
            group["lr"] = base * factor
        batch = move(batch, self.world.device)
        pieces = cut(batch, self.config.optim.accumulate)
        found: dict[str, float] = {}
        for piece, share in zip(pieces, self._shares(pieces), strict=True):
            with self.world.accumulate(self.module):
                for name, value in self._pass(piece, share, batch).items():
                    found[name] = found.get(name, 0.0) + value
        self.step += 1
        self._average()
        return found

    def _shares(self, pieces: list[Batch]) -> list[Counts | None]:
        """How much of the step each piece is, over all processes; None where there is one piece only."""
        if len(pieces) == self.world.num_processes == 1:
            return [None]
        parts = [counts(piece, self.config.loss.text_per) for piece in pieces]
        whole = {name: self.world.reduce(value, "sum") for name, value in total(parts).items()}
        return [shares(part, whole) for part in parts]

    def _pass(self, piece: Batch, share: Counts | None, batch: Batch) -> dict[str, float]:
        """Run one piece forth and back and, after the last one, update the weights; return the losses."""
        losses = self.module(piece, share)
        found = self._all_ranks({name: value.item() for name, value in losses.items()})
        if not math.isfinite(found["total"]):
            raise self._refusal(f"the loss is {found['total']}", batch)
        # Processes and pieces are averaged by those who add them up; the shares have made them parts of a sum.
        self.world.backward(losses["total"] * (self.world.num_processes * self.config.optim.accumulate))
        if self.world.sync_gradients:
            norm = self.world.clip_grad_norm_(self._learning(), self.config.optim.clip)
            if norm is not None and not math.isfinite(norm) and not self._rescales():
                raise self._refusal(f"the norm of the gradient is {float(norm)}", batch)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return found

    def _learning(self) -> list[Tensor]:
        return [value for _, value in learners(self.model, self.heads)]

    def _rescales(self) -> bool:
        """Whether an overflow is for fp16's loss scale to mend, which skips the step and halves itself."""
        return self.world.scaler is not None and self.world.scaler.get_scale() >= _LEAST_SCALE

    def _all_ranks(self, losses: dict[str, float]) -> dict[str, float]:
        if self.world.num_processes == 1:
            return losses
        found: dict[str, float] = {}
        for part in gather_object([losses]):
            for name, value in part.items():
                found[name] = found.get(name, 0.0) + value
        return found

    def any_rank(self, flag: bool) -> bool:
        """Whether the flag is up on any process."""
        return flag if self.world.num_processes == 1 else any(gather_object([flag]))

    def _refusal(self, what: str, batch: Batch) -> ModelError:
        def run(one: Batch) -> Tensor:
            with self.world.autocast():
                return losses_of(self.model, self.heads, one, self.config.loss)["total"]

        named = gather_object(culprits(batch, run, (self.model, self.heads), self.tokenizer))
        return ModelError(f"step {self.step}: {what} on {'; '.join(named)}: lower optim.lr or look at the data")

    @torch.no_grad()
    def _average(self) -> None:
        decay = min(self.config.optim.ema, (1 + self.step) / (10 + self.step))
        for name, value in self.average.items():
            value.lerp_(self._own[name].detach(), 1 - decay)

    def save(self, folder: Path) -> None:
        """Write checkpoint and state, the latter atomically; every process calls it, the first one writes."""
        if self.config.deepspeed:
            self.world.save_state(str(folder / "deepspeed"))
        if self.world.is_main_process:
            self._write_state(folder)
            weights = self.model.state_dict() | self.average
            if self.config.lora is not None:
                if self.config.lora.adapters:
                    lora.save_adapters(folder, weights, self.config.lora)
                weights = lora.merge(weights, self.config.lora)
            checkpoint.save(folder, self.model, self.tokenizer, weights, torch.float16)
        self.world.wait_for_everyone()

    def _write_state(self, folder: Path) -> None:
        draft = folder / f"{STATE}.tmp"
        state = {
            "config": self.config.model_dump(mode="json"),
            "model": self.model.state_dict(),
            "heads": self.heads.state_dict(),
            "average": self.average,
            "step": self.step,
            "seconds": self.seconds,
        }
        if not self.config.deepspeed:
            state["optimizer"] = self.optimizer.state_dict()
        if self.world.scaler is not None:
            state["scaler"] = self.world.scaler.state_dict()
        torch.save(state, draft)
        draft.replace(folder / STATE)

    def restore(self, folder: Path) -> None:
        """Take up a saved state.

        Raises:
            DataError, ConfigError: see `read_state`.
        """
        state = read_state(folder, self.config)
        self.model.load_state_dict(state["model"])
        self.heads.load_state_dict(state["heads"])
        if self.config.deepspeed:
            self.world.load_state(str(folder / "deepspeed"))
        else:
            self.optimizer.load_state_dict(state["optimizer"])
        if self.world.scaler is not None:
            self.world.scaler.load_state_dict(state["scaler"])
        self.average = {name: state["average"][name].to(self.world.device) for name in self.average}
        self.step, self.seconds = state["step"], state["seconds"]


def read_state(folder: Path, config: TrainConfig) -> dict[str, Any]:
    """Read the state of a run that was made by this configuration.

    Raises:
        DataError: it cannot be read.
        ConfigError: it was made by another configuration.
    """
    try:
        state: dict[str, Any] = torch.load(folder / STATE, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError, KeyError, EOFError, pickle.UnpicklingError) as error:
        raise DataError(f"{folder / STATE} cannot be read ({error}): start over in another --out") from None
    if not _same(state["config"], config):
        raise ConfigError(f"{folder} was started with another configuration: choose another --out or use that one")
    return state


def _same(saved: Any, config: TrainConfig) -> bool:
    """Compare configurations, not their spelling: keys that were not there when it was saved stand at their defaults.

    What a run once started from makes no difference to how it goes on.
    """
    try:
        before = TrainConfig.model_validate(saved)
        return before.model_copy(update={"start_from": config.start_from}) == config
    except (ValidationError, LookupError):
        return False


def schedule(step: int, optim: OptimConfig) -> float:
    """Share of the learning rate at a step: linear warm-up, then cosine to 0."""
    if step < optim.warmup_steps:
        return (step + 1) / optim.warmup_steps
    done = (step - optim.warmup_steps) / max(1, optim.steps - optim.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
