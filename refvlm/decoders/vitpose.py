"""ViTPose (Xu et al., 2022) as the keypoint decoder, from a local folder as transformers saves it, frozen.

    keypoint_decoder: vitpose
    decoders: {vitpose: {folder: weights/vitpose-base-simple}}

A person is looked at through the decoded box, widened by `margin` and brought to the model's aspect as its own image
processor does; a joint is the highest cell of its heat map, moved a quarter of a cell towards the higher neighbour.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from refvlm.config import RefVLMConfig
from refvlm.decoders.pose import PoseDecoder
from refvlm.decoders.pretrained import PretrainedOptions, as_imagenet, self_contained


class VitPoseOptions(PretrainedOptions):
    """What ViTPose is loaded from, how much boxes are widened, and which of its experts looks, where it has several."""

    margin: float = 1.25
    expert: int | None = None


class VitPoseDecoder(PoseDecoder):
    """Boxes -> joints by ViTPose."""

    options = VitPoseOptions

    @classmethod
    def build(cls, config: RefVLMConfig, level_widths: tuple[int, ...], options: Any) -> "VitPoseDecoder":
        """Load ViTPose from its folder, or draw one of its architecture."""
        from transformers import VitPoseConfig, VitPoseForPoseEstimation

        return cls(config, options.load(VitPoseConfig, VitPoseForPoseEstimation), options)

    def __init__(self, config: RefVLMConfig, model: Any, options: VitPoseOptions) -> None:
        super().__init__(config)
        self.estimator: Any = model.requires_grad_(False)
        self.margin, self.expert = options.margin, options.expert
        height, width = model.config.backbone_config.image_size
        self.size_hw: tuple[int, int] = (height, width)

    def stored_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Keep the architecture in place of the folder."""
        return self_contained(given, self.estimator)

    def windows(self, boxes: Tensor, side: int) -> Tensor:
        """Widen boxes [M, 4] to the model's aspect: cxcywh in pixels of the square, [M, 4]."""
        aspect = self.size_hw[1] / self.size_hw[0]
        width, height = boxes[:, 2] * side, boxes[:, 3] * side
        whole = torch.stack([torch.maximum(width, height * aspect), torch.maximum(height, width / aspect)], 1)
        return torch.cat([boxes[:, :2] * side, whole * self.margin], 1)

    def look(self, images: Tensor, windows: Tensor) -> Tensor:
        """Cut windows out of images [M, 3, S, S] and normalise: float32 [M, 3, H, W], zero outside of them."""
        side = images.shape[-1]
        ys, xs = (torch.linspace(-0.5, 0.5, count, device=images.device) for count in self.size_hw)
        x = windows[:, 0, None] + xs * windows[:, 2, None]  # [M, W], corner cells at the window's edges
        y = windows[:, 1, None] + ys * windows[:, 3, None]
        grid = torch.stack(
            [x[:, None].expand(-1, len(ys), -1), y[..., None].expand(-1, -1, len(xs))], 3
        )  # pixels, whose centres are whole numbers
        cut = functional.grid_sample(images, (grid + 0.5) / side * 2 - 1, align_corners=False)
        return as_imagenet(cut)

    def estimate(self, images: Tensor, boxes: Tensor) -> Tensor:
        """See `PoseDecoder`."""
        side = images.shape[-1]
        windows = self.windows(boxes, side)
        weight = next(self.estimator.parameters())
        expert = None if self.expert is None else torch.full((len(boxes),), self.expert, device=boxes.device)
        heat = self.estimator(self.look(images, windows).to(weight.dtype), dataset_index=expert).heatmaps.float()
        places, sure = peaks(heat)
        shares = places / places.new_tensor([heat.shape[3] - 1, heat.shape[2] - 1]) - 0.5
        pixels = windows[:, None, :2] + shares * windows[:, None, 2:]
        return torch.cat([(pixels + 0.5) / side, sure.clamp(0, 1)[..., None]], 2)


def peaks(heat: Tensor) -> tuple[Tensor, Tensor]:
    """Find the highest cell of maps [M, K, H, W]: xy in cells [M, K, 2], a quarter moved, and its height [M, K]."""
    width = heat.shape[3]
    best, place = heat.flatten(2).max(2)
    x, y = place % width, place // width
    around = functional.pad(heat, (1, 1, 1, 1), mode="replicate").flatten(2)
    middle = (y + 1) * (width + 2) + x + 1
    right, left, below, above = (
        around.gather(2, (middle + step)[..., None])[..., 0] for step in (1, -1, width + 2, -width - 2)
    )
    moved = torch.stack([(right - left).sign(), (below - above).sign()], 2) * 0.25
    return torch.stack([x, y], 2) + moved, best
