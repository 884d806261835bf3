"""`refbench doctor`: whether a model speaks boxes in the coordinates that it declares."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks import precision
from tasks.commands import show
from tasks.parser import device, folder, positive

if TYPE_CHECKING:
    from tasks.doctor import Diagnosis

EXAMPLES = """  refbench doctor --model refvlm
  refbench doctor --model hf-vlm:PATH
  refbench doctor --model hf-vlm:PATH --images 60 --json"""
_SHOWN = 6


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--model", metavar="M", default="refvlm", help="model to examine (default: refvlm)")
    add("--model-arg", metavar="K=V", action="append", default=[], help="of the model (`refbench models M` lists them)")
    add("--weights", metavar="PATH", type=folder, help="the model's weights (default: its own)")
    add("--include", metavar="DIR", type=folder, help="folder of further models (*.py)")
    add("--images", metavar="N", type=positive, default=24, help="pictures to show it (default: 24)")
    add("--batch-size", metavar="N", type=positive, default=8, help="pictures per model call (default: 8)")
    add("--device", metavar="D", type=device, default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add("--dtype", choices=precision.NAMES, default="float32", help="number format (default: float32)")


def run(args: argparse.Namespace) -> int:
    """Examine a model; 1 where it speaks other coordinates than it declares."""
    from tempfile import TemporaryDirectory

    with TemporaryDirectory(prefix="refbench-doctor-") as charts:
        name, found = _examine(args, Path(charts))
    if args.json:
        show.as_json(_content(name, found))
    else:
        mine = found.declared.convention
        rows = [
            (each.convention.words(), f"{each.iou:.3f}", "declared" if each.convention == mine else "")
            for each in found.readings[:_SHOWN]
        ]
        show.table(["read as", "mean IoU", ""], rows, right=["mean IoU"])
        print(f"{name}: {found.sentence()}")
    return 1 if found.verdict == "differs" else 0


def _examine(args: argparse.Namespace, charts: Path) -> "tuple[str, Diagnosis]":
    from benchmarks.errors import ModelError
    from tasks import device as devices
    from tasks import doctor, eye_chart
    from tasks.asking import Desk
    from tasks.base import LoadOptions
    from tasks.call_size import CallSize
    from tasks.model_args import read
    from tasks.models.registry import find

    entry = find(args.model, args.include)
    entry = entry if entry.of_weights is None else entry.of_weights(args.weights)
    if "box" not in entry.units:
        raise ModelError(f"model {entry.name} answers with {', '.join(entry.units)}: it speaks no boxes to examine")
    on = devices.resolve(args.device)
    told = read(entry.name, entry.arguments, args.model_arg)
    model = entry.load(LoadOptions(on, precision.resolve(args.dtype, on), 0, args.weights, told))
    pairs = list(eye_chart.charts(charts, args.images))
    answers = Desk(entry.name, CallSize(args.batch_size)).answer(model, [query for query, _ in pairs])
    heard = [doctor.hear(model, query, answer, truth) for (query, truth), answer in zip(pairs, answers, strict=True)]
    return entry.name, doctor.diagnose(heard, doctor.declared_of(model))


def _content(name: str, found: "Diagnosis") -> dict[str, Any]:
    return {
        "model": name,
        "verdict": found.verdict,
        "confidence": found.confidence,
        "declared": found.declared.convention.model_dump(),
        "spoken": found.readings[0].convention.model_dump(),
        "asked": found.asked,
        "answers_with_a_box": found.spoken,
        "readings": [{"as": each.convention.words(), "mean_iou": each.iou} for each in found.readings],
    }
