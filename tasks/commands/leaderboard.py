"""`refbench leaderboard`: ranks the runs of a folder, by task, suite or capability."""

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder, names, natural

if TYPE_CHECKING:
    from results.leaderboard.board import Board
    from results.leaderboard.build import Rules
    from results.run import Run
    from tasks.base import ModelEntry, Task

EXAMPLES = """  refbench leaderboard
  refbench leaderboard --task refcocog_rec
  refbench leaderboard --task refcocog_res --metric ciou,giou --format markdown
  refbench leaderboard --suite sample --model refvlm,oracle --format csv
  refbench leaderboard --capability rec --best group
  refbench leaderboard --suite grounding --groups groups.yaml --best group
  refbench leaderboard --task refcoco_rec --published 20
  refbench leaderboard --task refcocog_rec --mixed
  refbench leaderboard --task refcocog_rec --protocol 3f2a9c01

Without --task, all tasks that were run, the first number of each. Of several runs of one model under one protocol the
newest stands for it. Rows of other data, splits or protocols are not ranked together: the command says what differs.
A file for --groups holds `groups:`, and below it headings with lists of models.
exit codes: 0 done, 2 something must be changed"""
SANITY = "sanity"
FORMATS = ("text", "markdown", "csv", "json")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--task", metavar="T[,T…]", type=names, help="one table per split of these tasks")
    add("--suite", metavar="S", help="one table over the tasks of a suite")
    add("--capability", metavar="KIND", help="one table over the tasks of a kind (rec, res, depth, …)")
    add("--runs", metavar="DIR", type=folder, help="folder of all runs (default: REFBENCH_RUNS, else runs)")
    add("--model", metavar="M[,M…]", type=names, default=(), help="only these models; * and ? stand for any characters")
    add("--split", metavar="S[,S…]", type=names, default=(), help="only these splits")
    add("--protocol", metavar="CODE[,CODE…]", type=names, default=(), help="only rows of these protocols")
    add("--metric", metavar="K[,K…]", type=names, default=(), help="with --task: only these numbers, in this order")
    add("--lower", metavar="K[,K…]", type=names, default=(), help="numbers of your own that get better downwards")
    add("--best", choices=("column", "group"), default="column", help="where best and second are looked for")
    add("--groups", metavar="WHICH", default="family", help="headings: family (default), none, or a file of your own")
    add("--mixed", action="store_true", help="rank rows of different protocols, each with a footnote")
    add("--verify", action="store_true", help="check the files of every run first, and leave out edited ones")
    add("--published", metavar="N", type=natural, help="published rows at most (default: 10 beside official data)")
    add("--include", metavar="DIR", type=folder, help="folder of further tasks (*.yaml) and models (*.py)")
    add("--format", choices=FORMATS, default="text", help="(default: text; --json is --format json)")


def run(args: argparse.Namespace) -> int:
    """Choose runs, rank them, print."""
    from results.leaderboard import machine
    from results.leaderboard.render import MARKDOWN, TEXT, render

    boards = _boards(args)
    form = "json" if args.json else args.format
    if form == "json":
        show.as_json(machine.to_json(boards))
    elif form == "csv":
        print(machine.to_csv(boards), end="")
    else:
        print("\n\n".join(render(board, MARKDOWN if form == "markdown" else TEXT) for board in boards))
    return 0


def _boards(args: argparse.Namespace) -> "list[Board]":
    from benchmarks.errors import ConfigError
    from results.leaderboard.build import suite_board, task_boards

    if sum(choice is not None for choice in (args.task, args.suite, args.capability)) > 1:
        raise ConfigError("--task, --suite and --capability exclude each other: give one, or none for all tasks")
    if args.metric and not args.task:
        raise ConfigError("--metric chooses numbers of a task: name it, as in --task refcocog_res --metric ciou")
    found = _runs(args)
    rules = _rules(args, found)
    if args.task:
        by_task = [[run for run in found if run.record.task == name] for name in args.task]
        return [board for members in by_task for board in task_boards(members, rules)]
    title, tasks = _title_and_tasks(args, found)
    return [suite_board(title, found, tasks, rules)]


