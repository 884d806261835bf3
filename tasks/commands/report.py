"""`refbench report`: one HTML file about a run, or about two side by side."""

import argparse

from tasks.commands import show
from tasks.parser import folder, natural

EXAMPLES = """  refbench report runs/refvlm/coco_detection/val2017-6117cb28f9
  refbench report refvlm/coco_detection --out detection.html
  refbench report 6117cb28f9 9d628e2faf --pictures 80

RUN is a run directory, the first digits of a run's id, or model/task/split. The file opens in any browser, offline: it
holds its pictures and asks no network for anything. It is made from the run directory and the data, without a model.
exit codes: 0 done, 2 no such run, or two that answered different questions"""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("run", metavar="RUN", nargs="+", help="one run, or two to be compared")
    add("--out", metavar="FILE", type=folder, help="file to write (default: report-MODEL-TASK-SPLIT.html, here)")
    add("--pictures", metavar="N", type=natural, help="samples with pictures, about (default: 48)")
    add("--runs", metavar="DIR", type=folder, help="root of all run directories (default: REFBENCH_RUNS, else runs)")
    add("--data-root", metavar="DIR", type=folder, help="official files (default: where they were)")
    add("--include", metavar="DIR", type=folder, help="folder with task files of your own (default: that of the run)")


def run(args: argparse.Namespace) -> int:
    """Write the report, print where it lies."""
    from benchmarks.errors import ConfigError
    from results.store import Store
    from tasks import report, report_file
    from tasks.settings import settings

    if len(args.run) > 2:
        raise ConfigError(f"a report shows one run or two, not {len(args.run)}: name two, or write several reports")
    store = Store(settings(None, args.runs).runs)
    pictured = report.PICTURED if args.pictures is None else args.pictures
    choice = report_file.Choice(args.data_root, args.include, pictured)
    out, size, page = report_file.write([store.find(text) for text in args.run], args.out, choice)
    if args.json:
        pictures = sum(bool(entry.pictures) for entry in page.entries)
        show.as_json(
            {
                "file": str(out),
                "bytes": size,
                "samples": len(page.entries),
                "pictured": pictures,
                "notes": page.notes,
            }
        )
    else:
        print(f"{out} ({size / 1e6:.1f} MB): open it in a browser")
    return 0
