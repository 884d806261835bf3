"""SAM as the mask decoder: what the model points at becomes a prompt of a promptable segmenter (Kirillov et al., 2023).

The image encoder and the prompt encoder stay frozen, the mask decoder may learn, as in the published plug-in. There the
state of a `<REF>` is the only prompt; here it may also be the decoded box and its centre, which need no training:

    mask_decoder: sam
    decoders: {sam: {folder: weights/sam-vit-base, prompts: [box, query]}}

SAM sees the square input enlarged to its own side, so its masks lie over the square and leave it by the letterbox. A
checkpoint holds all its weights and its architecture; the folder is read once, when a model is first put together.
"""

from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.geometry import encode
from benchmarks.schema import Instance
from refvlm.config import RefVLMConfig
from refvlm.decoders.base import Decoded, Decoder, Reply, Truth
from refvlm.decoders.pretrained import PretrainedOptions, as_imagenet, self_contained, to_rgb
from refvlm.losses import mask_iou, mask_loss, to_xyxy


class SamOptions(PretrainedOptions):
    """What SAM is loaded from, and what it is prompted with."""

    prompts: tuple[Literal["box", "point", "query"], ...] = Field(default=("box",), min_length=1)


class SamMaskDecoder(Decoder):
    """Decoded boxes, their centres or queries -> masks by SAM."""

    options = SamOptions

    @classmethod
    def build(cls, config: RefVLMConfig, level_widths: tuple[int, ...], options: Any) -> "SamMaskDecoder":
        """Load SAM from its folder, or draw one of its architecture."""
        from transformers import SamConfig, SamModel

        return cls(config, options.load(SamConfig, SamModel), options.prompts)

    def __init__(self, config: RefVLMConfig, sam: Any, prompts: tuple[str, ...]) -> None:
        super().__init__()
        self.sam: Any = sam
        places = self.sam.prompt_encoder.shared_embedding
        own = places.positional_embedding.detach().clone()  # what shares storage cannot be stored
        places.positional_embedding = nn.Parameter(own, requires_grad=False)
        self.sam.shared_image_embedding.requires_grad_(False)
        self.sam.vision_encoder.requires_grad_(False)
        self.sam.prompt_encoder.requires_grad_(False)
        width = self.sam.config.prompt_encoder_config.hidden_size
        inner = config.decoder.width
        self.query_in = (
            nn.Sequential(nn.Linear(inner, inner), nn.GELU(), nn.Linear(inner, width)) if "query" in prompts else None
        )
        self.prompts, self.how = prompts, config.pixels
        self.side: int = self.sam.config.vision_config.image_size

    def stored_options(self, given: dict[str, Any]) -> dict[str, Any]:
        """Keep the architecture in place of the folder."""
        return self_contained(given, self.sam)

    def pixels(self, square: Tensor) -> Tensor:
        """Turn normalised images [B, 3, S, S] into what SAM sees, float32 [B, 3, side, side]."""
        seen = as_imagenet(to_rgb(square, self.how))
        return functional.interpolate(seen, (self.side, self.side), mode="bilinear", align_corners=False)

    def forward(self, decoded: Decoded, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Segment some queries: float32 logits [M, L, L] over the square input, and the IoU SAM expects, [M]."""
        masks, ious = [], []
        images = decoded.located.image[rows]
        apart = sorted(set(images.tolist()))
        for image in apart:
            found, expected = self._segment(decoded, rows[images == image], image)
            masks.append(found)
            ious.append(expected)
        order = torch.cat([(images == image).nonzero()[:, 0] for image in apart]).argsort()
        return torch.cat(masks)[order].float(), torch.cat(ious)[order].float()

    def _segment(self, decoded: Decoded, rows: Tensor, image: int) -> tuple[Tensor, Tensor]:
        """Segment the queries of one image."""
        points, boxes = None, None
        weight = self.sam.mask_decoder.iou_token.weight
        if "point" in self.prompts:
            points = (decoded.boxes[rows, :2].detach() * self.side).to(weight)[None, :, None]
        if "box" in self.prompts:
            boxes = (to_xyxy(decoded.boxes[rows].detach()) * self.side).to(weight)[None]
        labels = None if points is None else torch.ones_like(points[..., 0], dtype=torch.int)
        with torch.no_grad():
            sparse, dense = self.sam.prompt_encoder(points, labels, boxes, None)
        if self.query_in is not None:
            told = self.query_in(decoded.located.query[rows])[None, :, None]
            sparse = told if sparse is None else torch.cat([sparse, told.to(sparse)], 2)
        masks, ious = self.sam.mask_decoder(
            image_embeddings=self._embedding(decoded, image),
            image_positional_embeddings=self.sam.get_image_wide_positional_embeddings(),
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
            multimask_output=False,
        )
        return masks[0, :, 0], ious[0, :, 0]

    def _embedding(self, decoded: Decoded, image: int) -> Tensor:
        """SAM's features of one image, computed once for all its answers."""
        key = "sam", image
        if key not in decoded.kept:
            assert decoded.features is not None
            with torch.no_grad():
                seen = self.pixels(decoded.features.square[image : image + 1])
                weight = self.sam.mask_decoder.iou_token.weight
                decoded.kept[key] = self.sam.vision_encoder(seen.to(weight.dtype)).last_hidden_state
        return decoded.kept[key]

    def answer(self, reply: Reply) -> list[Instance]:
        """One mask for each row; its score is that of the words times the IoU SAM expects."""
        logits, ious = self(reply.decoded, reply.rows)
        return [
            Instance(score=reply.probability * float(iou), mask_rle=encode(reply.letterbox.mask_out(each)))
            for each, iou in zip(logits, ious.clamp(0, 1), strict=True)
        ]

    def losses(self, decoded: Decoded, truth: Truth) -> dict[str, Tensor]:
        """The loss of masks at SAM's own resolution, and the squared error of the IoU that it expects."""
        rows = truth.spatial[truth.masks[truth.spatial].flatten(1).any(1)]
        if not len(rows):
            return {}
        logits, ious = self(decoded, rows)
        wanted = functional.interpolate(truth.masks[rows][:, None], logits.shape[-2:], mode="bilinear")[:, 0]
        judged = functional.mse_loss(ious, mask_iou(logits.detach(), wanted))
        return {"sam": mask_loss(logits, wanted).mean() + judged}
