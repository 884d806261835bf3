"""Every unit can be learnt: one batch of one kind of question is overfitted until what counts in it is right."""

import pytest
import torch
import yaml
from torch import Tensor

from benchmarks.world.write import write_world
from refvlm.training.batches import Batch, View, build
from refvlm.training.config import LossConfig, load_config
from refvlm.training.opening import open_mixture
from refvlm.training.pictures import Frame
from refvlm.training.pieces import counts
from refvlm.training.step import losses_of
from refvlm.training.trainer import Trainer

SIZES = {
    "trunk": {"stem_width": 8, "widths": [8, 16, 16, 32]},
    "encoder": {"width": 32, "layers": 1, "heads": 2, "mlp_width": 64},
    "llm": {"width": 48, "layers": 1, "heads": 2, "mlp_width": 96},
    "decoder": {"width": 32, "layers": 1, "heads": 2, "mlp_width": 64, "pixel_width": 16},
    "keypoint": {"cells": 16, "width": 16},
    "depth": {"bins": 16},
    "regions": {},
}
RATES = {"lr": 1e-2, "llm_lr": 5e-3, "precision": "fp32", "warmup_steps": 5, "weight_decay": 0.0, "ema": 0.0}


@pytest.fixture
def trainer(tmp_path):
    def make(data: dict, loss: dict | None = None, steps: int = 200) -> Trainer:
        content = {"model": SIZES, "data": data, "optim": RATES | {"steps": 2 * steps}, "loss": loss or {}}
        path = tmp_path / "unit.yaml"
        path.write_text(yaml.safe_dump(content))
        return Trainer(load_config(path))

    return make


def asked(trainer: Trainer, indices: list[int]) -> Batch:
    config = trainer.config
    return build(indices, False, trainer.tokenizer, config.data, config.region_tokens, View(Frame.of(config.model)))


def overfit(trainer: Trainer, batch: Batch, steps: int) -> tuple[dict[str, float], dict[str, float]]:
    first = trainer.learn(batch)
    for _ in range(steps - 1):
        last = trainer.learn(batch)
    return first, last


UNITS = {  # kind of question, and below what its losses must fall
    "box": ("detect", {"text": 0.5, "box": 1.0}),
    "mask": ("instances", {"text": 0.5, "mask": 0.6}),
    "keypoint": ("pose_of", {"text": 0.3, "joints": 1.0}),
    "depth": ("depth", {"text": 0.2, "depth": 0.1}),
    "text": ("about_point", {"text": 0.3}),
    "prompted text": ("name", {"text": 0.3}),
    "prompted mask": ("prompted", {"text": 0.5, "mask": 0.6}),
}


QUICK = ("text", "prompted text")
"""The others take some seconds each; what they share is learnt by default in `test_training`."""


@pytest.mark.parametrize("unit", [u if u in QUICK else pytest.param(u, marks=pytest.mark.slow) for u in UNITS])
def test_one_batch_of_a_unit_is_overfitted(trainer, unit):
    kind, wanted = UNITS[unit]
    run = trainer({"questions_per_image": 2, "dense": {kind: 1.0}, "dense_share": 1.0}, {"cells": 0.0})
    first, last = overfit(run, asked(run, [11]), 80)
    assert {name: last[name] < bound for name, bound in wanted.items()} == dict.fromkeys(wanted, True)
    assert all(first[name] > 2 * bound for name, bound in wanted.items())


def test_losses_of_single_images_average_to_those_of_the_batch(trainer):
    """Means over words, objects or pixels, so each image weighs as much as it has of them.

    Joints are left out: the boxes that they are looked for in are moved by noise that the batch decides.
    """
    kinds = dict.fromkeys(("detect", "panoptic", "depth", "prompted", "name"), 1.0)
    run = trainer({"questions_per_image": 3, "shapes": {"refer": 1.0}, "dense": kinds, "dense_share": 0.6})
    together = asked(run, [1, 2, 3, 4])
    alone = [asked(run, [index]) for index in (1, 2, 3, 4)]
    weights = [counts(batch) for batch in alone]
    run.model.eval()
    with torch.inference_mode():
        whole = losses_of(run.model, run.heads, together, LossConfig())
        parts = [losses_of(run.model, run.heads, batch, LossConfig()) for batch in alone]
    assert {"text", "box", "mask", "heat", "depth"} <= whole.keys()
    for name in ("text", "box", "mask", "heat", "depth"):
        each = [
            (part[name].double(), weight[name]) for part, weight in zip(parts, weights, strict=True) if name in part
        ]
        mean = sum(value * weight for value, weight in each) / sum(weight for _, weight in each)
        torch.testing.assert_close(mean.float(), whole[name], rtol=1e-4, atol=1e-5)  # float32, sums in another order


def test_an_object_without_a_mask_teaches_its_box_and_no_mask(trainer, tmp_path_factory):
    root = tmp_path_factory.mktemp("boxes") / "world"
    write_world(root, seed=5, scenes={"val": 2})
    source = {"task": "flickr30k_entities", "split": "val"}
    run = trainer({"sources": [source], "root": str(root), "images_per_step": 2})
    config = run.config
    mixture = open_mixture(config.data, config.model, run.tokenizer)
    view = View(Frame.of(config.model), mixture)
    batch = build([0, 1], False, run.tokenizer, config.data, config.region_tokens, view)
    losses = losses_of(run.model, run.heads, batch, LossConfig(cells=0.0))
    assert losses["mask"] == 0
    assert losses["box"] > 0
    losses["total"].backward()
    moved = {name.split(".")[0] for name, value in run.model.named_parameters() if _moves(value)}
    assert {"box_decoder", "query_trunk", "llm"} <= moved
    assert "mask_decoder" not in moved


def _moves(value: Tensor) -> bool:
    return value.grad is not None and bool(value.grad.any())
