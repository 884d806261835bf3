"""Start-up guard: refbench's packages have plain names, so a file of the user's can hide one of them.

Everything here is standard library and imports nothing of ours: it must work exactly when our imports do not.
"""

import os
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("benchmarks", "configs", "metrics", "refvlm", "results", "tasks")


def complaint(home: Path = Path(__file__).parents[1]) -> str:
    """Say which file hides one of our packages; empty where all of them are ours.

    Args:
        home: folder that holds all six packages side by side.
    """
    for name in PACKAGES:
        spec = find_spec(name)
        found = spec.origin if spec is not None else None
        expected = home / name / "__init__.py"
        if found is None:
            return f"refbench's package '{name}' is not beside {home / 'tasks'}: install refbench again"
        if Path(found) != expected and not os.path.samefile(found, expected):
            return f"{found} hides refbench's package '{name}': rename it, or run refbench from another folder"
    return ""
