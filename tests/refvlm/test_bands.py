"""The published prompt encoder is as published, traits that hinder it included, and works throughout."""

import pytest
import torch

from refvlm import checkpoint
from refvlm.bands import BandEncoder, cells_inside
from refvlm.config import RefVLMConfig, RegionConfig
from refvlm.model import RefVLM


@pytest.fixture
def model(nano_config):
    torch.manual_seed(0)
    return RefVLM(nano_config.model_copy(update={"regions": RegionConfig(grid=2, design="bands")})).eval()


@pytest.fixture
def masks():
    drawn = torch.zeros(3, 64, 64)
    drawn[0, 8:40, 16:60] = 1
    drawn[1, 32:64, :16] = 1
    drawn[2, 5, 6] = 1
    return drawn


@torch.no_grad()
def test_tokens_equal_a_plain_reading_of_the_published_recipe(model, masks):
    features = model.vision(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    image = torch.tensor([0, 1, 0])
    tokens = model.region_encoder(masks, torch.tensor([1, 3, 0]), image, features)
    assert tokens.shape == (3, 5, 32)
    encoder = model.region_encoder
    for row in range(3):
        share = cells_inside(masks, 4)[row]
        cells = features.encoded[image[row]].reshape(16, 16)  # E channels, 4 x 4 cells in raster order
        plain = [sum(cells[:, k] * share[k] for k in range(band * 4, band * 4 + 4)) for band in range(4)]
        constant = encoder.mask_embedding.weight[:, 0] / 16 + encoder.mask_embedding.bias
        stacked = torch.stack([*plain, constant]) + encoder.position_embedding.weight
        # float32 sums of sixteen cells in another order
        torch.testing.assert_close(tokens[row], model.vision.projector(stacked), atol=1e-5, rtol=1e-4)
        # all bands together are the mean over the prompt's cells
        torch.testing.assert_close(sum(plain), cells[:, share > 0].mean(1), atol=1e-5, rtol=1e-4)


def test_the_mask_token_says_nothing_about_shape_and_ours_does(model, masks, nano_config):
    share = cells_inside(masks, 4)
    token = model.region_encoder.mask_embedding(share[..., None]).mean(1)
    torch.testing.assert_close(token[0], token[1])
    ours = RefVLM(nano_config.model_copy(update={"regions": RegionConfig()})).eval()
    features = ours.vision(torch.zeros(1, 3, 64, 64))
    told = ours.region_encoder(masks, torch.zeros(3, dtype=torch.long), torch.zeros(3, dtype=torch.long), features)
    assert not torch.allclose(told[0, -1], told[1, -1], atol=1e-3)


def test_a_prompt_smaller_than_a_cell_keeps_one(masks):
    share = cells_inside(masks, 4)
    assert share[2].nonzero().flatten().tolist() == [0]
    assert share.sum(1).tolist() == pytest.approx([1, 1, 1], abs=1e-6)


def test_the_projector_is_shared_learns_from_prompts_and_is_stored_once(model, masks, tokenizer, tmp_path):
    assert isinstance(model.region_encoder, BandEncoder)
    assert not [name for name in model.state_dict() if name.startswith("region_encoder.shared")]
    features = model.vision(torch.randn(1, 3, 64, 64))
    rows = torch.zeros(3, dtype=torch.long)
    model.region_encoder(masks, rows, rows, features).square().sum().backward()
    learning = [*model.region_encoder.named_parameters(), *model.vision.projector.named_parameters()]
    assert all(value.grad is not None and value.grad.any() for _, value in learning)
    checkpoint.save(tmp_path, model, tokenizer, model.state_dict(), torch.float32)
    again = checkpoint.load(tmp_path)[0]
    with torch.no_grad():
        before, after = (
            m.region_encoder(masks, rows, rows, m.vision(torch.ones(1, 3, 64, 64))) for m in (model, again)
        )
    assert torch.equal(before, after)


def test_bands_must_divide_the_image_tokens(nano_config):
    with pytest.raises(ValueError, match="4x4 image tokens do not split into 9 bands"):
        RefVLMConfig.model_validate(nano_config.model_dump() | {"regions": {"grid": 3, "design": "bands"}})
