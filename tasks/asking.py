"""Asks a model and survives it: a batch that fails is asked again one by one, a sample that fails is counted."""

import random
import re
import sys
from collections.abc import Sequence

import numpy as np

from benchmarks.schema import Prediction, Query
from tasks.base import Model
from tasks.validate import check_ids, failed, in_memory, plain

_FOLDERS = re.compile(r"(?<![\w./:])/(?:[^\s/:'\"]+/)+")
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]+")
_REASON_LENGTH = 500


def ask(model: Model, queries: Sequence[Query], name: str, seed: Sequence[int]) -> list[Prediction]:
    """Answer every query, whatever the model does.

    Args:
        model: loaded model.
        queries: one batch.
        name: of the model, for error texts.
        seed: of this batch; a model that samples gives the same answers when a killed run does the batch again.

    Returns:
        One prediction per query, in order; `failed` with the reason where the model raised or answered unusably.

    Raises:
        ModelError: it returned another number of predictions, or wrong ids.
    """
    _seed(seed)
    reason = ""
    try:
        answers = model.predict(queries)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    if not reason:
        answers = check_ids(answers, queries, name)
        return [in_memory(plain(answer, query), query) for answer, query in zip(answers, queries, strict=True)]
    if len(queries) == 1:
        return [failed(queries[0], tidy(reason, queries[0]))]
    return [ask(model, [query], name, [*seed, place])[0] for place, query in enumerate(queries)]


def tidy(reason: str, query: Query) -> str:
    """Take out of a reason what differs between machines: folders and memory addresses."""
    text = reason.replace(str(query.image.path), query.image.path.name)
    text = _ADDRESS.sub("0x…", _FOLDERS.sub("…/", text))
    return text[:_REASON_LENGTH]


def _seed(seed: Sequence[int]) -> None:
    """Seed every generator that a model may draw from; torch only where it is loaded."""
    state = np.random.SeedSequence([abs(part) for part in seed]).generate_state(1)[0]
    random.seed(int(state))
    np.random.seed(state)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(int(state))
