"""Layers that compute again instead of keep: the same losses and gradients, less memory."""

import pytest
import torch

from refvlm.training.step import losses_of
from refvlm.training.trainer import Trainer


def passed(trainer, batch):
    """Loss, gradients, and the bytes that the forward pass keeps for the way back."""
    kept = {}

    def keep(value):
        kept[value.data_ptr()] = value.nbytes
        return value

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        loss = losses_of(trainer.model, trainer.heads, batch, trainer.config.loss)["total"]
    loss.backward()
    grads = {name: value.grad for name, value in trainer.model.named_parameters() if value.grad is not None}
    return loss, grads, sum(kept.values())


@pytest.mark.parametrize("sizes", [{}, {"trunk": {"kind": "convnext"}, "encoder": {"stem": "clip", "layers": 2}}])
def test_the_second_pass_changes_nothing_but_the_memory(complete_config, batch_of, sizes):
    found = []
    for recompute in (False, True):
        trainer = Trainer(complete_config(model=sizes, optim={"recompute": recompute}))
        found.append(passed(trainer, batch_of(trainer, [0, 1])))
    (loss, grads, kept), (again, others, less) = found
    assert torch.equal(loss, again)
    assert grads.keys() == others.keys()
    for name, value in grads.items():
        torch.testing.assert_close(others[name], value, rtol=1e-5, atol=1e-7)  # gradients add up in another order
    assert less < 0.9 * kept
