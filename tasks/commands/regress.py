"""`refbench regress`: a candidate against a baseline, for CI."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder, positive

if TYPE_CHECKING:
    from results.regression.check import Verdict
    from results.regression.gate import Request, Sides
    from results.run import Run

EXAMPLES = """  refbench regress --candidate runs --write-baseline baseline.json
  refbench regress --candidate runs --baseline baseline.json
  refbench regress --candidate runs --baseline main-runs.zip --rules gate.yaml --junit regress.xml
  refbench regress --candidate runs/refvlm/refcoco_res/testA-476f017b21 --baseline best --runs all_runs --json

A side is a run directory, a folder of runs, a baseline file, a zip or tar file of run folders (the artifact of a
branch), or the id or name of a run below --runs. Rows of other data, split or protocol are refused.
exit codes: 0 nothing got worse, 1 a rule was broken or no check could be made, 2 the two cannot be compared or
something must be changed"""
SUMMARY = "GITHUB_STEP_SUMMARY"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--candidate", metavar="C", help="what is judged (default: the folder of all runs)")
    add("--baseline", metavar="B", help="what it is held against; `best` for the best so far of the same model")
    add("--rules", metavar="R", default="default", help="YAML file, or default, strict or retrained (default: default)")
    add(
        "--runs",
        metavar="DIR",
        type=folder,
        help="folder of all runs: for names, `best` and --history",
    )
    add("--include", metavar="DIR", type=folder, help="folder of further task files, for metrics of your own")
    add("--candidate-model", metavar="M", help="of the candidate, only runs of this model")
    add("--baseline-model", metavar="M", help="of the baseline, only runs of this model")
    add("--all", action="store_true", help="lay out every check, however many there are")
    add("--junit", metavar="FILE", type=folder, help="write the checks as JUnit XML")
    add("--markdown", metavar="FILE", type=folder, help=f"write a summary (also added to ${SUMMARY} where it is set)")
    add("--badge", metavar="FILE", type=folder, help="write a badge, SVG")
    add("--history", metavar="FILE", type=folder, help="write a plot of first numbers over commits, SVG")
    add(
        "--write-baseline",
        metavar="FILE",
        type=folder,
        help="write the candidate as a baseline, where no rule is broken",
    )
    add("--rows-limit", metavar="KIB", type=positive, help="largest rows of a run in that file (default: 64)")


def run(args: argparse.Namespace) -> int:
    """Judge, write what was asked for, print the verdict."""
    from benchmarks.errors import ConfigError

    if args.baseline is None and args.write_baseline is None:
        raise ConfigError("name what to hold the candidate against: --baseline B (or make one: --write-baseline FILE)")
    if args.rows_limit is not None and args.write_baseline is None:
        raise ConfigError("--rows-limit goes with --write-baseline: leave it out, or name a file to write")
    with TemporaryDirectory(prefix="refbench-regress-") as scratch:
        request = _request(args, Path(scratch))
        return _write_baseline(args, request) if args.baseline is None else _judge(args, request)


def _request(args: argparse.Namespace, scratch: Path) -> "Request":
    from results.regression.gate import Request
    from results.store import Store
    from tasks.settings import settings

    root = settings(runs=args.runs).runs
    candidate = str(root) if args.candidate is None else args.candidate
    return Request(args.baseline or "", candidate, Store(root), scratch, args.baseline_model, args.candidate_model)


def _judge(args: argparse.Namespace, request: "Request") -> int:
    from results.regression.evidence import Examiner
    from results.regression.gate import decide, find
    from results.regression.layout import to_text
    from tasks.commands.compare import known_metrics
    from tasks.rule_files import read

    book = read(args.rules)
    sides = find(request)
    known = known_metrics([*sides.candidate.runs, *sides.baseline.runs], args.include)
    verdict = decide(sides, book, Examiner(known))
    _write_files(args, verdict, sides, request)
    if args.write_baseline is not None and verdict.passed:
        _save_baseline(args, sides.candidate.runs)
    if args.json:
        show.as_json(verdict.to_json())
    else:
        print(to_text(verdict, args.all))
    return 0 if verdict.passed else 1


def _write_files(args: argparse.Namespace, verdict: "Verdict", sides: "Sides", request: "Request") -> None:
    from results.regression import badge, history, junit, markdown

    if args.junit is not None:
        _write(args.junit, junit.to_xml(verdict))
    summary = markdown.to_markdown(verdict).encode()
    if args.markdown is not None:
        _write(args.markdown, summary)
    if target := os.environ.get(SUMMARY):
        _append(Path(target), summary)
    if args.badge is not None:
        _write(args.badge, badge.badge(verdict).encode())
    if args.history is not None:
        stored = request.store.runs() if request.store.root.is_dir() else []
        found = history.tracks(sides.candidate.runs, [*stored, *sides.baseline.runs])
        _write(args.history, history.plot(found).encode())


def _write_baseline(args: argparse.Namespace, request: "Request") -> int:
    from results.regression.gate import find_candidate

    written = _save_baseline(args, find_candidate(request).runs)
    if args.json:
        show.as_json(written)
    else:
        print(f"{written['file']}: {written['runs']} runs, {written['bytes']:,} bytes")
    return 0


def _save_baseline(args: argparse.Namespace, runs: "Sequence[Run]") -> dict[str, object]:
    from results.regression import baseline_file
    from tasks.progress import say

    content = baseline_file.to_json(runs, args.rows_limit or baseline_file.ROWS_LIMIT_KIB)
    data = baseline_file.to_text(content).encode()
    _write(args.write_baseline, data)
    if without := baseline_file.unpaired(content):
        say(f"without rows, since they are too large (--rows-limit): {', '.join(without)}; only unpaired tests there")
    return {"file": str(args.write_baseline), "runs": len(runs), "bytes": len(data), "unpaired": without}


def _write(path: Path, data: bytes) -> None:
    from benchmarks.errors import ConfigError
    from benchmarks.files import write_atomic

    try:
        write_atomic(path, data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written ({error.strerror}): choose another place") from None


def _append(path: Path, data: bytes) -> None:
    """Add to the summary of a job, as other steps do."""
    from benchmarks.errors import ConfigError

    try:
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise ConfigError(f"${SUMMARY}: {path} cannot be written ({error.strerror}): mend or unset it") from None
