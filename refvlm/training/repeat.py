"""What a finished run leaves beside its weights: how the answers that it was trained on go on, see `refvlm.habits`."""

from collections.abc import Iterator
from itertools import islice

from refvlm.habits import Habits
from refvlm.tokenizer import Tokenizer
from refvlm.training.batches import IGNORED, Batch, View, stream
from refvlm.training.config import TrainConfig

_STEPS = 60
"""Whose answers are listened to again: the last ones of the run."""


def habits_of(config: TrainConfig, tokenizer: Tokenizer, view: View) -> Habits:
    """Learn how answers go on from the questions of a run's last steps; the same however often it was interrupted."""
    first = max(0, config.optim.end - _STEPS)
    batches = stream(config.data, tokenizer, (first, config.optim.steps), config.region_tokens, view)
    return Habits.of(turn for batch in islice(batches, config.optim.end - first) for turn in _turns(batch))


def _turns(batch: Batch) -> Iterator[tuple[list[int], int]]:
    """Tokens of each turn, and how many of them are the prompt's."""
    starts = (batch.labels != IGNORED).int().argmax(1).tolist()
    for ids, length, start in zip(batch.ids.tolist(), batch.lengths.tolist(), starts, strict=True):
        yield ids[:length], start
