"""Which questions of a batch make a loss or a gradient that is not finite: each is run again, alone."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn

from refvlm.tokenizer import Tokenizer
from refvlm.training.batches import IGNORED, Batch
from refvlm.training.pieces import take

Run = Callable[[Batch], Tensor]
"""Total loss of a batch."""
_MOST = 8
"""Questions that a message names at most."""


def culprits(batch: Batch, run: Run, modules: Iterable[nn.Module], tokenizer: Tokenizer) -> list[str]:
    """Find the questions whose loss or gradient alone is not finite.

    Args:
        batch: to look through.
        run: returns the loss of one.
        modules: whose gradients count; they are lost.
        tokenizer: to spell the questions.

    Returns:
        Up to eight, as `image-name "question"`. Where none is at fault alone, the names of all images, and of every
        question where all are, since then the weights themselves are.
    """
    values: list[Tensor] = [value for module in modules for value in module.parameters() if value.requires_grad]
    found = [_name(one, tokenizer) for one in _single(batch) if not _is_finite(one, run, values)]
    if not found:
        return [f"{', '.join(batch.names)} (none of their questions alone)"]
    if len(found) == len(batch.ids) > 1:
        return [f"{', '.join(batch.names)} (every question: the weights are at fault)"]
    return found[:_MOST] + ([f"{len(found) - _MOST} more"] if len(found) > _MOST else [])


def _single(batch: Batch) -> Iterator[Batch]:
    for row in range(len(batch.ids)):
        yield take(batch, torch.tensor([row], device=batch.ids.device))


def _is_finite(batch: Batch, run: Run, values: list[Tensor]) -> bool:
    for value in values:
        value.grad = None
    loss = run(batch)
    if not loss.isfinite():
        return False
    torch.autograd.backward(loss)
    finite = all(bool(value.grad.isfinite().all()) for value in values if value.grad is not None)
    for value in values:
        value.grad = None
    return finite


def _name(batch: Batch, tokenizer: Tokenizer) -> str:
    prompt = batch.ids[0][batch.labels[0] == IGNORED].tolist()
    return f'{batch.names[0]} "{tokenizer.decode(prompt).strip()}"'
