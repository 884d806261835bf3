"""What a checkpoint folder holds, and its hash. Imports no torch, so that finished runs answer at once."""

import hashlib
import json
from pathlib import Path

from benchmarks.errors import ModelError

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"
HABITS = "habits.json"
"""How answers usually go on, see `refvlm.habits`; a checkpoint may do without."""
INDEX = "model.safetensors.index.json"
"""Names the files of weights that are too large for one."""


def weight_files(folder: Path) -> list[Path]:
    """Files that hold the weights: one, or the shards that an index names, sorted.

    Raises:
        ModelError: the index names a file outside the folder, or is no index.
    """
    if not (folder / INDEX).is_file():
        return [folder / WEIGHTS]
    try:
        names = sorted(set(json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder / INDEX} is no index of weights ({error}): copy the checkpoint again") from None
    for name in names:
        if name != Path(name).name:
            raise ModelError(f"{folder / INDEX} names {name!r}: shards must lie beside it")
    return [folder / name for name in names]


def fingerprint(folder: Path) -> str:
    """SHA-256 over configuration, vocabulary, weights and, where there are any, habits: 64 hex digits.

    Raises:
        ModelError: a file of the checkpoint is missing.
    """
    digest = hashlib.sha256()
    habits = [folder / HABITS] if (folder / HABITS).is_file() else []
    for path in (folder / CONFIG, folder / TOKENIZER, *weight_files(folder), *habits):
        try:
            digest.update(path.read_bytes())
        except OSError as error:
            raise ModelError(f"{path} cannot be read ({error.strerror}): a checkpoint folder holds "
                             f"{CONFIG}, {TOKENIZER} and {WEIGHTS}") from None  # fmt: skip
    return digest.hexdigest()
