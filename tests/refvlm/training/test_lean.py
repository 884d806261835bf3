"""Lean layers: the losses and gradients of transformers' own layers, up to what bfloat16 rounds."""

import pytest
import torch
from torch.nn import functional

from benchmarks.errors import ConfigError
from refvlm.training.lean import _Attention, _Norm
from refvlm.training.step import losses_of
from refvlm.training.trainer import Trainer


def passed(trainer, batch):
    """Loss, and the gradient of the language model as one vector."""
    with trainer.world.autocast():
        loss = losses_of(trainer.model, trainer.heads, batch, trainer.config.loss)["total"]
    loss.backward()
    return loss.detach(), torch.cat([value.grad.flatten() for value in trainer.model.llm.parameters()])


@pytest.mark.parametrize("sizes", [{}, {"adapter": {"width": 16, "heads": 2, "mlp_width": 16}}])
def test_gradients_are_as_near_to_float32_as_those_of_autocast(complete_config, batch_of, sizes):
    losses, gradients = {}, {}
    for precision in ("fp32", "bf16", "bf16_layers"):
        trainer = Trainer(complete_config(model=sizes, optim={"precision": precision}))
        losses[precision], gradients[precision] = passed(trainer, batch_of(trainer, [0, 1, 2]))
    torch.testing.assert_close(losses["bf16_layers"], losses["fp32"], rtol=2**-7, atol=0)  # one step of bfloat16
    away = {name: (value - gradients["fp32"]).norm() for name, value in gradients.items()}
    assert 0 < away["bf16_layers"] <= away["bf16"]  # autocast rounds in the decoders as well
    assert away["bf16_layers"] < 0.05 * gradients["fp32"].norm()


def test_computing_again_instead_of_keeping_changes_nothing(complete_config, batch_of):
    found = []
    for recompute in (False, True):
        trainer = Trainer(complete_config(optim={"precision": "bf16_layers", "recompute": recompute}))
        found.append(passed(trainer, batch_of(trainer, [0, 1])))
    assert torch.equal(found[0][0], found[1][0])
    torch.testing.assert_close(found[0][1], found[1][1], rtol=1e-5, atol=1e-6)  # gradients add up in another order


@pytest.mark.parametrize(("length", "seen"), [(5, 5), (3, 8), (1, 4)])
def test_attention_is_that_of_torch_and_so_are_its_gradients(length, seen):
    torch.manual_seed(0)
    query, keys, values = (torch.randn(2, rows, 4, dtype=torch.float64) for rows in (length, seen, seen))
    inputs = [each.requires_grad_() for each in (query, keys, values)]
    visible = torch.ones(length, seen, dtype=torch.bool).tril(seen - length)
    wanted = functional.scaled_dot_product_attention(*inputs, attn_mask=visible)
    torch.testing.assert_close(_Attention.apply(*inputs, 4**-0.5), wanted, rtol=1e-12, atol=1e-12)  # float64
    assert torch.autograd.gradcheck(lambda *each: _Attention.apply(*each, 4**-0.5), inputs)


def test_the_norm_is_that_of_torch_and_so_are_its_gradients():
    torch.manual_seed(0)
    states, weight, above = torch.randn(3, 7, 16), torch.rand(16) + 0.5, torch.randn(3, 7, 16).bfloat16()
    found = []
    for norm in (lambda x, w: _Norm.apply(x, w, 1e-6), lambda x, w: functional.rms_norm(x, (16,), w, 1e-6).bfloat16()):
        x, w = states.clone().requires_grad_(), weight.clone().requires_grad_()
        norm(x, w).backward(above)
        found.append((norm(x, w), x.grad, w.grad))
    for ours, wanted in zip(*found, strict=True):
        assert ours.dtype == wanted.dtype
        # Up to the last digit of what each is kept in.
        torch.testing.assert_close(ours, wanted, rtol=2**-8 if ours.dtype == torch.bfloat16 else 1e-5, atol=1e-5)


def test_adapters_and_lean_layers_exclude_one_another(complete_config):
    with pytest.raises(ConfigError, match="leave out lora"):
        Trainer(complete_config(optim={"precision": "bf16_layers"}, lora={"r": 2}))
