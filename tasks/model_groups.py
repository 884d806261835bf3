"""Headings that models stand under in a leaderboard, from a YAML file: `{groups: {Ours: [refvlm, mine-*], …}}`."""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from tasks import strict_yaml
from tasks.progress import say

Names = Annotated[list[str], Field(min_length=1)]


class GroupFile(BaseModel):
    """The content of the file.

    Attributes:
        groups: heading -> names of models, or patterns with * and ?; the headings stand in this order.
    """

    model_config = ConfigDict(extra="forbid")

    groups: Annotated[dict[str, Names], Field(min_length=1)]


def read(path: Path, models: Iterable[str]) -> Mapping[str, str]:
    """Find the heading of each model: the first one that names it; a name that fits no model is told.

    Args:
        path: of the file.
        models: that have runs.

    Returns:
        Model -> heading, in the order of the file.

    Raises:
        ConfigError: the file cannot be read, or is of another form.
    """
    known, found = sorted(models), dict[str, str]()
    for heading, patterns in strict_yaml.read(path, GroupFile).groups.items():
        for pattern in patterns:
            fitting = [model for model in known if fnmatchcase(model, pattern)]
            if not fitting:
                say(f"{path}: no model with runs of this choice is called '{pattern}'")
            for model in fitting:
                found.setdefault(model, heading)
    return found
