"""`refbench train`: trains the reference model."""

import argparse
from pathlib import Path

from tasks.commands import show
from tasks.parser import folder

EXAMPLES = """  refbench train --config configs/train/tiny.yaml --out checkpoints/tiny
  refbench train --config configs/train/tiny.yaml --out checkpoints/tiny --resume
  refbench eval --task refcocog_res --weights checkpoints/tiny"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--config", metavar="FILE", type=folder, required=True, help="what to train (YAML)")
    parser.add_argument("--out", metavar="DIR", type=folder, help="checkpoint folder (default: checkpoints/<config>)")
    parser.add_argument("--resume", action="store_true", help="go on from the state in the checkpoint folder")
    parser.add_argument("--max-minutes", metavar="X", type=float, help="save and stop after this long")


def run(args: argparse.Namespace) -> int:
    """Train, and say where the checkpoint is."""
    from refvlm.training.train import train
    from tasks.progress import say

    out = args.out or Path("checkpoints") / args.config.stem
    try:
        train(args.config, out, args.resume, args.max_minutes)
    except KeyboardInterrupt:
        say(f"stopped: the same command with --resume goes on from the last state saved in {out}")
        return 130
    if args.json:
        show.as_json({"checkpoint": str(out)})
    else:
        print(f"{out} holds the checkpoint: use it with --weights {out}")
    return 0
