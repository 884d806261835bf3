"""`refbench train`: trains the reference model."""

import argparse
import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import device, folder, positive

if TYPE_CHECKING:
    from refvlm.training.launch import Job
    from refvlm.training.stages import Stage

EXAMPLES = """  refbench train --config configs/train/tiny
  refbench train --config configs/train/tiny --resume
  refbench train --config configs/train/tiny/stage1.yaml --out checkpoints/tiny1
  refbench train --config configs/train/tiny/stage1.yaml --out checkpoints/tiny1 --resume
  refbench train --config configs/train/tiny/stage2.yaml --start-from checkpoints/tiny1 --out checkpoints/tiny2
  refbench train --config configs/train/7b/stage2.yaml --num-processes 8 --device cuda
  refbench eval --task refcocog_res --weights checkpoints/tiny2

A folder stands for its stages (stage1.yaml, stage2.yaml, ...), one after the other, each from the checkpoint of the one
before; --resume passes over those that are done. Their checkpoints are folders of --out, if it is given.
Processes share the images of every step, so that their number changes the speed and not what is learnt. It also runs
under `torchrun --no-python refbench train ...` and `accelerate launch --no_python refbench train ...`.
Ctrl-C ends the step that runs, saves and stops.
exit codes: 0 done, 2 something must be changed, 130 stopped"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add(
        "--config", metavar="FILE", type=folder, required=True, help="what to train: a YAML file, or a folder of stages"
    )
    add("--out", metavar="DIR", type=folder, help="checkpoint folder (default: checkpoints/<preset>-<stage>)")
    add("--start-from", metavar="DIR", type=folder, help="checkpoint to start from (default: that of the file)")
    add("--resume", action="store_true", help="go on from the state in the checkpoint folder")
    add("--max-minutes", metavar="X", type=float, help="save and stop after this long")
    add("--num-processes", metavar="N", type=positive, default=1, help="processes that share every step (default: 1)")
    add("--device", metavar="D", type=device, default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")


def run(args: argparse.Namespace) -> int:
    """Train, and say where the checkpoint is."""
    from refvlm.training.launch import Job
    from tasks.device import resolve
    from tasks.training_evaluation import watch

    _check_processes(args.num_processes)
    out = args.out or _default_out(args.config)
    job = Job(args.config, out, args.resume, args.max_minutes, resolve(args.device), args.start_from, watch)
    if args.config.is_dir():
        return _train_all(job, _stages(args), args)
    code = _train(job, args.num_processes)
    if code == 0 and os.environ.get("RANK", "0") == "0":
        _print(out, args.json)
    return code


def _train(job: "Job", processes: int) -> int:
    from refvlm.training.launch import launch
    from tasks.progress import say

    try:
        if processes > 1:
            launch(job, processes)
        else:
            job.run()
    except KeyboardInterrupt:
        say(f"stopped: the same command with --resume goes on from the last state saved in {job.out}")
        return 130
    return 0


def _train_all(job: "Job", stages: Sequence["Stage"], args: argparse.Namespace) -> int:
    """Train the stages that are not done, one after the other; the checkpoint of the last one is what counts."""
    from tasks.progress import say

    started = time.monotonic()
    for number, stage in enumerate(stages, 1):
        if stage.is_done():
            say(f"stage {number} of {len(stages)}: done before, in {stage.out}")
            continue
        left = None if job.max_minutes is None else job.max_minutes - (time.monotonic() - started) / 60
        say(f"stage {number} of {len(stages)}: {stage.config}, to {stage.out}")
        one = replace(job, config=stage.config, out=stage.out, start_from=stage.start_from, max_minutes=left)
        if code := _train(replace(one, resume=stage.has_begun), args.num_processes):
            return code
        if not stage.is_done():
            say(f"stopped after {job.max_minutes:g} minutes: the same command with --resume goes on")
            return 0
    _print(stages[-1].out, args.json)
    return 0


def _stages(args: argparse.Namespace) -> "tuple[Stage, ...]":
    """List the stages of a folder, none of which may have begun unless it is to go on."""
    from benchmarks.errors import ConfigError
    from refvlm.training.stages import stages_of

    def out_of(config: Path) -> Path:
        return args.out / config.stem if args.out else _default_out(config)

    if "WORLD_SIZE" in os.environ:
        raise ConfigError(f"{args.config} is a folder of stages: under torchrun name one file of it at a time, or use "
                          "--num-processes")  # fmt: skip
    stages = stages_of(args.config, out_of, args.start_from)
    begun = [stage.out for stage in stages if stage.has_begun]
    if begun and not args.resume:
        raise ConfigError(f"{begun[0]} already holds a training run: add --resume to go on or choose another --out")
    return stages


def _default_out(config: Path) -> Path:
    """Name the folder after the file, and after its own folder where that is a preset: checkpoints/tiny-stage1."""
    preset = config.parent.name
    grouped = config.parent.parent.name == "train" and preset
    return Path("checkpoints") / (f"{preset}-{config.stem}" if grouped else config.stem)


def _check_processes(asked: int) -> None:
    from benchmarks.errors import ConfigError

    started = os.environ.get("WORLD_SIZE", "1")
    if started != "1" and asked != 1:
        raise ConfigError(f"started as {started} processes (WORLD_SIZE), each of which would start {asked}: leave out "
                          "--num-processes")  # fmt: skip


def _print(out: Path, as_json: bool) -> None:
    if as_json:
        show.as_json({"checkpoint": str(out)})
    else:
        print(f"{out} holds the checkpoint: use it with --weights {out}")
