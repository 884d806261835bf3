"""Reads a YAML file into a checked pydantic model; errors name file, key and the nearest valid key."""

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from benchmarks.errors import ConfigError, unknown

Model = TypeVar("Model", bound=BaseModel)
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one is ten times faster and not on every machine


def read(path: Path, model: type[Model]) -> Model:
    """Read one file.

    Raises:
        ConfigError: it cannot be read, is no YAML mapping, or a key is unknown, missing or of the wrong type.
    """
    try:
        content: Any = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}): check the file and its permissions") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} is no YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold keys and values ({', '.join(model.model_fields)}), not {content!r}")
    return check(content, model, str(path))


def check(content: Any, model: type[Model], place: str) -> Model:
    """Turn parsed content into a model.

    Args:
        content: keys and values.
        model: what it must be.
        place: where it stands, for the error text.

    Raises:
        ConfigError: a key is unknown, missing or of the wrong type.
    """
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{place}: {_reason(error, model)}") from None


def _reason(error: ValidationError, model: type[BaseModel]) -> str:
    errors = error.errors(include_url=False)
    first = next(
        (each for each in errors if each["type"] == "extra_forbidden"), errors[0]
    )  # a slip lacks the right key
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return str(unknown("key", key, model.model_fields))
    if first["type"] == "missing":
        return f"key '{key}' is missing: add it"
    if not key:  # a rule about several keys together
        return str(first["msg"]).removeprefix("Value error, ")
    return f"key '{key}': {first['msg']}, got {first['input']!r}"
