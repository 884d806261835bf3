"""Options of a task file's `protocol`, checked: a misspelt one must never pass as the default."""

from collections.abc import Iterable, Mapping

from benchmarks.errors import ConfigError, unknown


def only(options: Mapping[str, str], known: Iterable[str]) -> Mapping[str, str]:
    """Return the options, all of which must be known.

    Raises:
        UnknownName: one is not.
    """
    names = list(known)
    for name in options:
        if name not in names:
            raise unknown("protocol option", name, names)
    return options


def choice(options: Mapping[str, str], name: str, allowed: Iterable[str], default: str) -> str:
    """Read an option with a few allowed values.

    Raises:
        ConfigError: another value was given.
    """
    value, values = options.get(name, default), list(allowed)
    if value not in values:
        raise ConfigError(f"protocol option {name} is '{value}', not one of {', '.join(values)}: choose one")
    return value


def share(options: Mapping[str, str], name: str, default: float) -> float:
    """Read an option that is a number from 0 to 1.

    Raises:
        ConfigError: another value was given.
    """
    try:
        value = float(options.get(name, default))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ConfigError(f"protocol option {name} is '{options[name]}', not a number from 0 to 1: correct it")
    return value
