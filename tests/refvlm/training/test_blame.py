"""A loss or gradient that is not finite: the questions at fault are named, and no weight has moved."""

import pytest
import torch

from benchmarks.errors import ModelError
from refvlm.training.trainer import Trainer


@pytest.fixture
def trainer(complete_config):
    return Trainer(complete_config())


def weights(trainer):
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def test_the_question_with_a_broken_truth_is_named(trainer, batch_of):
    batch = batch_of(trainer, [4, 5])
    place = int(batch.spatial.nonzero()[0, 0])
    batch.boxes[place] = float("nan")
    row = int(batch.ref_row[place])
    before = weights(trainer)
    with pytest.raises(ModelError, match="step 0: the loss is nan on ") as caught:
        trainer.learn(batch)
    name = batch.names[int(batch.image[row])]
    asked = trainer.tokenizer.decode(batch.ids[row][batch.labels[row] == -100].tolist()).strip()
    assert f'on {name} "{asked}": lower' in str(caught.value)
    assert all(torch.equal(value, before[key]) for key, value in trainer.model.state_dict().items())


def test_a_gradient_that_is_not_finite_is_caught_before_it_is_used(trainer, batch_of):
    batch = batch_of(trainer, [4, 5])
    broken = batch.pixels[0].clone()
    seen = {"hit": 0}

    def spoil(grad):
        return torch.where(seen["now"], torch.inf, grad)

    def look(_, inputs):
        seen["now"] = (inputs[0] == broken).flatten(1).all(1).any()
        seen["hit"] += 1

    trainer.model.vision.register_forward_pre_hook(look)
    trainer.model.vision.projector[0].weight.register_hook(spoil)
    before = weights(trainer)
    with pytest.raises(ModelError, match=r"step 0: the norm of the gradient is (inf|nan) on ") as caught:
        trainer.learn(batch)
    named = str(caught.value).split(" on ", 1)[1]
    assert named.count(batch.names[0]) == int((batch.image == 0).sum())
    assert batch.names[1] not in named
    assert seen["hit"] == 1 + len(batch.ids)
    assert all(torch.equal(value, before[key]) for key, value in trainer.model.state_dict().items())


def test_weights_that_are_at_fault_are_not_blamed_on_one_question(trainer, batch_of):
    with torch.no_grad():
        trainer.model.llm.model.norm.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="every question: the weights are at fault"):
        trainer.learn(batch_of(trainer, [4, 5]))
