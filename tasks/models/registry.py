"""Finds every model under test: the modules of this package that define a list `MODELS`, and models of others."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from benchmarks.discovery import entries
from benchmarks.errors import ConfigError, unknown
from tasks import plugins
from tasks.base import ModelEntry

PLUGINS = plugins.Sort("MODELS", "refbench.models", ModelEntry)
"""A list MODELS of an included file, or an entry point that names one."""


def find(name: str, include: Path | None = None) -> ModelEntry:
    """Look up a model, or the member of a family: `hf-depth:REFERENCE`, where REFERENCE is what the family says.

    Args:
        name: as the user typed it.
        include: folder with models of the user's, see `tasks.plugins`.

    Raises:
        UnknownName: there is none of that name.
        ConfigError: a family without a reference, a reference where there is no family, or a model of others that
            cannot be used.
        ModelError: the family cannot use the reference.
    """
    models = all_models(include)
    family, colon, reference = name.partition(":")
    if family not in models:
        raise unknown("model", family, models, "refbench models")
    entry = models[family]
    if entry.of_reference is None:
        if colon:
            raise ConfigError(f"model {family} is not a family: write `--model {family}`, without `:{reference}`")
        return entry
    if not reference:
        raise ConfigError(
            f"{family} is a family of models: name one, as in `--model {family}:{entry.example}` (`refbench models "
            f"{family}` says which)"
        )
    return replace(entry.of_reference(reference), typed=name)


def find_any(name: str, include: Path | None = None) -> ModelEntry:
    """Look up a model, a member of a family, or a family itself, to show it.

    Raises:
        Exception: as `find`.
    """
    models = all_models(include)
    return models[name] if name in models else find(name, include)


@cache
def all_models(include: Path | None = None) -> Mapping[str, ModelEntry]:
    """Every model by name, in alphabetical order. Cheap: a module keeps its heavy imports inside `load`.

    Raises:
        ConfigError: a model of others cannot be used, or has the name of another one.
    """
    models = {model.name: model for model in entries("tasks.models", Path(__file__).parent, "MODELS")}
    others = plugins.installed(PLUGINS) + ([] if include is None else plugins.included(PLUGINS, include))
    for source, model in others:
        if model.name in models:
            raise ConfigError(f"{source}: there is a model called '{model.name}' already: rename it")
        if ":" in model.name:
            raise ConfigError(f"{source}: '{model.name}' has a colon, as only members of a family do: rename it")
        models[model.name] = model
    return dict(sorted(models.items()))
