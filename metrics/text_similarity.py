"""How alike two short phrases are: the text half of grounded-caption recall."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from metrics.errors import DataError

Similarity = Callable[[str, str], float]


def jaccard(first: str, second: str) -> float:
    """Share of words that two phrases have in common: lower-cased words between spaces, in [0, 1]."""
    own, other = set(first.lower().split()), set(second.lower().split())
    return len(own & other) / len(own | other) if own | other else 0.0


def bert(folder: Path) -> Similarity:
    """Compare phrases as GLaMM does: cosine of the mean token states of a BERT model, bert-base-uncased there.

    Args:
        folder: a local copy of the model with its tokenizer; nothing is downloaded.

    Raises:
        DataError: the folder holds no model.
    """
    import torch
    from transformers import AutoModel, AutoTokenizer

    try:
        tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model: Any = AutoModel.from_pretrained(folder, local_files_only=True).eval()
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{folder} holds no BERT model ({reason}): point at a copy of bert-base-uncased") from None

    @lru_cache(maxsize=1 << 16)
    def embed(phrase: str) -> np.ndarray:
        with torch.inference_mode():
            states = model(**tokenizer(phrase, return_tensors="pt", truncation=True)).last_hidden_state
        return np.asarray(states[0].mean(dim=0).double().numpy())

    def similarity(first: str, second: str) -> float:
        own, other = embed(first), embed(second)
        scale = float(np.linalg.norm(own) * np.linalg.norm(other))
        return float(own @ other) / scale if scale else 0.0

    return similarity
