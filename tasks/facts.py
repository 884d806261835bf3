"""What is known of a model besides its code: the files it needs, its size, and what others have published of it.

A model's module fills these into its `ModelEntry`; `refbench models NAME` shows them. Nothing here loads a model.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from benchmarks.errors import ModelError

BYTES = {"float32": 4, "bfloat16": 2}
"""Number format -> bytes of one value."""
_GB = 1e9


@dataclass(frozen=True)
class NeededFile:
    """Something that must be on this machine before the model can be loaded.

    Attributes:
        name: file or folder, as its publisher names it.
        holds: what is in it.
        licence: as its publisher states it; says so where none is stated.
    """

    name: str
    holds: str
    licence: str


@dataclass(frozen=True)
class ModelSize:
    """How large a model is.

    Attributes:
        what: which one, where there are several: a preset or a part.
        values: number of weights.
        values_per_token: numbers that are kept for each token of each answer while it grows; 0 where nothing is.
    """

    what: str
    values: int
    values_per_token: int = 0

    def memory(self) -> str:
        """Estimate the memory in words: weights alone in each number format, and what an answer takes on top."""
        weights = ", ".join(f"{self.values * size / _GB:.2f} GB in {name}" for name, size in BYTES.items())
        cache = f"; every 1,000 tokens of an answer {self.values_per_token * 1000 * 2 / _GB:.2f} GB in bfloat16"
        return f"{self.values:,} weights: {weights}{cache if self.values_per_token else ''}"


@dataclass(frozen=True)
class Published:
    """One number that a publication prints of the model; nothing was run again.

    Attributes:
        task, dataset, split, metric: as printed.
        value: as printed, digits and all.
        unit: "percent", "ratio", …
        source: document and table.
    """

    task: str
    dataset: str
    split: str
    metric: str
    value: str
    unit: str
    source: str

    def line(self) -> str:
        """Say it in one line."""
        return f"{self.task} {self.dataset} {self.split}: {self.metric} {self.value} {self.unit} ({self.source})"


def stored_values(folder: Path) -> int:
    """Count the weights of a folder or file by the headers of its safetensors files: number of values.

    Raises:
        ModelError: there is none, or one is damaged.
    """
    files = sorted(folder.glob("*.safetensors")) if folder.is_dir() else [folder]
    if not files:
        raise ModelError(f"{folder} holds no *.safetensors: name a folder of weights with --weights")
    return sum(prod(shape) for path in files for shape in _shapes(path))


def _shapes(path: Path) -> Iterable[tuple[int, ...]]:
    try:
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header: Mapping[str, Mapping[str, list[int]]] = json.loads(file.read(min(length, path.stat().st_size)))
        return [tuple(entry["shape"]) for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} cannot be read as safetensors ({error}): copy it again") from None
