"""`refbench verify`: asks a random part of a finished run again, and compares."""

import argparse
from pathlib import Path

from tasks.commands import show
from tasks.parser import device, folder, names, natural, share

EXAMPLES = """  refbench verify runs/refvlm/refcocog_res/test-3f2a9c01de
  refbench verify runs/refvlm/refcocog_res/test-3f2a9c01de --share 10% --seed 1 --json
  refbench verify runs/refvlm/refcocog_res/test-3f2a9c01de --allow code

Model, data, wording and options are those of the run, read from its run.json; nothing is written. Whole batches are
asked, cut as they were then.
exit codes: 0 every answer is the same, 1 some differ, 2 the run cannot be repeated as it was, or something else must
be changed"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("run", metavar="RUN", type=folder, help="run directory")
    add("--share", metavar="P%", type=share, default=0.02, help="part of its samples, at least 10 (default: 2%%)")
    add("--seed", metavar="N", type=natural, default=0, help="which part (default: 0)")
    add("--allow", metavar="A[,A…]", type=names, default=(), help="what may have changed: model, data, code, …")
    add("--data-root", metavar="DIR", type=folder, help="official files (default: where they were)")
    add("--device", metavar="D", type=device, help="cpu or cuda (default: as then)")
    add("--offline", action="store_true", help="refuse models that ask a server, and any connection elsewhere")


def run(args: argparse.Namespace) -> int:
    """Verify, print what differs."""
    from benchmarks.errors import unknown
    from tasks.network import sealed
    from tasks.offline import is_asked
    from tasks.verification import ASPECTS, Choice, verify

    for name in args.allow:
        if name not in ASPECTS:
            raise unknown("aspect of a run", name, ASPECTS)
    on = None if args.device in (None, "auto") else args.device
    with sealed(is_asked(args.offline)):
        verdict = verify(Path(args.run), Choice(args.seed, args.share, args.allow, args.data_root, on))
    if args.json:
        show.as_json(verdict.to_json())
    else:
        print(verdict.to_text())
    return 1 if verdict.differences else 0
