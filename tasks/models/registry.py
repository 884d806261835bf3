"""Finds every model under test: the modules of this package that define a list `MODELS`."""

from functools import cache
from pathlib import Path

from benchmarks.discovery import entries
from benchmarks.errors import unknown
from tasks.base import ModelEntry


def find(name: str) -> ModelEntry:
    """Look up a model.

    Raises:
        UnknownName: there is none of that name.
    """
    models = all_models()
    if name not in models:
        raise unknown("model", name, models, "refbench models")
    return models[name]


@cache
def all_models() -> dict[str, ModelEntry]:
    """Every model by name, in alphabetical order. Cheap: a module keeps its heavy imports inside `load`."""
    models = {model.name: model for model in entries("tasks.models", Path(__file__).parent, "MODELS")}
    return dict(sorted(models.items()))
