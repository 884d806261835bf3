"""Decoded queries of a small model, and tiny drawn models of transformers."""

import pytest
import torch
from transformers import SamConfig, VitPoseBackboneConfig, VitPoseConfig

from refvlm.decoders.base import Truth
from refvlm.decoders.query import Queries
from refvlm.model import RefVLM


@pytest.fixture
def build(nano_config):
    """Build the small model with some of its sizes changed; `decoder` changes those of the query trunk."""

    def make(decoder=None, **sizes) -> RefVLM:
        torch.manual_seed(0)
        changed = nano_config.decoder.model_copy(update=decoder or {})
        return RefVLM(nano_config.model_copy(update={"decoder": changed, **sizes})).eval()

    return make


@pytest.fixture
def asked():
    """Queries and features of two images, random and the same each time: five `<REF>` tokens of four triplets."""

    def make(model: RefVLM, rows=range(5)):
        generator = torch.Generator().manual_seed(3)
        features = model.vision(torch.randn(2, 3, 64, 64, generator=generator))
        states, phrases = torch.randn(2, 5, model.config.llm.width, generator=generator)
        phrases[1] = phrases[0]  # of one triplet
        image, group = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([0, 0, 1, 2, 3])
        rows = list(rows)
        return Queries(states[rows], phrases[rows], image[rows], group[rows]), features

    return make


@pytest.fixture
def truth():
    """A truth about the five: the last one asks for the whole image, the others are people."""
    generator = torch.Generator().manual_seed(5)
    boxes = torch.rand(5, 4, generator=generator) * 0.2 + 0.4
    joints = torch.rand(5, 17, 3, generator=generator) * 0.3 + 0.35
    joints[..., 2] = torch.randint(0, 3, (5, 17), generator=generator)
    masks = torch.zeros(5, 32, 32)
    masks[:, 10:20, 12:22] = 1
    depth = torch.full((2, 32, 32), 3.0)
    return Truth(torch.arange(4), torch.tensor([4]), boxes, masks, joints, depth, seed=1)


@pytest.fixture(scope="session")
def sam_shape():
    return SamConfig(
        vision_config={
            "hidden_size": 16, "output_channels": 8, "num_hidden_layers": 2, "num_attention_heads": 2,
            "image_size": 64, "patch_size": 16, "mlp_dim": 32, "window_size": 2, "global_attn_indexes": [1],
            "num_pos_feats": 4,
        },
        prompt_encoder_config={"hidden_size": 8, "image_size": 64, "patch_size": 16, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": 8, "mlp_dim": 16, "num_attention_heads": 2, "num_hidden_layers": 2, "iou_head_hidden_dim": 8,
        },
    )  # fmt: skip


@pytest.fixture(scope="session")
def vitpose_shape():
    backbone = VitPoseBackboneConfig(
        image_size=(32, 24), patch_size=(8, 8), hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        out_indices=[2],
    )  # fmt: skip
    return VitPoseConfig(backbone_config=backbone, num_labels=17, scale_factor=2)
