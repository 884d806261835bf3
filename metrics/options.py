"""Options of scorers: from the command line's `key=value` texts to checked values."""

from collections.abc import Mapping
from typing import TypeVar

from metrics.errors import DataError

Choice = TypeVar("Choice", bound=str)


def choice(options: Mapping[str, str], name: str, allowed: tuple[Choice, ...], default: Choice) -> Choice:
    """Read an option with a few allowed values.

    Raises:
        DataError: another value was given.
    """
    value = options.get(name, default)
    for candidate in allowed:
        if candidate == value:
            return candidate
    raise DataError(f"option {name}={value} is not one of {', '.join(allowed)}: choose one")


def yes(options: Mapping[str, str], name: str, default: bool) -> bool:
    """Read a yes/no option."""
    return choice(options, name, ("yes", "no"), "yes" if default else "no") == "yes"


def ids(options: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    """Read a comma separated list of ids; None where the option is absent."""
    if name not in options:
        return None
    values = tuple(part.strip() for part in options[name].split(",") if part.strip())
    if not values:
        raise DataError(f"option {name} lists no id: give at least one or leave the option out")
    return values


def floats(options: Mapping[str, str], name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    """Read comma separated positive numbers.

    Raises:
        DataError: a part is no positive finite number.
    """
    try:
        values = tuple(float(part) for part in options[name].split(",")) if name in options else default
    except ValueError:
        values = ()
    if not values or not all(0 < value < float("inf") for value in values):
        raise DataError(f"option {name}={options.get(name)} must be positive numbers, comma separated")
    return values


def choice_int(options: Mapping[str, str], key: str, default: int) -> int:
    """Read an option that is a whole number, 0 or more."""
    value = options.get(key, str(default))
    if not value.isdecimal():
        raise DataError(f"option {key}={value} is not a whole number of 0 or more")
    return int(value)


def choice_float(options: Mapping[str, str], key: str, default: float) -> float:
    """Read an option that is a number above 0."""
    try:
        value = float(options.get(key, str(default)))
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise DataError(f"option {key}={options.get(key)} is not a number above 0")
    return value
