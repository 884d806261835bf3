"""`refbench eval`: runs a model on tasks, scores it, prints the table."""

import argparse
import io
import os
import sys
from contextlib import AbstractContextManager, nullcontext, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

from tasks import precision
from tasks.commands import show
from tasks.parser import allowance, batch_size, device, folder, names, natural, positive, seconds

if TYPE_CHECKING:
    from benchmarks.schema import Regime
    from results.record import Record
    from tasks.base import ModelEntry, Task
    from tasks.meter import Meter
    from tasks.model_args import ModelArgs
    from tasks.options import RunOptions
    from tasks.place import Place
    from tasks.plan import Job, Skipped
    from tasks.session import Part
    from tasks.settings import Settings

EXAMPLES = """  refbench eval --task refcocog_res
  refbench eval --task refcoco_rec,refcocop_rec --data-root data --split testA --json
  refbench eval --suite sample --limit 20 --dry-run
  refbench eval --task refcocog_rec --model oracle --limit 50
  refbench eval --task refcocog_res --prompt-set all --limit 200
  refbench eval --task refcocog_res --regime full,instruction,wrong
  refbench eval --task refcocog_res --weights checkpoints/tiny --out runs/mine
  refbench eval --task refcocog_res --model-arg constrain=off
  refbench eval --task coco_panoptic --save-overlays 8
  refbench eval --task refcocog_res --model refvlm,constant --early-stop ciou=0.30

A suite leaves out tasks that the model has no unit for and tasks whose files are not there, and names them below the
table; with --split it runs the tasks that have such a split.
The same command again goes on where it stopped, and a finished run answers at once; --fresh starts over. With
--max-failures a row stops as soon as more samples have failed, without it every row runs to its end.
exit codes: 0 done, 1 stopped early, 2 something must be changed, 3 more samples failed than --max-failures allows"""
_KIND = "kind"
_ALL = "all"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--task", metavar="T[,T…]", type=names, help="tasks to run (`refbench tasks` lists them)")
    add("--suite", metavar="S", help="suite to run instead (`refbench suites` lists them)")
    add("--model", metavar="M[,M…]", type=names, default=("refvlm",), help="models under test (default: refvlm)")
    add("--data-root", metavar="DIR", type=folder, help="official files (default: REFBENCH_DATA, else sample world)")
    add("--split", metavar="S[,S…]", type=names, default=(), help="splits (default: every official one)")
    add("--limit", metavar="N", type=positive, help="run a fixed subset of N samples per split")
    add("--prompt-set", metavar="P[,P…]", type=names, help="wordings: default, 1, 2, … or all (default: default)")
    add("--regime", metavar="R[,R…]", type=names, help="commands: full, instruction, wrong or all (default: model's)")
    add("--batch-size", metavar="N|auto", type=batch_size, default=32, help="samples per model call (default: 32)")
    add("--num-processes", metavar="N", type=positive, help="processes that share the work (default: 1)")
    add("--device", metavar="D", type=device, default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add("--dtype", choices=precision.NAMES, default="float32", help="number format (default: float32)")
    add("--compile", action="store_true", help="torch.compile the model where it allows that: may change last digits")
    add("--out", metavar="DIR", type=folder, help="root of all run directories (default: REFBENCH_RUNS, else runs)")
    add("--fresh", action="store_true", help="delete what an earlier run of this command left, and start over")
    add("--seed", metavar="N", type=natural, default=0, help="seed of models that sample (default: 0)")
    add("--max-failures", metavar="N|P%", type=allowance, help="failed samples allowed per row (default: 0)")
    add("--stall-timeout", metavar="SECONDS", type=seconds, help="end a process without progress (default: never)")
    add("--retry-failed", action="store_true", help="ask the samples that failed again, into the same record")
    add("--sample-timeout", metavar="SECONDS", type=seconds, help="time a sample may take (default: any)")
    add("--model-arg", metavar="K=V", action="append", default=[], help="of the model (`refbench models M` lists them)")
    add("--weights", metavar="PATH", type=folder, help="the model's weights (default: its own)")
    add("--offline", action="store_true", help="refuse models that ask a server, and any connection elsewhere")
    add("--include", metavar="DIR", type=folder, help="folder of further tasks (*.yaml) and models (*.py)")
    add("--save-overlays", metavar="N", type=natural, default=0, help="draw N answers of every run: by id, and worst")
    add("--overlay-grid", metavar="FILE", type=folder, help="draw one typical answer of each task, .png or .webp")
    add("--dry-run", action="store_true", help="show samples, prompts, and estimated time and memory; write nothing")
    add("--early-stop", metavar="RUN|K=V", help="end a row that is already decided to be worse than this, exit code 1")
    add("--quiet", action="store_true", help="nothing on standard error but errors")
    add("--log-json", action="store_true", help="progress as JSON lines on standard error")


def run(args: argparse.Namespace) -> int:
    """Run every split of every task, then print one table."""
    from tasks.allowance import Allowance
    from tasks.network import sealed
    from tasks.offline import is_asked
    from tasks.place import find_place
    from tasks.progress import say
    from tasks.run import Interrupted, TooManyFailures
    from tasks.stopping import terminable

    place = find_place(os.environ, args.num_processes)
    args.quiet |= place is not None and place.rank > 0  # one of them speaks for all
    hush: AbstractContextManager[object] = redirect_stderr(io.StringIO()) if args.quiet else nullcontext()
    try:
        with hush, terminable(), sealed(is_asked(args.offline)):
            if args.dry_run:
                return _preview(args, is_launched=place is not None)
            with _meter(args) as meter:
                parts, records = _evaluate(args, place, meter)
    except Interrupted as stop:
        say(str(stop))
        return stop.code
    except TooManyFailures as stop:
        say(str(stop))
        return 3
    if place is not None and place.rank > 0:
        return 0
    skipped = list(dict.fromkeys(each for part in parts for each in part.skipped))
    if args.json:
        _print_json(records, skipped, args.suite)
    else:
        _print(records, skipped, args)
    allowed = args.max_failures or Allowance()
    if any(allowed.exceeded(record.failed, record.n) for record in records):
        return 3
    return 1 if any(record.stopped_early is not None for record in records) else 0


def _preview(args: argparse.Namespace, is_launched: bool) -> int:
    """Say what the command would cost."""
    from benchmarks.errors import ConfigError
    from tasks import dry_run, session
    from tasks.meter import Meter
    from tasks.settings import settings

    if is_launched:
        raise ConfigError("--dry-run is for one process: leave out the launcher, and give --num-processes instead")
    parts = _parts(args, settings(args.data_root, args.out), Meter())
    session.check(parts, is_launched)
    cost = dry_run.estimate(parts)
    if args.json:
        show.as_json(cost.to_json())
    else:
        print(cost.to_text())
    return 0


def _meter(args: argparse.Namespace) -> "Meter":
    from tasks.meter import METERS

    if args.quiet:
        return METERS["none"]()
    return METERS["json" if args.log_json else "bar" if sys.stderr.isatty() else "lines"]()


def _evaluate(args: argparse.Namespace, place: "Place | None", meter: "Meter") -> "tuple[list[Part], list[Record]]":
    """Resolve names, data, splits and ways of asking, all of them before the first run, then run."""
    from tasks import session
    from tasks.gallery import Gallery
    from tasks.progress import say
    from tasks.settings import settings
    from tasks.team import Team

    gallery = Gallery(args.save_overlays, args.overlay_grid)
    chosen = settings(args.data_root, args.out)
    with nullcontext() if place is None else Team(place, chosen.runs) as team:
        parts = _parts(args, chosen, meter)
        session.check(parts, place is not None)
        sizes = [part.size() for part in parts]
        meter.expect(sum(rows for rows, _ in sizes), sum(samples for _, samples in sizes))
        records = session.run_parts(parts, team, gallery.take)
    gallery.finish()
    if records:
        say(session.closing_line(records, meter))
    return parts, records


def _parts(args: argparse.Namespace, chosen: "Settings", meter: "Meter") -> "list[Part]":
    """Find every model, and the rows that it is to run."""
    from dataclasses import replace

    from tasks import offline
    from tasks.model_args import read as read_args
    from tasks.models.pool import ModelPool
    from tasks.models.registry import find as find_model
    from tasks.plan import check_compiles
    from tasks.session import Part

    parts: list[Part] = []
    skipped: list[Skipped]
    entries = [find_model(name, args.include) for name in args.model]
    entries = [entry if entry.of_weights is None else entry.of_weights(args.weights) for entry in entries]
    told = [read_args(entry.name, entry.arguments, args.model_arg) for entry in entries]
    regimes, options = _regimes(args.regime), replace(_options(args, chosen), meter=meter)
    for entry, arguments in zip(entries, told, strict=True):
        offline.enforce(args.offline, entry, arguments)
        if args.compile:
            check_compiles(entry)
        if parts and args.suite is None:
            jobs, skipped = _same(parts[0], entry), []
        else:
            jobs, skipped = _jobs(args, entry, arguments, chosen.data_root)
        own = replace(options, model_args=arguments, pool=ModelPool())
        parts.append(Part(entry, own, jobs, skipped, args.prompt_set or (), regimes))
    return parts


def _jobs(
    args: argparse.Namespace, entry: "ModelEntry", told: "ModelArgs", root: Path | None
) -> "tuple[list[Job], list[Skipped]]":
    from benchmarks.errors import ConfigError
    from tasks import plan, registry, suites
    from tasks.data import find_data, sample_data
    from tasks.progress import say

    if (args.task is None) == (args.suite is None):
        raise ConfigError("name what to run: --task T[,T…] or --suite S, one of both")
    if args.suite is None:
        tasks = [registry.find(name, args.include) for name in args.task]
        for task in tasks:
            plan.check_splits(task, args.split)
            plan.check_model(task, entry)
        _check_prompts(tasks, args.prompt_set)
        return plan.jobs(tasks, args.split, find_data(root, not args.quiet)), []
    suite = suites.find(args.suite, args.include)
    tasks = [registry.find(name, args.include) for name in suite.tasks]
    _check_prompts(tasks, args.prompt_set)
    data = (sample_data if suite.data == "sample" else find_data)(root, not args.quiet)
    jobs, skipped = plan.suite_jobs(tasks, args.split, suite.splits == "one", entry, data, told)
    for each in skipped:
        say(f"left out: {each.task} {each.reason}")
    return jobs, skipped


def _same(part: "Part", entry: "ModelEntry") -> "list[Job]":
    """Give another model the rows of the first one, which are open already."""
    from tasks import plan

    for job in part.jobs:
        plan.check_model(job.task, entry)
    return list(part.jobs)


def _check_prompts(tasks: "list[Task]", wanted: tuple[str, ...] | None) -> None:
    from tasks import prompts

    for task in tasks:
        prompts.sets(task.prompt, wanted or ())


def _regimes(wanted: tuple[str, ...] | None) -> "list[Regime | None]":
    from benchmarks.commands import REGIMES
    from benchmarks.errors import unknown

    if wanted is None:
        return [None]
    for name in wanted:
        if name not in (*REGIMES, _ALL):
            raise unknown("regime", name, [*REGIMES, _ALL])
    return [regime for regime in REGIMES if regime in wanted or _ALL in wanted]


def _options(args: argparse.Namespace, chosen: "Settings") -> "RunOptions":
    from tasks.device import resolve
    from tasks.early_stop import Baseline
    from tasks.offline import is_asked
    from tasks.options import RunOptions

    on = resolve(args.device)
    return RunOptions(
        out=chosen.runs,
        data_root=chosen.data_root,
        early_stop=None if args.early_stop is None else Baseline.read(args.early_stop),
        limit=args.limit,
        batch_size=args.batch_size,
        seed=args.seed,
        device=on,
        dtype=precision.resolve(args.dtype, on),
        fresh=args.fresh,
        max_failures=args.max_failures,
        retry_failed=args.retry_failed,
        sample_timeout_s=args.sample_timeout,
        stall_timeout_s=args.stall_timeout,
        weights=args.weights,
        compiled=args.compile,
        command=args.command,
        offline=is_asked(args.offline),
        progress=not args.quiet,
        include=args.include,
        processes=args.num_processes or 1,
    )


def _print_json(records: "list[Record]", skipped: "list[Skipped]", suite: str | None) -> None:
    from dataclasses import asdict
    from importlib.metadata import version

    from results.robustness import over_prompt_sets
    from results.table import row_json

    answer: dict[str, object] = {"rows": [row_json(record) for record in records], "refbench": version("refbench")}
    if groups := over_prompt_sets(records):
        answer["prompt_sets"] = [group.to_json() for group in groups]
    if suite is not None:
        answer |= {"suite": suite, "skipped": [asdict(each) for each in skipped]}
    show.as_json(answer)


def _print(records: "list[Record]", skipped: "list[Skipped]", args: argparse.Namespace) -> None:
    from results.failures import failures_text
    from results.table import headlines_table, rows_table, slices_table

    asked = [name for name in ("prompt_set", "regime") if getattr(args, name) is not None]
    print(rows_table(records, asked))
    if failed := failures_text(records):
        print(f"\n{failed}")
    if args.suite is not None:
        print(f"\nsuite {args.suite}, first number of every task\n{headlines_table(records, asked)}")
        for each in skipped:
            print(f"left out: {each.task} {each.reason}")
        return
    for record in records:
        if record.data == "sample" and _KIND in record.slices:
            who = [record.model] if len(args.model) > 1 else []
            what = " ".join([*who, record.task, record.split, *(record.options[name] for name in asked)])
            print(f"\n{what}, by kind of expression\n{slices_table(record, _KIND)}")
