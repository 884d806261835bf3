"""`refbench tasks`: which tasks there are, and what one of them needs."""

import argparse
from pathlib import Path
from typing import Any

from tasks.commands import show
from tasks.parser import folder

EXAMPLES = """  refbench tasks
  refbench tasks --data-root data
  refbench tasks refcocog_res
  refbench tasks --include my_tasks --json

data is complete; part: some samples or splits are not here; missing; broken: `refbench data status` tells why; or
sample: the task runs on the sample world. Annotations are counted, photos are not opened; the first count of large
files takes a while, later ones come from the cache"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="show one task: data, splits, prompt, metrics")
    parser.add_argument("--include", metavar="DIR", type=folder, help="folder of further task files (*.yaml)")
    parser.add_argument(
        "--data-root", metavar="DIR", type=folder, help="official files (default: REFBENCH_DATA, else sample)"
    )


def run(args: argparse.Namespace) -> int:
    """List all tasks, or show one."""
    if args.name is None:
        return _list(args)
    card = _card(args)
    if args.json:
        show.as_json([card])
    else:
        show.facts(card["name"], {name: value for name, value in card.items() if name != "name"})
    return 0


def _list(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from tasks import own_benchmarks
    from tasks.data_state import DataStates
    from tasks.registry import task_files
    from tasks.settings import settings

    own_benchmarks.load(args.include)
    files = sorted(task_files(args.include).items(), key=lambda item: (item[1].kind, item[0]))
    states = DataStates(settings(data_root=args.data_root).data_root)
    here = {name: states.of(content.benchmark, content.splits) for name, content in files}
    if args.json:
        show.as_json([{"name": name, **f.model_dump(), "data_state": asdict(here[name])} for name, f in files])
    else:
        rows = [(name, f.kind, here[name].state, f.benchmark, ", ".join(f.splits), f.description) for name, f in files]
        show.table(["name", "kind", "data", "benchmark", "splits", "description"], rows)
    return 0


def _card(args: argparse.Namespace) -> dict[str, Any]:
    from benchmarks.registry import benchmark
    from tasks.data_state import DataStates
    from tasks.prompts import bank
    from tasks.registry import find
    from tasks.settings import settings

    task = find(args.name, args.include)
    source = benchmark(task.benchmark)
    root = settings(data_root=args.data_root).data_root
    return {
        "name": task.name,
        "kind": task.kind.name,
        "description": task.description,
        "benchmark": task.benchmark,
        "answer": task.kind.wants,
        "splits": {name: f"{source.splits[name] or 'unpublished number of'} samples" for name in task.splits},
        "extra_splits": dict.fromkeys(task.extra_splits, "only by --split"),
        "prompt": bank(task.prompt).default,
        "prompt_sets": bank(task.prompt).wordings(),
        "max_new_tokens": task.max_new_tokens,
        "protocol": {**{metric.name: metric.protocol for metric in task.kind.metrics}, **task.protocol},
        "metrics": {key: text for metric in task.kind.metrics for key, text in metric.card.keys.items()},
        "data_state": DataStates(root).of(task.benchmark, task.splits).state,
        "data": [_place(path, root) for path in source.files(root or Path("DATA_ROOT"))],
        "source": source.where,
        "card": source.card,
        "citation": task.citation,
    }


def _place(path: Path, root: Path | None) -> str:
    return f"{path}" if root is None else f"{path} ({'here' if path.exists() else 'missing'})"
