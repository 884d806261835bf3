"""`refbench score`: no model runs; predictions that another program wrote are scored."""

import argparse
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tasks.commands import show
from tasks.parser import folder

if TYPE_CHECKING:
    from metrics.base import ScoreReport

EXAMPLES = """  refbench score bbox --targets instances_val2017.json --predictions detections.json
  refbench score depth --targets depth/ --predictions predicted/ --option preset=marigold
  refbench score --task refcocog_res --split test --predictions predictions.jsonl
  refbench score fidelity --predictions runs/refvlm    (finished runs: do answers keep to the grammar and their plan?)
  refbench metrics bbox    (shows formats and options)"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("metric", metavar="METRIC", nargs="?", help="metric whose official files are given")
    parser.add_argument("--targets", metavar="PATH", type=folder, help="official targets of METRIC")
    parser.add_argument("--predictions", metavar="PATH", type=folder, required=True, help="what is scored")
    parser.add_argument("--option", metavar="K=V", nargs="+", action="extend", default=[], help="options of METRIC")
    parser.add_argument("--task", metavar="T", help="score sample by sample as this task does")
    parser.add_argument("--data-root", metavar="DIR", type=folder, help="official files of the task")
    parser.add_argument("--split", metavar="S", help="split of the task (default: the one that the ids name)")
    parser.add_argument("--include", metavar="DIR", type=folder, help="folder of further task files (*.yaml)")


def run(args: argparse.Namespace) -> int:
    """Score, and print the numbers."""
    from tasks.progress import say

    report = _by_task(args) if args.task is not None else _by_metric(args)
    for note in report.notes:
        say(note)
    if args.json:
        show.as_json(_content(report))
    else:
        _print(report)
    return 0


def _by_metric(args: argparse.Namespace) -> "ScoreReport":
    from benchmarks.errors import ConfigError, unknown
    from metrics.registry import scorers

    for flag in ("data_root", "split", "include"):
        if getattr(args, flag) is not None:
            raise ConfigError(f"--{flag.replace('_', '-')} goes with --task: leave it out, or name a task")
    known = {scorer.name: scorer for scorer in scorers()}
    if args.metric is None:
        raise ConfigError(f"name what to score with: METRIC ({', '.join(known)}) or --task T")
    if args.metric not in known:
        raise unknown("metric of official files", args.metric, known, "refbench metrics")
    if args.targets is None and args.metric == "fidelity" and args.predictions.is_dir():
        from tasks.fidelity import score_runs

        _options(args.option, args.metric, known[args.metric].options)
        return score_runs(args.predictions)
    if args.targets is None:
        raise ConfigError(f"{args.metric} needs --targets: {known[args.metric].targets}")
    options = _options(args.option, args.metric, known[args.metric].options)
    return known[args.metric].score(args.targets, args.predictions, options)


def _options(given: Sequence[str], metric: str, known: Mapping[str, str]) -> dict[str, str]:
    from benchmarks.errors import ConfigError, unknown

    options: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise ConfigError(f"--option {text} must be NAME=VALUE (`refbench metrics {metric}` lists the names)")
        if name not in known:
            if not known:
                raise ConfigError(f"{metric} takes no options: leave out --option {text}")
            raise unknown(f"option of {metric}", name, known, f"refbench metrics {metric}")
        if name in options:
            raise ConfigError(f"--option {name} is given twice: keep one")
        options[name] = value
    return options


def _by_task(args: argparse.Namespace) -> "ScoreReport":
    from benchmarks.errors import ConfigError
    from tasks.data import find_data
    from tasks.handed_in import score_file
    from tasks.registry import find
    from tasks.settings import settings

    if args.metric is not None or args.targets is not None or args.option:
        raise ConfigError("--task brings its own metric and targets: leave out METRIC, --targets and --option")
    task = find(args.task, args.include)
    data = find_data(settings(data_root=args.data_root).data_root, progress=True)
    return score_file(task, args.predictions, args.split, data)


def _content(report: "ScoreReport") -> dict[str, Any]:
    names = ("metric", "protocol", "n", "missing", "malformed", "metrics", "per_class")
    return {name: getattr(report, name) for name in names}


def _print(report: "ScoreReport") -> None:
    counts = f"n {report.n}, missing {report.missing}, malformed {report.malformed}"
    print(f"{report.metric} ({report.protocol}): {counts}\n")
    show.table(["key", "value"], [(key, _number(value)) for key, value in report.metrics.items()], right=["value"])
    if report.per_class:
        keys = list(dict.fromkeys(key for values in report.per_class.values() for key in values))
        rows = [[name, *(_number(values.get(key)) for key in keys)] for name, values in report.per_class.items()]
        print()
        show.table(["class", *keys], rows, right=keys)


def _number(value: float | None) -> str:
    """Plain, as the official tool defines it; empty where undefined."""
    return "" if value is None else f"{value:.6g}"
