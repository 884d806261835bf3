"""Arguments of one model that are no option of every run, `--model-arg KEY=VALUE`: checked against what it declares."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.errors import ConfigError, unknown

ModelArgs = tuple[tuple[str, str], ...]
"""Names and values that differ from the default, sorted: the same settings are the same run, however they are given."""


@dataclass(frozen=True)
class ModelArgument:
    """What a model can be told: its name, the values it takes, the default first, and what it does."""

    name: str
    values: tuple[str, ...]
    does: str


def read(model: str, known: Sequence[ModelArgument], given: Sequence[str]) -> ModelArgs:
    """Check what the user gave.

    Args:
        model: its name, for error texts.
        known: what it can be told.
        given: KEY=VALUE each; the last of a key counts.

    Raises:
        ConfigError: something is no KEY=VALUE, or the model takes no arguments.
        UnknownName: a key or value that there is not; names the nearest.
    """
    arguments = {each.name: each for each in known}
    chosen: dict[str, str] = {}
    for word in given:
        name, found, value = word.partition("=")
        if not found:
            raise ConfigError(f"--model-arg {word} has no value: write KEY=VALUE")
        if not arguments:
            raise ConfigError(f"--model-arg {word}: model {model} takes no arguments, leave it out")
        if name not in arguments:
            raise unknown(f"argument of model {model}", name, arguments, f"refbench models {model}")
        if value not in arguments[name].values:
            raise unknown(f"value of --model-arg {name}", value, arguments[name].values)
        chosen[name] = value
    return tuple(sorted((name, value) for name, value in chosen.items() if value != arguments[name].values[0]))
