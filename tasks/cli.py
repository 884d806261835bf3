"""Entry point of the console script: finds the command, runs it, and turns users' mistakes into one line.

Only the standard library is imported up here. The guard must come before any import of ours, and `--help` must not
wait for libraries that it does not need.
"""

import io
import os
import sys
from collections.abc import Sequence

from tasks.guard import complaint

COMMANDS = {
    "eval": "run a model on tasks, score it, print the table",
    "ask": "put one question about one picture to a model",
    "verify": "ask a part of a finished run again, and compare",
    "score": "score predictions that another program wrote",
    "regress": "hold runs against a baseline, for CI",
    "tasks": "list the tasks, or show one",
    "suites": "list the suites of tasks, or show one",
    "models": "list the models, or show one",
    "metrics": "list the metrics, or show one",
    "doctor": "find out in which coordinates a model speaks boxes",
    "compare": "compare two runs, models or folders, sample by sample",
    "power": "say which difference a run could show",
    "data status": "show which official files are here",
    "data prepare": "fetch official files and put them in place",
    "data verify": "check that official files are whole",
    "data sample": "write the sample world into a folder",
    "export": "draw paper tables from runs, or hold a finished paper against them",
    "report": "write an HTML page about a run, or about two side by side",
    "runs list": "list the finished runs",
    "runs show": "show one run, and whether its files were edited",
    "runs rm": "delete runs",
    "runs import": "copy runs of elsewhere into the folder of runs, after checking them",
    "leaderboard": "rank the runs of a task, a suite or a capability",
    "train": "train the reference model",
    "transfer report": "show how many training steps each of several runs needed",
    "convert": "turn checkpoints of others into a start for the reference model",
    "demo": "open a page to ask models in, with pictures of their answers",
    "card": "write the model card of a checkpoint from records of runs",
}
"""Command -> what it does. Each has a module in `tasks.commands` with EXAMPLES, `arguments(parser)` and `run(args)`."""
STOPPED = 130
READER_GONE = 141


def main(words: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        words: what follows `refbench`; default: those of this process.

    Returns:
        0 done; 1 a verdict failed; 2 the user must change something; 3 done, but more samples failed than allowed;
        130 stopped by Ctrl-C, 143 by SIGTERM; 141 the reader of standard output has gone.
    """
    _print_anything()
    try:
        code = _run(sys.argv[1:] if words is None else list(words))
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else the interpreter's own flush complains
        return READER_GONE
    except KeyboardInterrupt as stop:
        code = getattr(stop, "code", STOPPED)  # SIGTERM has another one than Ctrl-C
        return _refuse("stopped: finished samples are kept; the same command goes on from there", code)
    return code


def _run(words: list[str]) -> int:
    if problem := complaint():
        return _refuse(problem)
    if not words or words[0] in ("-h", "--help"):
        (sys.stdout if words else sys.stderr).write(_overview(COMMANDS))
        return 0 if words else 2
    if words[0] == "--version":
        from importlib.metadata import version

        sys.stdout.write(f"refbench {version('refbench')}\n")
        return 0
    try:
        return _command(words)
    except _mistakes() as mistake:  # evaluated only when something was raised: no import before that
        return _refuse(str(mistake))


def _command(words: list[str]) -> int:
    from tasks.parser import of_command

    family = {name: text for name, text in COMMANDS.items() if name.startswith(f"{words[0]} ")}
    if family and (len(words) == 1 or words[1] in ("-h", "--help")):
        (sys.stdout if len(words) > 1 else sys.stderr).write(_overview(family))
        return 0 if len(words) > 1 else 2
    name = " ".join(words[: 2 if family else 1])
    if name not in COMMANDS:
        from benchmarks.errors import unknown

        raise unknown("command", name, family or COMMANDS, "refbench --help")
    module, parser = of_command(name, COMMANDS[name])
    try:
        args = parser.read(words[len(name.split()) :])
    except SystemExit:  # argparse leaves this way after printing the help
        return 0
    _log(args.verbose)
    args.command = ("refbench", *words)
    return int(module.run(args))


def _overview(commands: dict[str, str]) -> str:
    width = max(map(len, commands)) + 2
    lines = [f"  {name:<{width}}{text}" for name, text in commands.items()]
    return "\n".join(
        [
            "usage: refbench COMMAND … [--json]",
            "",
            "Evaluates vision-language models that answer with boxes, masks and text.",
            "",
            *lines,
            "",
            "start with:  refbench eval --task refcocog_res",
            "help:        refbench COMMAND --help",
            "version:     refbench --version",
            "",
        ]
    )


def _mistakes() -> tuple[type[Exception], ...]:
    """Errors that a user can mend. Everything else is a bug and keeps its traceback."""
    from benchmarks.errors import ConfigError, DataError, ModelError, UnknownName
    from metrics.errors import DataError as MetricDataError

    return (ConfigError, DataError, ModelError, UnknownName, MetricDataError)


def _refuse(text: str, code: int = 2) -> int:
    from tasks.redaction import scrub

    sys.stderr.write(f"{scrub(text)}\n")
    return code


def _log(verbose: bool) -> None:
    if verbose:
        import logging

        logging.basicConfig(level=logging.INFO, format="%(name)s: %(message)s", stream=sys.stderr)


def _print_anything() -> None:
    """Keep a terminal that lacks a character from ending a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
