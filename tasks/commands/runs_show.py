"""`refbench runs show`: one run, its protocol, and whether its files are as it wrote them."""

import argparse
from typing import TYPE_CHECKING

from tasks.commands import runs_list, show
from tasks.parser import folder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metrics.base import Metric
    from results.run import Run

EXAMPLES = """  refbench runs show 3f2a9c01de
  refbench runs show refvlm/refcocog_res/test
  refbench runs show runs/refvlm/refcocog_res/test-3f2a9c01de --json
exit codes: 0 its files fit together, 1 one was edited or is missing, 2 something must be changed"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("run", metavar="RUN", help="directory, first digits of its id, or model/task/split")
    add("--runs", metavar="DIR", type=folder, help="folder of all runs (default: REFBENCH_RUNS, else runs)")
    add("--include", metavar="DIR", type=folder, help="folder of further tasks (*.yaml) and models (*.py)")


def run(args: argparse.Namespace) -> int:
    """Show one run, check it."""
    from results import fingerprint
    from results.check import problems, recomputed
    from results.store import Store
    from tasks.settings import settings

    found = Store(settings(runs=args.runs).runs).find(args.run)
    metrics = metrics_of(found, args.include)
    wrong, checked = problems(found, metrics), recomputed(found, metrics)
    protocol = fingerprint.fields(found.record)
    if args.json:
        show.as_json(
            {**runs_list.summary(found), "protocol_fields": protocol, "problems": wrong, "recomputed": checked}
        )
        return 1 if wrong else 0
    record = found.record
    numbers = "computed again from the rows" if checked else "not computed again: its metrics have other versions here"
    facts = {
        "folder": found.folder,
        "started": found.started,
        "ended": found.ended,
        "commit": found.commit,
        "command": show.plain(" ".join(map(str, found.facts.get("command", ())))),
        "refbench": record.refbench,
        "failed": f"{record.failed} failed, {record.unparsable} unparsable, {record.missing} missing of {record.n}",
        f"protocol {fingerprint.code(record)}": {name: show.plain(value) for name, value in protocol.items() if value},
        "numbers": {key: _value(found, key) for key in record.columns},
        "files": wrong or f"all as the run wrote them; numbers {numbers}",
    }
    show.facts(show.plain(f"{found.name} {found.id}"), facts)
    return 1 if wrong else 0


def metrics_of(run: "Run", include: "Path | None") -> "Sequence[Metric]":
    """The metrics of a run's task; none where the task is not known here."""
    from tasks import registry

    name = run.record.task
    return registry.find(name, include).kind.metrics if name in registry.task_files(include) else ()


def _value(run: "Run", key: str) -> str:
    from results.table import number

    record = run.record
    unit = record.units.get(key, "")
    ends = [number(end, unit) for end in record.intervals.get(key, ())]
    return (number(record.metrics[key], unit) or "undefined") + (f" ({' to '.join(ends)})" if ends else "")
