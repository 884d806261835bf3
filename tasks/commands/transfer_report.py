"""`refbench transfer report`: steps to quality of several trainings, from their evaluation logs."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder, names

if TYPE_CHECKING:
    from results.quality import Learning

EXAMPLES = """  refbench transfer report direct=checkpoints/vpgtrans-direct
  refbench transfer report "with converter=checkpoints/vpgtrans-warm_up,checkpoints/vpgtrans-transfer" \\
      direct=checkpoints/vpgtrans-direct --plots plots --format markdown

Stages of one run are joined by commas: their steps are counted on. Columns `steps to` are for shares of the best score
that any run reached (--shares).
exit codes: 0 done, 2 something must be changed"""
_FORMATS = ("text", "markdown")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("runs", metavar="NAME=DIR[,DIR…]", nargs="+", help="a run, and the folders of its stages in order")
    add("--task", metavar="T[,T…]", type=names, default=("vqav2", "coco_captions"), help="tasks (default: both)")
    add("--shares", metavar="X[,X…]", type=_shares, default=(0.5, 0.8, 0.95), help="default: 0.5,0.8,0.95")
    add("--plots", metavar="DIR", type=folder, help="write a plot of each task into this folder, TASK.svg")
    add("--format", choices=_FORMATS, default="text", help="of the tables (default: text)")


def run(args: argparse.Namespace) -> int:
    """Read the logs, print the tables, write the plots."""
    from results.quality import read, table, thresholds
    from tasks.registry import find

    stages = [_stages(word) for word in args.runs]
    found: dict[str, list[Learning]] = {}
    for task in args.task:
        key = find(task).kind.metrics[0].headline
        found[f"{task} {key}"] = [read(name, folders, task, key) for name, folders in stages]
    if args.json:
        show.as_json([_content(title, runs, thresholds(runs, args.shares)) for title, runs in found.items()])
    for place, (title, runs) in enumerate(found.items()):
        if not args.json:
            print(f"{'' if place == 0 else chr(10)}{title}\n")
            _print(*table(runs, thresholds(runs, args.shares)), args.format)
        if args.plots is not None:
            _plot(title, runs, args.plots)
    return 0


def _stages(word: str) -> tuple[str, list[Path]]:
    from benchmarks.errors import ConfigError

    name, sign, folders = word.rpartition("=")
    if not (sign and name and folders):
        raise ConfigError(f"{word} names no run: write NAME=DIR, or NAME=DIR,DIR for a run of several stages")
    return name, [Path(each).expanduser() for each in folders.split(",")]


def _shares(text: str) -> tuple[float, ...]:
    try:
        shares = tuple(float(each) for each in text.split(","))
    except ValueError:
        shares = ()
    if not shares or not all(0 < share <= 1 for share in shares):
        raise argparse.ArgumentTypeError(f"{text} is no list of shares between 0 and 1, such as 0.5,0.9")
    return shares


def _content(title: str, runs: "Sequence[Learning]", scores: Sequence[float]) -> dict[str, object]:
    task, key = title.split(" ")
    return {
        "task": task, "metric": key, "scores": list(scores),
        "runs": [
            {"name": run.name, "points": run.points, "steps_to": [run.steps_to(score) for score in scores]}
            for run in runs
        ],
    }  # fmt: skip


def _print(head: list[str], rows: list[list[str]], form: str) -> None:
    if form == "text":
        show.table(head, rows, right=head[1:])
        return
    for row in (head, ["---", *["---:"] * (len(head) - 1)], *rows):
        print(f"| {' | '.join(row)} |")


def _plot(title: str, runs: "Sequence[Learning]", out: Path) -> None:
    from benchmarks.files import write_atomic
    from results.report.axes import Frame
    from results.report.plot import Curve, lines
    from tasks.progress import say

    task, key = title.split(" ")
    curves = [Curve(run.name, [step for step, _ in run.points], [score for _, score in run.points]) for run in runs]
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{task}.svg"
    write_atomic(path, lines(curves, Frame(f"{task}: {key} over training steps", "step", key)).encode())
    say(f"{path} holds the plot")
