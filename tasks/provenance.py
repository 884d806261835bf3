"""What one needs to know to repeat a run: written to `run.json`, never to the result.

Values of options that look like secrets are replaced, and so are those of environment variables that do.
"""

import hashlib
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from tasks.redaction import SECRET, scrub

PACKAGES = (
    "refbench", "accelerate", "numpy", "pillow", "pycocotools", "safetensors", "scipy", "tokenizers", "torch",
    "transformers",
)  # fmt: skip
CODE = ("benchmarks", "configs", "metrics", "refvlm", "results", "tasks")
_INTERVALS = ("ap_draws", "fractions", "intervals", "resampling", "statistics", "sums")
_OF_NUMBERS = ("benchmarks", "metrics", "refvlm", *(f"results/{name}.py" for name in _INTERVALS), "tasks")
_NOT_OF_NUMBERS = ("refvlm/training", "tasks/commands")
_GIT_SECONDS = 5.0


def facts(command: Iterable[str]) -> dict[str, Any]:
    """Collect command, versions, machine and git state of the current folder."""
    return {
        "command": redact(command),
        "packages": _versions(),
        "python": platform.python_version(),
        "host": {"platform": platform.platform(), "machine": platform.machine(), "cpus": os.cpu_count()},
        "git": _git_state(),
    }


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def accelerator(device: str) -> str | None:
    """Name of the accelerator in use; None on a CPU, or when the model used none."""
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda") or not torch.cuda.is_available():
        return None
    return str(torch.cuda.get_device_name(device))


def code_digest() -> str:
    """Digest of the program itself: processes that share a run must run the same one."""
    root = Path(__file__).parents[1]
    return _digest(root, [path for package in CODE for path in (root / package).rglob("*.py")])


@cache
def number_code() -> str:
    """Digest of the part of the program that predictions and numbers come from, part of a run's identity.

    Commands, tables and training are left out: they change no number of a run. Read once, so that all processes of a
    command mean the same run even where files change meanwhile.
    """
    root = Path(__file__).parents[1]
    apart = tuple(root / name for name in _NOT_OF_NUMBERS)
    paths = [root / name for name in _OF_NUMBERS]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*.py"))]
    return _digest(root, [file for file in files if not any(file.is_relative_to(folder) for folder in apart)])


def folder_code(folder: Path | None) -> str:
    """Digest of the Python files right in a folder of the user's; empty where there are none."""
    files = [] if folder is None else list(folder.glob("*.py"))
    return _digest(folder, files) if folder is not None and files else ""


def _digest(root: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.relative_to(root).as_posix()}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def redact(command: Iterable[str]) -> list[str]:
    """Replace the values of options whose name looks like a secret, and of secret environment variables anywhere."""
    words: list[str] = []
    hide_next = False
    for word in command:
        name, equals, _ = word.partition("=")
        is_secret = name.startswith("-") and SECRET.search(name) is not None
        words.append("***" if hide_next else f"{name}=***" if is_secret and equals else word)
        hide_next = is_secret and not equals
    return [scrub(word) for word in words]


def _versions() -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _git_state() -> dict[str, Any] | None:
    """Commit of the current folder and whether tracked files differ from it; None outside a repository."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return None
    return {"commit": commit, "modified": bool(_git("status", "--porcelain", "--untracked-files=no"))}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=_GIT_SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
