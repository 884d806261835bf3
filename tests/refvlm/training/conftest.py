"""Configurations of a few thousand weights: boxes and masks alone, and with every part on every kind of question."""

from pathlib import Path

import pytest
import yaml

from refvlm.training.batches import Batch, View, build
from refvlm.training.config import TrainConfig, load_config
from refvlm.training.pictures import Frame
from refvlm.training.questions import DENSE_MAKERS, SHAPES_MAKERS
from refvlm.training.trainer import Trainer

SIZES = {
    "trunk": {"stem_width": 8, "widths": [8, 8, 16, 16]},
    "encoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32},
    "llm": {"width": 32, "layers": 2, "heads": 2, "mlp_width": 48},
    "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8, "quality": True},
    "keypoint": {"cells": 12, "width": 8},
    "depth": {"bins": 4},
    "regions": {},
}
COMPLETE = {
    "model": SIZES,
    "data": {
        "images_per_step": 4,
        "questions_per_image": 4,
        "shapes": dict.fromkeys(SHAPES_MAKERS, 1.0),
        "dense": dict.fromkeys(DENSE_MAKERS, 1.0),
        "dense_share": 0.7,
    },
    "optim": {"steps": 4, "warmup_steps": 2, "precision": "fp32"},
    "log_every": 1,
    "save_every": 2,
}


def merged(content: dict, changes: dict) -> dict:
    """Lay changes over a configuration, section by section."""
    out = dict(content)
    for key, value in changes.items():
        out[key] = merged(out[key], value) if isinstance(value, dict) and isinstance(out.get(key), dict) else value
    return out


@pytest.fixture
def complete_file(tmp_path):
    """Write the configuration of a model with every part, with some sections changed."""

    def write(name: str = "run", **changes: object) -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(merged(COMPLETE, changes)))
        return path

    return write


@pytest.fixture
def complete_config(complete_file):
    def make(**changes: object) -> TrainConfig:
        return load_config(complete_file(**changes))

    return make


@pytest.fixture
def batch_of():
    """Make the batch of some images for a trainer."""

    def make(trainer: Trainer, indices: list[int]) -> Batch:
        config = trainer.config
        view = View(Frame.of(config.model))
        return build(indices, False, trainer.tokenizer, config.data, config.region_tokens, view)

    return make
