"""`refbench eval`: runs a model on tasks, scores it, prints the table."""

import argparse
import io
import os
from contextlib import AbstractContextManager, nullcontext, redirect_stderr
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import device, folder, names, natural, positive

if TYPE_CHECKING:
    from results.record import Record
    from tasks.options import RunOptions

EXAMPLES = """  refbench eval --task refcocog_res
  refbench eval --task refcoco_rec,refcocop_rec --data-root data --split testA --json
  refbench eval --task refcocog_rec --model oracle --limit 50
  refbench eval --task refcocog_res --weights checkpoints/tiny --out runs/mine

The same command again goes on where it stopped, and a finished run answers at once; --fresh starts over.
exit codes: 0 done, 2 something must be changed, 3 more samples failed than --max-failures allows"""
_KIND = "kind"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--task", metavar="T[,T…]", type=names, required=True, help="tasks to run (`refbench tasks` lists them)")
    add("--model", metavar="M", default="refvlm", help="model under test (default: refvlm)")
    add("--data-root", metavar="DIR", type=folder, help="official files (default: REFBENCH_DATA, else sample world)")
    add("--split", metavar="S[,S…]", type=names, default=(), help="splits (default: every official one)")
    add("--limit", metavar="N", type=positive, help="run a fixed subset of N samples per split")
    add("--batch-size", metavar="N", type=positive, default=32, help="samples per model call (default: 32)")
    add("--num-processes", metavar="N", type=positive, default=1, help="processes; only 1 is supported yet")
    add("--device", metavar="D", type=device, default="auto", help="auto, cpu, cuda or cuda:N (default: auto)")
    add("--dtype", choices=("float32", "bfloat16"), default="float32", help="number format (default: float32)")
    add("--out", metavar="DIR", type=folder, help="root of all run directories (default: REFBENCH_RUNS, else runs)")
    add("--fresh", action="store_true", help="delete what an earlier run of this command left, and start over")
    add("--seed", metavar="N", type=natural, default=0, help="seed of models that sample (default: 0)")
    add("--max-failures", metavar="N", type=natural, default=0, help="failed samples allowed per row (default: 0)")
    add("--weights", metavar="PATH", type=folder, help="the model's weights (default: its own)")
    add("--include", metavar="DIR", type=folder, help="folder of further task files (*.yaml)")
    add("--quiet", action="store_true", help="nothing on standard error but errors")


def run(args: argparse.Namespace) -> int:
    """Run every split of every task, then print one table."""
    from tasks.progress import say
    from tasks.run import Interrupted

    hush: AbstractContextManager[object] = redirect_stderr(io.StringIO()) if args.quiet else nullcontext()
    try:
        with hush:
            options, records = _evaluate(args)
    except Interrupted as stop:
        say(str(stop))
        return 130
    _print(records, args.json)
    return 3 if any(options.too_many(record.failed) for record in records) else 0


def _evaluate(args: argparse.Namespace) -> "tuple[RunOptions, list[Record]]":
    """Resolve names, data and splits, all of them before the first run, then run."""
    from tasks import plan, registry
    from tasks.data import find_data
    from tasks.models.registry import find as find_model
    from tasks.run import evaluate
    from tasks.settings import settings

    _check_processes(args.num_processes)
    tasks = [registry.find(name, args.include) for name in args.task]
    entry = find_model(args.model)
    for task in tasks:
        plan.check_splits(task, args.split)
        plan.check_model(task, entry)
    chosen = settings(args.data_root, args.out)
    jobs = plan.jobs(tasks, args.split, find_data(chosen.data_root, not args.quiet))
    options = _options(args, chosen.runs)
    return options, [evaluate(job.task, job.split, entry, options) for job in jobs]


def _check_processes(asked: int) -> None:
    from benchmarks.errors import ConfigError

    if asked != 1:
        raise ConfigError(f"--num-processes {asked}: this version runs in 1 process only, leave it out")
    started = os.environ.get("WORLD_SIZE", "1")
    if started != "1":  # set by torchrun and accelerate; every process would run everything
        raise ConfigError(f"started as {started} processes (WORLD_SIZE): this version runs in 1, start it without them")


def _options(args: argparse.Namespace, out: Path) -> "RunOptions":
    from tasks.device import resolve
    from tasks.options import RunOptions

    return RunOptions(
        out=out,
        limit=args.limit,
        batch_size=args.batch_size,
        seed=args.seed,
        device=resolve(args.device),
        dtype=args.dtype,
        fresh=args.fresh,
        max_failures=args.max_failures,
        weights=args.weights,
        command=args.command,
        progress=not args.quiet,
    )


def _print(records: "list[Record]", as_json: bool) -> None:
    from importlib.metadata import version

    from results.table import row_json, rows_table, slices_table

    if as_json:
        show.as_json({"rows": [row_json(record) for record in records], "refbench": version("refbench")})
        return
    print(rows_table(records))
    for record in records:
        if record.data == "sample" and _KIND in record.slices:
            print(f"\n{record.task} {record.split}, by kind of expression\n{slices_table(record, _KIND)}")
