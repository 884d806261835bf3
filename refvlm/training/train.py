"""`refbench train`: from a YAML file to a checkpoint. Resumes to the bit from its last save on one process."""

import json
import sys
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path

from tqdm import tqdm

from benchmarks.errors import ConfigError
from refvlm.training.batches import Batch, View, stream
from refvlm.training.config import load_config
from refvlm.training.interrupt import is_orphan, patient_interrupt
from refvlm.training.opening import open_mixture
from refvlm.training.pictures import Frame
from refvlm.training.repeat import habits_of
from refvlm.training.trainer import STATE, Trainer
from refvlm.training.world import Place, open_world

LOG = "train_log.jsonl"
Watch = Callable[[Path, int], None]
"""(checkpoint folder, step) -> nothing: looks at a checkpoint that was just saved, once per step however often it is
called. `config.evaluate` says after which steps; only the first process calls it."""


def train(
    config_path: Path,
    out: Path,
    resume: bool = False,
    max_minutes: float | None = None,
    place: Place | None = None,
    watch: Watch | None = None,
) -> None:
    """Train and write a checkpoint folder. Ctrl-C ends the step that runs, saves and stops.

    Args:
        config_path: YAML file.
        out: folder for the checkpoint, the log (train_log.jsonl) and the state for resuming.
        resume: go on from the state in `out`.
        max_minutes: save and stop after this long; `resume` goes on.
        place: device, and weights to start from; every process of several calls this function alike.
        watch: what evaluates checkpoints.

    Raises:
        ConfigError, DataError, ModelError, UnknownName: see their texts.
        KeyboardInterrupt: the user pressed Ctrl-C; everything up to then is saved.
    """
    place = place or Place()
    config = load_config(config_path)
    if not resume and (out / STATE).exists():
        raise ConfigError(f"{out} already holds a training run: add --resume to go on with it or choose another --out")
    trainer = Trainer(config, place, open_world(config, place.device, out), fresh=not resume)
    out.mkdir(parents=True, exist_ok=True)
    if resume:
        trainer.restore(out)
        if trainer.world.is_main_process:
            _cut_log(out / LOG, trainer.step)
    view = _view(trainer, out)
    try:
        with patient_interrupt() as asked:
            _loop(trainer, out, max_minutes, asked, _batches(trainer, view), watch)
        if trainer.step == config.optim.end and trainer.world.is_main_process:
            habits_of(config, trainer.tokenizer, view).save(out)
    finally:
        trainer.world.end_training()
    if asked:
        raise KeyboardInterrupt


def _loop(
    trainer: Trainer,
    out: Path,
    max_minutes: float | None,
    asked: list[int],
    batches: Iterable[Batch],
    watch: Watch | None,
) -> None:
    config, world = trainer.config, trainer.world
    _look(trainer, out, watch)  # a run that was stopped while it was looked at
    started, before = time.monotonic(), trainer.seconds
    bar = tqdm(
        total=config.optim.end, initial=trainer.step, unit="step", mininterval=1.0, disable=not world.is_main_process
    )
    for batch in islice(batches, max(0, config.optim.end - trainer.step)):
        losses = trainer.learn(batch)
        trainer.seconds = before + time.monotonic() - started
        bar.update()
        if trainer.step % config.log_every == 0 and world.is_main_process:
            bar.set_postfix({name: f"{value:.3f}" for name, value in losses.items()})
            _log(trainer, out, losses)
        late = max_minutes is not None and trainer.seconds - before > max_minutes * 60
        if trainer.any_rank(bool(asked) or late or is_orphan()):
            break
        if trainer.step % config.save_every == 0 or _is_due(trainer):
            trainer.save(out)
            _look(trainer, out, watch)
    bar.close()
    trainer.save(out)
    if not asked:
        _look(trainer, out, watch)


def _is_due(trainer: Trainer) -> bool:
    """Whether the checkpoint of this step is to be looked at."""
    step, config = trainer.step, trainer.config
    return config.evaluate.wanted and step > 0 and (step % config.evaluate.every == 0 or step == config.optim.end)


def _look(trainer: Trainer, out: Path, watch: Watch | None) -> None:
    if _is_due(trainer):
        if trainer.world.is_main_process and watch is not None:
            watch(out, trainer.step)
        trainer.world.wait_for_everyone()


def _view(trainer: Trainer, out: Path) -> View:
    config, world = trainer.config, trainer.world
    mixture = open_mixture(config.data, config.model, trainer.tokenizer)
    if mixture is not None and world.is_main_process:
        mixture.keep_record(out)
        tqdm.write(mixture.told(), file=sys.stderr)
    return View(Frame.of(config.model), mixture, world.process_index, world.num_processes)


def _batches(trainer: Trainer, view: View) -> Iterable[Batch]:
    config = trainer.config
    return stream(config.data, trainer.tokenizer, (trainer.step, config.optim.steps), config.region_tokens, view)


def _log(trainer: Trainer, out: Path, losses: dict[str, float]) -> None:
    line = {"step": trainer.step, "seconds": trainer.seconds} | losses
    with (out / LOG).open("a", encoding="utf-8") as log:
        log.write(json.dumps({k: round(v, 4) for k, v in line.items()}) + "\n")
    trainer.world.log({f"train/{name}": value for name, value in losses.items()}, step=trainer.step)


def _cut_log(path: Path, step: int) -> None:
    """Drop the lines of steps that were logged but not saved: they are run again."""
    if path.exists():
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if json.loads(line)["step"] <= step]
        path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
