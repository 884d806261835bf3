"""What learns and what does not, by name; for every stage of both presets."""

from pathlib import Path

import pytest
import torch

from benchmarks.errors import ConfigError, UnknownName
from refvlm.training.config import OptimConfig, load_config
from refvlm.training.parts import learners, parameter_groups
from refvlm.training.step import losses_of
from refvlm.training.trainer import Trainer

STAGES = Path(__file__).parents[3] / "configs" / "train"
SMALL = {
    "tiny": {
        "trunk": {"stem_width": 8, "widths": (8, 8, 16, 16)},
        "encoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32},
        "llm": {"width": 32, "layers": 1, "heads": 2, "mlp_width": 48},
        "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8},
        "keypoint": {"cells": 12, "width": 8},
        "depth": {"bins": 4},
    },
    "7b": {
        "image_size": 128,
        "trunk": {"widths": (8, 8, 16, 16), "depths": (1, 1, 1, 1)},
        "encoder": {"image_size": 28, "width": 16, "layers": 2, "heads": 2, "mlp_width": 32},
        "llm": {"width": 32, "layers": 2, "heads": 2, "mlp_width": 48},
        "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8, "head_width": 12},
        "keypoint": {"cells": 12, "width": 8},
        "depth": {"bins": 5},
    },
}
SMALL["vt_plug"] = SMALL["7b"] | {"encoder": SMALL["7b"]["encoder"] | {"image_size": 42}}  # nine tokens for nine bands
"""Sizes of a test; all else is as the stage says."""
DATA = {"images_per_step": 8, "questions_per_image": 6}


def small(path: Path):
    """Read a stage with sizes of a test, from scratch, on the words of the sample world."""
    config = load_config(path)
    content = config.model_dump()
    for section, sizes in SMALL[path.parent.name].items():
        if content["model"][section] is not None:
            content["model"][section] = content["model"][section] | sizes if isinstance(sizes, dict) else sizes
    content |= {"start_from": "", "tokenizer": "", "preset": "", "data": content["data"] | DATA | {"sources": []}}
    content["optim"] |= {"precision": "fp32", "lr": 1e-3, "warmup_steps": 1}
    return type(config).model_validate(content)


@pytest.mark.parametrize(
    "path", sorted(STAGES.glob("*/stage[0-9].yaml")), ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_a_stage_reaches_all_that_learns_and_nothing_that_is_frozen(path, batch_of):
    trainer = Trainer(small(path))
    batch = batch_of(trainer, list(range(8)))
    before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
    trainer.learn(batch)  # the last layers of some heads start at zero and block those before them for one step
    after = trainer.model.state_dict()
    frozen = {name for name, value in trainer.model.named_parameters() if not value.requires_grad}
    assert [name for name in frozen if not torch.equal(before[name], after[name])] == []
    losses_of(trainer.model, trainer.heads, batch, trainer.config.loss)["total"].backward()
    reached = {name for name, value in trainer.model.named_parameters() if value.grad is not None and value.grad.any()}
    assert not reached & frozen
    learning = {name for name, _ in learners(trainer.model)}
    # With one instance per triplet, attention among instances has a single key: its weights cannot matter.
    alone = path.stem == "stage1" and path.parent.name == "tiny"
    idle = {name for name in learning - reached if not (alone and ".peers." in name)}
    # As published, nothing of the phrase enters a query.
    idle -= set() if trainer.config.model.decoder.phrase_skip else {"query_trunk.phrase_in.weight"}
    # A CLIP branch is read before its last layer, and nothing behind it can learn.
    assert {name for name in idle if not name.startswith(f"vision.encoder.layers.{_last(trainer)}.")} == set()


def _last(trainer):
    encoder = trainer.config.model.encoder
    return encoder.layers_run if encoder.layers_run < encoder.layers else "none"


@pytest.fixture
def named(complete_config):
    """The parts of a complete model that learn under a freeze plan."""

    def learn(**plan):
        return {name for name, _ in learners(Trainer(complete_config(**plan)).model)}

    return learn


def test_the_longest_name_decides_and_train_alone_freezes_the_rest(named):
    everything = named()
    assert named(train=["projector"]) == {name for name in everything if name.startswith("vision.projector.")}
    assert named(freeze=["vision", "llm"], train=["vision.projector", "llm.model.norm"]) == {
        name
        for name in everything
        if not name.startswith(("vision.", "llm.")) or name.startswith(("vision.projector.", "llm.model.norm."))
    }
    assert named(freeze=["decoders"]) == {n for n in everything if n.startswith(("vision.", "llm.", "region_encoder."))}


@pytest.mark.parametrize(
    ("plan", "error", "words"),
    [
        ({"freeze": ["visoin"]}, UnknownName, "no part of the model is called 'visoin'; did you mean vision"),
        ({"train": ["llm.model.layer"]}, UnknownName, "did you mean llm.model.layers"),
        ({"freeze": ["llm"], "train": ["llm"]}, ConfigError, "llm stands in freeze and in train"),
        ({"freeze": ["vision", "llm", "decoders", "prompts"]}, ConfigError, "leaves nothing that learns"),
        ({"optim": {"part_lrs": {"decodres": 1.0}}}, UnknownName, "did you mean decoders"),
    ],
)
def test_a_wrong_plan_is_one_clear_error(complete_config, plan, error, words):
    with pytest.raises(error, match=words):
        Trainer(complete_config(**plan))


def test_matrices_of_layers_decay_and_nothing_else_does(complete_config):
    trainer = Trainer(complete_config())
    names = {id(value): name for name, value in learners(trainer.model, trainer.heads)}
    decaying, others = set(), set()
    for group in parameter_groups(trainer.model, trainer.heads, OptimConfig(steps=1, weight_decay=0.1)):
        chosen = {0.1: decaying, 0.0: others}[group["weight_decay"]]
        chosen |= {names[id(value)] for value in group["params"]}
    assert decaying | others == set(names.values())
    assert all(trainer.model.get_parameter(n).ndim > 1 for n in decaying if not n.startswith("on_"))
    assert {"llm.model.embed_tokens.weight", "vision.positions", "llm.model.norm.weight"} <= others
    assert not [name for name in decaying if name.endswith("bias") or "norm" in name.split(".")[-2]]
    assert {"llm.model.layers.0.self_attn.q_proj.weight", "vision.projector.0.weight"} <= decaying


def test_every_part_may_have_a_learning_rate_of_its_own(complete_config):
    rates = {"vision": 1e-5, "projector": 1e-2, "depth_decoder": 3e-3}
    trainer = Trainer(complete_config(optim={"part_lrs": rates, "lr": 1e-3, "llm_lr": 2e-4}))
    groups = parameter_groups(trainer.model, trainer.heads, trainer.config.optim)
    rate = {id(value): group["lr"] for group in groups for value in group["params"]}
    wanted = {
        "vision.positions": 1e-5,
        "vision.projector.0.weight": 1e-2,
        "depth_decoder": 3e-3,
        "llm.model.norm.weight": 2e-4,
        "box_decoder": 1e-3,
    }
    for start, value in wanted.items():
        assert {rate[id(v)] for name, v in trainer.model.named_parameters() if name.startswith(start)} == {value}
