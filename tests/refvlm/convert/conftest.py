"""Upstream's names and shapes, tensors of them, and a small model that they fit."""

from pathlib import Path
from runpy import run_path
from types import SimpleNamespace

import pytest
import torch

from refvlm.config import DecoderConfig, EncoderConfig, LlmConfig, RefVLMConfig, RegionConfig, TrunkConfig


@pytest.fixture(scope="session")
def upstream() -> SimpleNamespace:
    """The functions of `upstream.py`."""
    return SimpleNamespace(**run_path(str(Path(__file__).with_name("upstream.py")), run_name="upstream"))


@pytest.fixture(scope="session")
def small(upstream):
    """Sizes of a small upstream model."""
    return upstream.Sizes(
        vocab=50, llm=32, llm_mlp=48, llm_layers=2, clip=16, clip_mlp=32, clip_layers=2, patch=8, cells=16,
        trunk=(8, 12, 16, 20), depths=(1, 1, 2, 1), decoder=16,
    )  # fmt: skip


@pytest.fixture(scope="session")
def config() -> RefVLMConfig:
    """The same sizes in our words."""
    return RefVLMConfig(
        image_size=64,
        trunk=TrunkConfig(kind="convnext", widths=(8, 12, 16, 20), depths=(1, 1, 2, 1), coordinates=False),
        encoder=EncoderConfig(
            stem="clip", image_size=32, patch_size=8, width=16, layers=2, heads=2, mlp_width=32, select_layer=-2
        ),
        llm=LlmConfig(width=32, layers=2, heads=4, mlp_width=48, max_positions=64, tie_embeddings=False),
        decoder=DecoderConfig(width=16, layers=1, heads=2, mlp_width=32, pixel_width=8, head_width=16),
        regions=RegionConfig(grid=3),
        vocab_size=50,
    )


@pytest.fixture(scope="session")
def fill():
    """Tensors of given shapes, every one other numbers, of half precision as upstream saves them."""

    def make(shapes):
        source = torch.Generator().manual_seed(0)
        return {name: torch.randn(shape, generator=source).half() for name, shape in shapes.items()}

    return make
