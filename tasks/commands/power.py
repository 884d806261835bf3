"""`refbench power`: which difference a stored run could show, and how many samples a wished one takes."""

import argparse
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any

from tasks.commands import show
from tasks.parser import folder, names, natural, positive

if TYPE_CHECKING:
    from results.power import Power

EXAMPLES = """  refbench power refvlm/refcocog_res/test
  refbench power 1f2e3d4c5b --metric ciou --effect 0.01
  refbench power refvlm/coco_panoptic --metric pq --against floor/coco_panoptic
  refbench power refvlm/vqav2 --alike 0.7 --power 0.9 --json

Two models answer the same samples alike to some degree: --alike is the correlation of their scores, and --against
measures it with a second run. --effect is in units of the score as stored: 0.01 of a fraction is one point.
exit codes: 0 done, 2 something must be changed"""
_HEAD = ("score", "value", "standard error", "detectable", "alike", "n", "images")
_MORE = ("n needed", "images needed")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("run", metavar="RUN", help="a run: a folder, the first digits of its id, or model/task/split")
    add("--against", metavar="RUN", help="another run over the same samples, to measure how alike answers are")
    add("--metric", metavar="K[,K…]", type=names, default=(), help="only these scores")
    add("--effect", metavar="D", type=_effect, help="difference that is to be seen, as stored (0.01 is one point)")
    add("--alike", metavar="R", type=_share, default=0.5, help="correlation of two models' scores (default: 0.5)")
    add("--level", metavar="P", type=_chance, default=0.05, help="chance of a false alarm (default: 0.05)")
    add("--power", metavar="P", type=_chance, default=0.8, help="chance to see the difference (default: 0.8)")
    add("--runs", metavar="DIR", type=folder, help="folder of all runs (default: REFBENCH_RUNS, else runs)")
    add("--resamples", metavar="N", type=positive, default=2_000, help="draws of images (default: 2000)")
    add("--seed", metavar="N", type=natural, default=0, help="of the draws (default: 0)")
    add("--include", metavar="DIR", type=folder, help="folder of further tasks (*.yaml) and models (*.py)")


def run(args: argparse.Namespace) -> int:
    """Compute, print."""
    from results.power import Question, power
    from results.store import Store
    from tasks.commands.compare import known_metrics
    from tasks.settings import settings

    store = Store(settings(runs=args.runs).runs)
    asked = store.find(args.run)
    other = store.find(args.against) if args.against else None
    question = Question(args.level, args.power, args.alike, args.effect, args.seed, args.resamples)
    found = power(asked, args.metric, question, other, known_metrics([asked], args.include))
    units = asked.record.units
    if args.json:
        show.as_json(
            {"run": asked.id, "name": asked.name, "question": vars(question), "scores": [_json(e) for e in found]}
        )
        return 0
    head = (*_HEAD, *(_MORE if args.effect else ()))
    show.table(head, [_row(each, units.get(each.key, ""))[: len(head)] for each in found], right=head[1:])
    print(
        "\nfractions are times 100; detectable: the smallest true difference of two runs that is seen at "
        f"p < {args.level:g} in {100 * args.power:g} of 100 repetitions; –: all draws agree."
    )
    return 0


def _row(found: "Power", unit: str) -> list[str]:
    scale, digits = (100, 2) if unit == "fraction" else (1, 4)
    values = (found.value, found.error, found.detectable)
    numbers = ["–" if isnan(value) else f"{scale * value:.{digits}f}" for value in values]
    needed = [f"{count:,}" if count is not None else "–" for count in (found.needed_n, found.needed_units)]
    alike = "–" if isnan(found.alike) else f"{found.alike:.2f}"
    return [found.key, *numbers, alike, f"{found.n:,}", f"{found.units:,}", *needed]


def _json(found: "Power") -> dict[str, Any]:
    import math

    return {
        key: None if isinstance(value, float) and math.isnan(value) else value for key, value in vars(found).items()
    }


def _effect(text: str) -> float:
    """Read a number above 0."""
    value = _number(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number above 0")
    return value


def _share(text: str) -> float:
    """Read a number from 0 up to, but not, 1."""
    value = _number(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 0 up to but not 1")
    return value


def _chance(text: str) -> float:
    """Read a number between 0 and 1."""
    value = _number(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number between 0 and 1")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not isfinite(value):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return value
