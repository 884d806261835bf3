"""What a checkpoint folder holds, and its hash. Imports no torch, so that finished runs answer at once."""

import hashlib
from pathlib import Path

from benchmarks.errors import ModelError

CONFIG, TOKENIZER, WEIGHTS = "config.json", "tokenizer.json", "model.safetensors"


def fingerprint(folder: Path) -> str:
    """SHA-256 over configuration, vocabulary and weights: 64 hex digits.

    Raises:
        ModelError: a file of the checkpoint is missing.
    """
    digest = hashlib.sha256()
    for name in (CONFIG, TOKENIZER, WEIGHTS):
        try:
            digest.update((folder / name).read_bytes())
        except OSError as error:
            raise ModelError(f"{folder / name} cannot be read ({error.strerror}): a checkpoint folder holds "
                             f"{CONFIG}, {TOKENIZER} and {WEIGHTS}") from None  # fmt: skip
    return digest.hexdigest()
