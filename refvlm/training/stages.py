"""The stages of a training: stage1.yaml, stage2.yaml, ... of one folder, each of which starts from the one before."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import ConfigError
from refvlm.fingerprint import HABITS
from refvlm.training.config import load_config

_STAGE = re.compile(r"stage([1-9][0-9]*)\.yaml")


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        config: YAML file.
        out: checkpoint folder.
        start_from: checkpoint to start from; None for what the file says.
    """

    config: Path
    out: Path
    start_from: Path | None = None

    @property
    def has_begun(self) -> bool:
        """Whether the checkpoint folder holds a run, done or not."""
        from refvlm.training.trainer import STATE

        return (self.out / STATE).exists()

    def is_done(self) -> bool:
        """Whether the run in the checkpoint folder has come to its end.

        Raises:
            ConfigError, DataError: see `refvlm.training.trainer.read_state`.
        """
        from refvlm.training.trainer import read_state

        if not (self.has_begun and (self.out / HABITS).exists()):
            return False
        config = load_config(self.config)
        return bool(read_state(self.out, config)["step"] == config.optim.end)


def stages_of(folder: Path, out_of: Callable[[Path], Path], first: Path | None = None) -> tuple[Stage, ...]:
    """List the stages of a folder in the order of their numbers, with every file read once to find mistakes early.

    Args:
        folder: with stage1.yaml and those that follow; other files in it are no stages.
        out_of: checkpoint folder for a file.
        first: checkpoint from which the first stage starts; None for what its file says.

    Raises:
        ConfigError: there are no stages, one is missing between others, or a file is wrong.
        UnknownName: a file has an unknown key.
    """
    numbered = {int(found[1]): path for path in folder.iterdir() if (found := _STAGE.fullmatch(path.name))}
    if not numbered:
        raise ConfigError(f"{folder} holds no stage1.yaml: name a folder of stages, or one file of it")
    missing = [number for number in range(1, max(numbered)) if number not in numbered]
    if missing:
        raise ConfigError(f"{folder} holds no stage{missing[0]}.yaml but stages after it: add it, or name single files")
    stages: list[Stage] = []
    before = first
    for _, path in sorted(numbered.items()):
        load_config(path)
        stages.append(Stage(path, out_of(path), before))
        before = stages[-1].out
    return tuple(stages)
