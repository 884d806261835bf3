"""Where data and runs live. Flag before environment before user file before default."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

DATA_VARIABLE, RUNS_VARIABLE = "REFBENCH_DATA", "REFBENCH_RUNS"
_DEFAULT_RUNS = Path("runs")


@dataclass(frozen=True)
class Settings:
    """What a command works with.

    Attributes:
        data_root: folder of the official files; None for the sample world.
        runs: root of all run directories.
    """

    data_root: Path | None
    runs: Path


def settings(
    data_root: Path | None = None, runs: Path | None = None, environ: Mapping[str, str] = os.environ
) -> Settings:
    """Join what the user said.

    Args:
        data_root: value of `--data-root`, None where it was not given.
        runs: value of `--out`, likewise.
        environ: environment variables; an empty one counts as absent.

    Raises:
        ConfigError: the user file cannot be used. It is not read where nothing in it could matter.
    """
    data_root = data_root or _path(environ.get(DATA_VARIABLE))
    runs = runs or _path(environ.get(RUNS_VARIABLE))
    path = user_path(environ)
    if (data_root is None or runs is None) and path is not None and path.is_file():
        from tasks import user_file

        user = user_file.read(path)
        data_root, runs = data_root or user.data_root, runs or user.runs
    return Settings(data_root, runs or _DEFAULT_RUNS)


def user_path(environ: Mapping[str, str] = os.environ) -> Path | None:
    """Name the user file: XDG_CONFIG_HOME/refbench/config.yaml, else in ~/.config; None for an account without home."""
    if chosen := environ.get("XDG_CONFIG_HOME"):
        return Path(chosen) / "refbench" / "config.yaml"
    try:
        return Path.home() / ".config" / "refbench" / "config.yaml"
    except RuntimeError:
        return None


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None
