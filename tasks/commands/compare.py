"""`refbench compare`: two runs, two models or two folders of runs, paired sample by sample."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder, natural, positive

if TYPE_CHECKING:
    from metrics.base import Metric
    from results.compare import Comparison
    from results.run import Run
    from results.store import Store

EXAMPLES = """  refbench compare floor/refcocog_res/test refvlm/refcocog_res/test
  refbench compare 1f2e3d4c5b 6a7b8c9d0e --samples 20 --report changed.html
  refbench compare floor refvlm
  refbench compare runs/before runs/after --format markdown
  refbench compare floor refvlm --json

A and B are runs (a folder, the first digits of an id, model/task/split), models, or folders of runs; differences are
B - A. Models and folders are compared task by task, and Holm's rule allows for the number of tasks. Runs of other
data, splits or protocols are refused, and the command says which field differs. --report writes the report of both
runs, and every sample that changed most is linked into it; a report of `refbench report A B` here is found by itself.
exit codes: 0 done, 2 something must be changed"""
FORMATS = ("text", "markdown", "json")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("a", metavar="A", help="what to compare with")
    add("b", metavar="B", help="what is compared")
    add("--runs", metavar="DIR", type=folder, help="folder of all runs (default: REFBENCH_RUNS, else runs)")
    add("--samples", metavar="N", type=natural, default=10, help="samples that changed most to name (default: 10)")
    add("--resamples", metavar="N", type=positive, default=10_000, help="draws of images (default: 10000)")
    add("--seed", metavar="N", type=natural, default=0, help="of the draws (default: 0)")
    add("--report", metavar="FILE", type=folder, help="write the report of two runs there, with links to samples")
    add("--data-root", metavar="DIR", type=folder, help="official files for the report (default: where they were)")
    add("--include", metavar="DIR", type=folder, help="folder of further tasks (*.yaml) and models (*.py)")
    add("--format", choices=FORMATS, default="text", help="(default: text; --json is --format json)")


def run(args: argparse.Namespace) -> int:
    """Compare, print."""
    from benchmarks.errors import ConfigError
    from results import compare_text
    from results.compare import Options, compare, compare_all
    from results.store import Store
    from tasks.settings import settings

    form = "json" if args.json else args.format
    store = Store(settings(runs=args.runs).runs)
    ones, others = (_side(store, text) for text in (args.a, args.b))
    known = known_metrics([*ones[1], *others[1]], args.include)
    options = Options(args.seed, args.resamples, args.samples, known)
    if ones[0] and others[0]:
        single = compare(ones[1][0], others[1][0], options)
        links = _links(single, args)
        if form == "json":
            show.as_json(compare_text.to_json(single, links))
        else:
            print(compare_text.one_text(single, form == "markdown", links))
        return 0
    if args.report is not None:
        raise ConfigError("--report shows two runs, not two models or folders: name one run of each")
    several = compare_all(ones[1], others[1], options)
    if form == "json":
        show.as_json(compare_text.collection_json(several))
    else:
        print(compare_text.many_text(several, form == "markdown"))
    return 0 if several.comparisons else 2


def _links(found: "Comparison", args: argparse.Namespace) -> "Mapping[str, str]":
    """Addresses of the samples that changed most: in the report that is asked for, or in one that is there."""
    from tasks import report_file

    runs, ids = (found.a, found.b), [each.id for each in found.moved]
    if args.report is None:
        place = report_file.there(runs)
        return report_file.links(place, ids) if place else {}
    choice = report_file.Choice(args.data_root, args.include, named=ids)
    place, _, _ = report_file.write(runs, args.report, choice)
    return report_file.links(place, ids)


def _side(store: "Store", text: str) -> "tuple[bool, list[Run]]":
    """The runs that a word means, and whether it is one run."""
    from metrics.errors import DataError
    from results.store import Store as Folder

    try:
        return True, [store.find(text)]
    except DataError as error:
        for place in (Path(text).expanduser(), store.root / text):
            if place.is_dir() and (runs := Folder(place).runs()):
                return False, runs
        if store.root.is_dir() and (runs := [run for run in store.runs() if run.record.model == text]):
            return False, runs
        raise DataError(f"{error}; a model's name or a folder of runs will do too") from None


def known_metrics(runs: "Sequence[Run]", include: Path | None) -> "Mapping[str, Metric]":
    """Metrics of ours, and those of the tasks of runs, with the options that these tasks set."""
    from benchmarks.errors import ConfigError, UnknownName
    from metrics.registry import metrics
    from tasks import registry

    known = {metric.name: metric for metric in metrics()}
    recorded = {protocol for run in runs for protocol in run.record.protocols.values()}
    for name in dict.fromkeys(run.record.task for run in runs):
        try:
            own = registry.find(name, include).kind.metrics
        except (UnknownName, ConfigError):
            continue  # a task of another machine: its metrics may still be ours
        known |= {metric.name: metric for metric in own if metric.name not in known or metric.protocol in recorded}
    return known
