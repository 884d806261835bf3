"""Where this process stands among those that torchrun, accelerate or a scheduler started.

Read from the environment, which both launchers fill in the same way. No process group is made: ranks meet in files
below `--out`, see `tasks.team`, so that one that is lost takes nobody with it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.errors import ConfigError

_LAUNCH = ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT", "MASTER_ADDR", "MASTER_PORT", "REFBENCH_LAUNCH")
"""Variables that are equal for the processes of one launch and differ between two that run at once."""


@dataclass(frozen=True)
class Place:
    """One process of a launch.

    Attributes:
        rank: 0 to `world` - 1, over all machines.
        world: number of processes.
        local_rank: number among those of this machine.
        launch: what all of them, and no others, have in common.
    """

    rank: int
    world: int
    local_rank: int
    launch: str


def find_place(environment: Mapping[str, str], asked: int | None) -> Place | None:
    """Read this process's place; None where it was started alone.

    Args:
        environment: RANK, WORLD_SIZE and LOCAL_RANK as torchrun and accelerate set them.
        asked: what `--num-processes` says; None where it was not given.

    Raises:
        ConfigError: another number of processes was started than asked for, or the variables contradict each other.
    """
    world = _number(environment, "WORLD_SIZE", "1")
    if world == 1:
        _check_alone(environment, asked)
        return None
    if asked not in (None, world):
        raise ConfigError(
            f"started as {world} processes (WORLD_SIZE) but --num-processes says {asked}: leave it out under torchrun "
            "and accelerate, or start 1 process and it starts the others itself"
        )
    rank = _number(environment, "RANK", "")
    if not 0 <= rank < world:
        raise ConfigError(f"RANK is {rank} and WORLD_SIZE {world}: ranks count from 0, start all with one launcher")
    told = "\n".join(f"{name}={environment.get(name, '')}" for name in (*_LAUNCH, "WORLD_SIZE"))
    launch = hashlib.sha256(told.encode()).hexdigest()[:10]
    return Place(rank, world, _number(environment, "LOCAL_RANK", str(rank)), launch)


def _check_alone(environment: Mapping[str, str], asked: int | None) -> None:
    """Refuse what accelerate does with `--cpu --num_processes 2`: it starts one process, and says nothing."""
    from_accelerate = "ACCELERATE_MIXED_PRECISION" in environment and "WORLD_SIZE" not in environment
    if from_accelerate and "MASTER_ADDR" in environment and asked is None:
        raise ConfigError(
            "accelerate started 1 process only, although it was asked for several (--cpu does that): use torchrun, or "
            "accelerate launch --multi_gpu, or refbench eval --num-processes N by itself; --num-processes 1 for one"
        )


def _number(environment: Mapping[str, str], name: str, default: str) -> int:
    text = environment.get(name, default)
    try:
        return int(text)
    except ValueError:
        raise ConfigError(
            f"{name} is '{text}', not a number: start all processes with torchrun or accelerate, or unset WORLD_SIZE"
        ) from None
