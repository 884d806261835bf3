"""Runs that may use no network: `--offline`, or REFBENCH_OFFLINE=1."""

import os

from benchmarks.errors import ConfigError, ModelError
from tasks.base import ModelEntry
from tasks.model_args import ModelArgs

VARIABLE = "REFBENCH_OFFLINE"
_HUB = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")


def is_asked(flag: bool) -> bool:
    """Whether the user forbade the network, by `--offline` or in the environment.

    Raises:
        ConfigError: the environment variable is neither 0 nor 1.
    """
    if (said := os.environ.get(VARIABLE, "")) not in ("", "0", "1"):
        raise ConfigError(f"{VARIABLE} is {said!r}: set it to 1 for no network, or leave it out")
    return flag or said == "1"


def enforce(asked: bool, entry: ModelEntry, args: ModelArgs) -> None:
    """Refuse a model that asks a server, and keep the hub's libraries of this process and its children off the network.

    Args:
        asked: whether the user gave `--offline`.
        entry: the model.
        args: its arguments; one that is told `cache=only` never asks its server.

    Raises:
        ModelError: the model needs the network.
        ConfigError: the environment variable is neither 0 nor 1.
    """
    if not is_asked(asked):
        return
    if entry.network and dict(args).get("cache") != "only":
        raise ModelError(
            f"model {entry.name} asks a server, and --offline forbids every network: leave out --offline (or "
            f"{VARIABLE}), or answer from kept replies alone with --model-arg cache=only"
        )
    os.environ.update(dict.fromkeys(_HUB, "1"))
