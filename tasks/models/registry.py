"""Finds every model under test: the modules of this package that define a list `MODELS`."""

import re
from functools import cache
from importlib import import_module
from pathlib import Path

from benchmarks.errors import unknown
from tasks.base import ModelEntry

_DEFINES_MODELS = re.compile(r"^MODELS\b", re.MULTILINE)


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
    modules = sorted(
        path.stem for path in Path(__file__).parent.glob("*.py") if _DEFINES_MODELS.search(path.read_text("utf-8"))
    )
    models = {model.name: model for module in modules for model in import_module(f"tasks.models.{module}").MODELS}
    return dict(sorted(models.items()))
