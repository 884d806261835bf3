"""Puts published files in place below a data root: fetch, check, unpack, and leave a receipt.

What is here already is left alone. A step that was interrupted, at any moment, goes on when the same command runs
again: the receipt says `done` only after everything is in place.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmarks.errors import DataError
from benchmarks.fetch import Policy, check_disk, fetch
from benchmarks.files import write_atomic
from benchmarks.unpack import unpack
from tasks.catalogue import Download

FOLDER = ".refbench"
"""Below the data root: receipts, and downloads that are not finished."""
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
State = Literal["here", "fetched", "to fetch", "by hand"]


@dataclass(frozen=True)
class Options:
    """How to prepare.

    Attributes:
        dry_run: only say what would be done.
        keep_archives: leave downloaded archives in the folder of receipts.
        policy: patience with servers.
        progress: draw bars on stderr.
    """

    dry_run: bool = False
    keep_archives: bool = False
    policy: Policy = field(default_factory=Policy)
    progress: bool = True


@dataclass(frozen=True)
class Outcome:
    """What became of one published file."""

    name: str
    state: State
    download: Download


def prepare(root: Path, needed: Mapping[str, Download], options: Options) -> list[Outcome]:
    """Put files in place, in order.

    Args:
        root: data root; made where it is missing.
        needed: downloads by name.
        options: those of the command.

    Raises:
        DataError: the disk is too small for what is known to come, a server refuses, or an archive is unsafe or broken.
            What was done before stays.
    """
    states = {name: _state(root, name, download) for name, download in needed.items()}
    known = sum(needed[name].bytes or 0 for name, state in states.items() if state == "to fetch")
    if not options.dry_run:
        _make(root)
        check_disk(root, known, "what is to be fetched")
        for name in [name for name, state in states.items() if state == "to fetch"]:
            _run(root, name, needed[name], options)
            states[name] = "fetched"
    return [Outcome(name, state, needed[name]) for name, state in states.items()]


def _state(root: Path, name: str, download: Download) -> State:
    """Whether a file is in place. Without a receipt, what is there was put there by the user and is trusted."""
    here = (root / download.holds).exists()
    if here and _receipt(root, name).get("state", "done") == "done":
        return "here"
    return "by hand" if download.url is None else "to fetch"


def _run(root: Path, name: str, download: Download, options: Options) -> None:
    assert download.url is not None
    file = root / FOLDER / "downloads" / name / download.file_name
    file.parent.mkdir(parents=True, exist_ok=True)
    receipt = {"url": download.url, "sha256": _receipt(root, name).get("sha256", "")}
    if not (file.is_file() and receipt["sha256"]):
        _write_receipt(root, name, {**receipt, "state": "fetching"})
        with _Bar(f"fetching {name}", options.progress) as bar:
            receipt["sha256"] = fetch(download.url, file, download.sha256, options.policy, bar)
    _write_receipt(root, name, {**receipt, "state": "unpacking"})
    if file.name.endswith(ARCHIVES):
        _unpack(root, name, file, download, options)
    else:
        (root / download.into).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, file.with_suffix(".copy"))
        file.with_suffix(".copy").replace(root / download.into / file.name)
    if not (root / download.holds).exists():
        raise DataError(
            f"{download.url} does not hold {download.holds}: its publisher changed it; put the files there by hand"
        )
    if not options.keep_archives:
        shutil.rmtree(file.parent)
    _write_receipt(root, name, {**receipt, "state": "done"})


def _unpack(root: Path, name: str, file: Path, download: Download, options: Options) -> None:
    with _Bar(f"unpacking {name}", options.progress) as bar:
        unpack(file, root / download.into, download.members, bar)
    for inner in download.inner:
        archive = root / inner
        with _Bar(f"unpacking {archive.name}", options.progress) as bar:
            unpack(archive, archive.parent, (), bar)
        archive.unlink()


def _make(root: Path) -> None:
    try:
        (root / FOLDER).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{root} cannot be written ({error.strerror}): choose another data root") from None


def _receipt(root: Path, name: str) -> dict[str, str]:
    try:
        content = json.loads((root / FOLDER / f"{name}.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write_receipt(root: Path, name: str, content: Mapping[str, str]) -> None:
    write_atomic(root / FOLDER / f"{name}.json", json.dumps(content, indent=1).encode() + b"\n")


class _Bar:
    """A bar of bytes with rate and remaining time, which learns the total on the way."""

    def __init__(self, title: str, visible: bool) -> None:
        from tqdm import tqdm

        self._bar = tqdm(desc=title, unit="B", unit_scale=True, unit_divisor=1000, disable=not visible, leave=False)

    def __enter__(self) -> "_Bar":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def __call__(self, here: int, total: int | None) -> None:
        """Show that `here` of `total` bytes are done; the first call may start far in."""
        if self._bar.total is None and total is not None:
            self._bar.reset(total)
            self._bar.initial = here
        self._bar.update(here - self._bar.n)
