"""`refbench train`: trains the reference model."""

import argparse
import os
from pathlib import Path

from tasks.commands import show
from tasks.parser import device, folder, positive

EXAMPLES = """  refbench train --config configs/train/tiny/stage1.yaml --out checkpoints/tiny1
  refbench train --config configs/train/tiny/stage1.yaml --out checkpoints/tiny1 --resume
  refbench train --config configs/train/tiny/stage2.yaml --start-from checkpoints/tiny1 --out checkpoints/tiny2
  refbench train --config configs/train/7b/stage2.yaml --num-processes 8 --device cuda
  refbench eval --task refcocog_res --weights checkpoints/tiny2

Processes share the images of every step, so that their number changes the speed and not what is learnt. It also runs
under `torchrun --no-python refbench train ...` and `accelerate launch --no_python refbench train ...`.
Ctrl-C ends the step that runs, saves and stops.
exit codes: 0 done, 2 something must be changed, 130 stopped"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--config", metavar="FILE", type=folder, required=True, help="what to train (YAML)")
    add("--out", metavar="DIR", type=folder, help="checkpoint folder (default: checkpoints/<preset>-<stage>)")
    add("--start-from", metavar="DIR", type=folder, help="checkpoint to start from (default: that of the file)")
    add("--resume", action="store_true", help="go on from the state in the checkpoint folder")
    add("--max-minutes", metavar="X", type=float, help="save and stop after this long")
    add("--num-processes", metavar="N", type=positive, default=1, help="processes that share every step (default: 1)")
    add("--device", metavar="D", type=device, default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")


def run(args: argparse.Namespace) -> int:
    """Train, and say where the checkpoint is."""
    from refvlm.training.launch import Job, launch
    from tasks.device import resolve
    from tasks.progress import say
    from tasks.training_evaluation import watch

    out = args.out or _default_out(args.config)
    job = Job(args.config, out, args.resume, args.max_minutes, resolve(args.device), args.start_from, watch)
    _check_processes(args.num_processes)
    try:
        if args.num_processes > 1:
            launch(job, args.num_processes)
        else:
            job.run()
    except KeyboardInterrupt:
        say(f"stopped: the same command with --resume goes on from the last state saved in {out}")
        return 130
    if os.environ.get("RANK", "0") == "0":
        _print(out, args.json)
    return 0


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
