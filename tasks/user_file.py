"""The user's own configuration file: `$XDG_CONFIG_HOME/refbench/config.yaml`."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from tasks import strict_yaml


class UserFile(BaseModel):
    """What the file may hold.

    Attributes:
        data_root: folder of the official files.
        runs: where run directories go.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    data_root: Path | None = None
    runs: Path | None = None


def read(path: Path) -> UserFile:
    """Read the file; relative paths start at its folder, `~` at the home folder.

    Raises:
        ConfigError: it cannot be read, or holds an unknown key or a wrong value.
    """
    raw = strict_yaml.read(path, UserFile)
    return UserFile(data_root=_absolute(raw.data_root, path), runs=_absolute(raw.runs, path))


def _absolute(value: Path | None, path: Path) -> Path | None:
    return None if value is None else path.parent / value.expanduser()
