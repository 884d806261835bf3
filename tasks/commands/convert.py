"""`refbench convert`: turns checkpoints of others into a start for the reference model."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.commands import show
from tasks.parser import folder

if TYPE_CHECKING:
    from refvlm.config import RefVLMConfig
    from refvlm.convert.plan import Report

EXAMPLES = """  refbench convert --from iter_8000.pth --dry-run
  refbench convert --from iter_8000.pth --from clip-vit-large-patch14-336 --from open_clip_pytorch_model.bin --out start
  refbench convert --from vicuna-7b-v1.5 --out start --json

reads safetensors and PyTorch files that hold tensors only; a folder may be an export with one folder a part
exit codes: 0 converted, or a dry run without faults; 1 a dry run with faults (what is printed); 2 wrong usage, or
faults without --dry-run"""
_SHOWN = 8


def arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add = parser.add_argument
    add("--from", metavar="PATH", dest="sources", type=folder, action="append", required=True,
        help="checkpoint file or folder; repeat it for parts from several places")  # fmt: skip
    add("--out", metavar="DIR", type=folder, help="new folder for the converted checkpoint")
    add("--config", metavar="NAME|FILE", default="7b", help="preset, or config.json of a checkpoint (default: 7b)")
    add("--dry-run", action="store_true", help="only say what would become of every tensor")


def run(args: argparse.Namespace) -> int:
    """Plan, and convert unless it is a dry run."""
    from benchmarks.errors import ConfigError
    from refvlm.convert.write import examine, write

    if args.out is None and not args.dry_run:
        raise ConfigError("name a folder for the converted checkpoint with --out, or add --dry-run")
    conversion = examine(args.sources, _config(args.config))
    files = [] if args.dry_run else write(conversion, args.out)
    if args.json:
        show.as_json({**conversion.report.as_json(), "files": [str(file) for file in files]})
    else:
        _print(conversion.report)
        for file in files:
            print(f"wrote {file}")
    return 1 if conversion.report.faults else 0


def _config(name: str) -> "RefVLMConfig":
    import yaml

    from benchmarks.errors import ConfigError
    from refvlm.config import read_config
    from refvlm.presets import preset

    path = Path(name)
    if not path.is_file():
        return preset(name)
    try:
        return read_config(yaml.safe_load(path.read_text(encoding="utf-8")), path)
    except (OSError, ValueError, yaml.YAMLError) as error:
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"{path} cannot be read ({error}): name a preset or the config.json of a checkpoint"
        ) from None


def _print(report: "Report") -> None:
    notes = [f"{step.ours}: {step.note}" for step in report.steps if step.note]
    left = [f"{step.name} {list(step.found)}: ours is {step.ours} {list(step.wanted)}" for step in report.left]
    show.table(
        ["what", "tensors"],
        [
            ("carried over", len(report.steps)),
            ("no counterpart", sum(map(len, report.without.values()))),
            ("left: other shape", len(left)),
            ("ours that get nothing", len(report.missing)),
            ("faults", len(report.faults)),
        ],
        right=["tensors"],
    )
    _list("rows", notes)
    _list("no counterpart", [f"{len(names)} like {names[0]}: {why}" for why, names in report.without.items()])
    _list("left behind, other shape", left)
    _list("ours that get nothing", _grouped(report.missing))
    _list("faults", report.faults)


def _grouped(names: list[str]) -> list[str]:
    counts: dict[str, int] = {}
    for name in names:
        head = ".".join(name.split(".")[:2])
        counts[head] = counts.get(head, 0) + 1
    return [f"{head}: {count}" for head, count in counts.items()]


def _list(title: str, lines: list[str]) -> None:
    if not lines:
        return
    print(f"\n{title}")
    shown = lines if title != "faults" else lines[:_SHOWN]
    for line in shown:
        print(f"  {line}")
    if len(lines) > len(shown):
        print(f"  and {len(lines) - len(shown)} more (--json lists all)")
