"""`refbench suites`: which suites there are, and which tasks one of them runs."""

import argparse

from tasks.commands import show
from tasks.parser import folder

EXAMPLES = """  refbench suites
  refbench suites grounding
  refbench suites --include my_tasks --json"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("name", metavar="NAME", nargs="?", help="show one suite with its tasks")
    parser.add_argument("--include", metavar="DIR", type=folder, help="folder of task files, with suites in DIR/suites")


def run(args: argparse.Namespace) -> int:
    """List all suites, or show one."""
    from dataclasses import asdict

    from tasks.suites import find, suite_files

    if args.name is not None:
        suite = asdict(find(args.name, args.include))
        if args.json:
            show.as_json([{**suite, "kind": "suite"}])
        else:
            show.facts(suite["name"], {name: value for name, value in suite.items() if name != "name"})
        return 0
    suites = [find(name, args.include) for name in suite_files(args.include)]
    if args.json:
        show.as_json([{**asdict(suite), "kind": "suite"} for suite in suites])
    else:
        rows = [(suite.name, len(suite.tasks), suite.data, suite.description) for suite in suites]
        show.table(["suite", "tasks", "data", "description"], rows, right=["tasks"])
    return 0
