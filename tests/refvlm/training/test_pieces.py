"""Pieces of a step: their losses and gradients add up to those of the whole."""

from dataclasses import fields

import pytest
import torch

from refvlm.training.batches import Batch
from refvlm.training.pieces import BY_NAME, PER_IMAGE, PER_REF, PER_REGION, PER_TURN, counts, cut, shares, take, total
from refvlm.training.step import losses_of
from refvlm.training.trainer import Trainer


@pytest.fixture(params=["token", "turn"])
def trainer(complete_config, request):
    return Trainer(complete_config(loss={"text_per": request.param, "words": 1.0}))


@pytest.fixture
def batch(trainer, batch_of):
    made = batch_of(trainer, [0, 1, 2, 3, 4])
    assert len(made.regions)
    assert not made.spatial.all()
    return made


def test_every_field_of_a_batch_is_known_here():
    assert {each.name for each in fields(Batch)} == {*PER_IMAGE, *PER_TURN, *PER_REF, *PER_REGION, *BY_NAME}


def test_all_turns_together_are_the_batch(batch):
    same = take(batch, torch.arange(len(batch.ids)))
    for each in fields(Batch):
        value, wanted = getattr(same, each.name), getattr(batch, each.name)
        assert torch.equal(value, wanted) if isinstance(wanted, torch.Tensor) else value == wanted


def test_some_turns_keep_what_belongs_to_them(batch):
    rows = torch.tensor([int(batch.ref_row[0]), int(batch.region_at[-1, 0, 0])]).unique()
    some = take(batch, rows)
    for new, old in enumerate(rows.tolist()):
        length = int(batch.lengths[old])
        assert torch.equal(some.ids[new, :length], batch.ids[old, :length])
        assert torch.equal(some.pixels[some.image[new]], batch.pixels[batch.image[old]])
        assert torch.equal(some.boxes[some.ref_row == new], batch.boxes[batch.ref_row == old])
        own, former = some.region_at[:, 0, 0] == new, batch.region_at[:, 0, 0] == old
        assert torch.equal(some.regions[own], batch.regions[former])
        assert torch.equal(some.pixels[some.region_row[own]], batch.pixels[batch.region_row[former]])
    assert some.names == [batch.names[i] for i in batch.image[rows].unique().tolist()]


@pytest.mark.parametrize("pieces", [2, 3])
def test_means_times_shares_add_up_to_the_means_of_the_whole(trainer, batch, pieces):
    whole = losses_of(trainer.model, trainer.heads, batch, trainer.config.loss)
    parts = cut(batch, pieces)
    per = trainer.config.loss.text_per
    every = total([counts(part, per) for part in parts])
    assert {name: value.tolist() for name, value in every.items()} == {
        name: value.tolist() for name, value in counts(batch, per).items()
    }
    summed = dict.fromkeys(whole, 0.0)
    for part in parts:
        found = losses_of(trainer.model, trainer.heads, part, trainer.config.loss, shares(counts(part, per), every))
        for name, value in found.items():
            summed[name] += value.item()
    # Joints are looked for in boxes that are moved at random, by other amounts in other batches.
    exact = {name: value for name, value in summed.items() if name not in ("joints", "total")}
    # float32 sums over other rows and paddings.
    assert exact == pytest.approx({name: whole[name].item() for name in exact}, rel=2e-5)
    assert summed["joints"] == pytest.approx(whole["joints"].item(), rel=0.3)


def test_accumulation_makes_the_step_that_the_whole_batch_makes(complete_config, batch_of):
    changed = {}
    for accumulate in (1, 2):
        config = complete_config(optim={"accumulate": accumulate}, loss={"joints": 0.0})
        trainer = Trainer(config)
        losses = [trainer.learn(batch_of(trainer, [step, step + 1, step + 2])) for step in range(2)]
        changed[accumulate] = (losses, trainer.model.state_dict())
    (whole, weights), (parts, others) = changed[1], changed[2]
    for one, other in zip(whole, parts, strict=True):
        assert other == pytest.approx(one, rel=1e-4)
    # AdamW's first steps are about as long as the learning rate, 1e-3, whatever the gradient: where that is all
    # rounding, so is the step's sign. All but a few weights agree far better.
    off = torch.cat([(weights[name] - others[name]).abs().flatten() for name in weights])
    assert float((off > 1e-5).float().mean()) < 0.01
