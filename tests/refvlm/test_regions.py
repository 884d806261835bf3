"""Visual prompts: drawn where they are meant, never empty, and told apart by place, extent and kind."""

import numpy as np
import pytest
import torch
from pycocotools import mask as coco_mask

from benchmarks.schema import Region
from refvlm.config import RegionConfig
from refvlm.model import RefVLM
from refvlm.processor import Letterbox
from refvlm.prompting import spread_regions, turn_text
from refvlm.regions import KINDS, rasterise, stack

WIDE = Letterbox((60, 120), 64)
"""A picture of 120 x 60 pixels in a square of 64: scale 64/120, 30 pixels of padding above and below."""


def rle(mask):
    encoded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return {"size": list(mask.shape), "counts": encoded["counts"].decode("ascii")}


def test_a_box_is_filled_at_its_place_in_the_square():
    drawn = rasterise(Region("box", box_xyxy=(30.0, 0.0, 90.0, 60.0)), WIDE)
    rows, columns = np.nonzero(drawn)
    # x 30..90 of 120 is 16..48 of 64; y 0..60 with 30 above is 16..48
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (16, 47, 16, 47)
    assert drawn.sum() == 32 * 32


@pytest.mark.parametrize("kind", ["point", "scribble"])
def test_points_and_scribbles_cover_what_they_name(kind):
    points = ((60.0, 30.0),) if kind == "point" else ((20.0, 30.0), (100.0, 30.0))
    drawn = rasterise(Region(kind, points_xy=points), WIDE)
    rows, columns = np.nonzero(drawn)
    assert abs(rows.mean() - 32) <= 1
    assert abs(columns.mean() - 32) <= 1
    assert (drawn.sum() > 60) == (kind == "scribble")


def test_a_mask_is_scaled_and_a_tiny_one_keeps_a_pixel():
    mask = np.zeros((60, 120), dtype=bool)
    mask[:, :60] = True
    drawn = rasterise(Region("mask", mask_rle=rle(mask)), WIDE)
    assert drawn[16:48, :32].mean() == pytest.approx(1.0, abs=1e-6)
    assert drawn.sum() == pytest.approx(32 * 32, abs=1e-3)
    mask[:] = False
    mask[7, 7] = True
    assert rasterise(Region("mask", mask_rle=rle(mask)), WIDE).max() == 1.0


@pytest.mark.parametrize("kind", KINDS)
def test_a_region_without_its_shape_is_refused(kind):
    with pytest.raises(ValueError, match=f"a region of kind {kind} needs"):
        rasterise(Region(kind), WIDE)


@pytest.fixture
def prompted(nano_config):
    torch.manual_seed(0)
    return RefVLM(nano_config.model_copy(update={"regions": RegionConfig()})).eval()


def tokens_of(model, regions):
    letterbox = Letterbox((64, 64), 64)
    masks, kinds = stack([(region, letterbox) for region in regions])
    features = model.vision(torch.randn(1, 3, 64, 64, generator=torch.Generator().manual_seed(2)))
    with torch.inference_mode():
        return model.region_encoder(masks, kinds, torch.zeros(len(regions), dtype=torch.long), features)


def test_prompts_are_told_apart_by_place_extent_and_kind(prompted):
    regions = [
        Region("box", box_xyxy=(4.0, 4.0, 20.0, 20.0)),
        Region("box", box_xyxy=(40.0, 4.0, 56.0, 20.0)),
        Region("box", box_xyxy=(4.0, 4.0, 36.0, 36.0)),
        Region("point", points_xy=((12.0, 12.0),)),
    ]
    tokens = tokens_of(prompted, regions)
    assert tokens.shape == (4, 5, prompted.config.llm.width)
    assert torch.isfinite(tokens).all()
    geometry = tokens[:, -1]
    for first in range(4):
        for second in range(first):
            assert (geometry[first] - geometry[second]).abs().max() > 1e-3


def test_a_prompt_is_encoded_alike_whatever_stands_beside_it(prompted):
    one, other = Region("box", box_xyxy=(4.0, 4.0, 20.0, 20.0)), Region("point", points_xy=((50.0, 50.0),))
    together, alone = tokens_of(prompted, [one, other]), tokens_of(prompted, [one])
    torch.testing.assert_close(together[:1], alone)


def test_every_mention_gets_its_tokens_and_unmentioned_prompts_stand_behind_the_words():
    assert "Segment <region>." in turn_text("Segment <region>.", "mask", 1)
    assert turn_text("Segment this.", "mask", 2).count("<region>") == 2
    assert turn_text("<region> and <region>", "text", 2).count("<region>") == 2
    assert spread_regions([1, 9, 2, 9], 9, 3) == (1, 9, 9, 9, 2, 9, 9, 9)