def _runs(args: argparse.Namespace) -> "list[Run]":
    from benchmarks.errors import ConfigError, unknown
    from results.store import Store
    from tasks import intact
    from tasks.progress import say
    from tasks.settings import settings

    store = Store(settings(runs=args.runs).runs)
    runs, problems = store.listing()
    found = [run for run in runs if _is_chosen(run, args)]
    found = intact.only(found, args.include) if args.verify else found
    for problem in problems:
        say(f"left out: {problem.text}")
    if not found:
        raise ConfigError(f"{store.root} holds no run of this choice: `refbench runs list` shows what there is")
    known = {run.record.task for run in found}
    for name in args.task or ():
        if name not in known:
            raise unknown("task with runs of this choice", name, known, "refbench runs list")
    return found


def _title_and_tasks(args: argparse.Namespace, runs: "list[Run]") -> tuple[str, list[str]]:
    from benchmarks.errors import ConfigError, unknown
    from tasks import suites

    known = sorted({run.record.task for run in runs})
    if args.suite is not None:
        members = [name for name in suites.find(args.suite, args.include).tasks if name in known]
        if not members:
            raise ConfigError(f"no task of suite {args.suite} was run: `refbench eval --suite {args.suite}` runs them")
        return f"suite {args.suite}", members
    if args.capability is None:
        return "all tasks", known
    kinds = {run.record.kind for run in runs}
    if args.capability not in kinds:
        raise unknown("kind of task with runs", args.capability, kinds, "refbench tasks")
    return f"capability {args.capability}", sorted({r.record.task for r in runs if r.record.kind == args.capability})


def _is_chosen(run: "Run", args: argparse.Namespace) -> bool:
    from fnmatch import fnmatchcase

    from results import fingerprint

    record = run.record
    return (
        (not args.model or any(fnmatchcase(record.model, pattern) for pattern in args.model))
        and (not args.split or record.split in args.split)
        and (not args.protocol or fingerprint.code(record).startswith(args.protocol))
    )


def _rules(args: argparse.Namespace, runs: "list[Run]") -> "Rules":
    from results.leaderboard.build import Rules

    entries = _entries({run.record.model for run in runs}, args.include)
    families = {name: entry.kind for name, entry in entries.items()}
    groups, headings = _groups(args.groups, families, {run.record.model for run in runs})
    tasks = _tasks({run.record.task for run in runs}, args.include)
    return Rules(
        mixed=args.mixed,
        per_group=args.best == "group",
        groups=groups,
        headings=headings,
        unranked=frozenset({SANITY}),
        impossible=_impossible(entries, tasks),
        directions=dict.fromkeys(args.lower, "lower"),
        keys=args.metric,
        published=10 if args.published is None else args.published,
        published_beside_samples=args.published is not None,
    )


def _groups(which: str, families: dict[str, str], models: set[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Heading of each model, and headings in their order; sanity bounds keep theirs, so that they are never best."""
    from tasks import model_groups

    bounds = {name: kind for name, kind in families.items() if kind == SANITY}
    if which == "family":
        return families, ()
    if which == "none":
        return bounds, ()
    own = model_groups.read(Path(which).expanduser(), models)
    return {**own, **bounds}, tuple(dict.fromkeys(own.values()))


def _entries(models: set[str], include: Path | None) -> "dict[str, ModelEntry]":
    """Look up models; one that is not known here, as of a run from elsewhere, is left out."""
    from tasks.models.registry import all_models

    known = all_models(include)
    return {name: known[base] for name in models if (base := name.split(":")[0]) in known}


def _tasks(wanted: set[str], include: Path | None) -> "dict[str, Task]":
    from tasks import registry

    return {name: registry.find(name, include) for name in registry.task_files(include) if name in wanted}


def _impossible(entries: "Mapping[str, ModelEntry]", tasks: "Mapping[str, Task]") -> Callable[[str, str], bool]:
    def check(model: str, task: str) -> bool:
        return model in entries and task in tasks and tasks[task].kind.wants not in entries[model].units

    return check
