"""Promptable segmenters of the hub: SAM. `--model hf-promptable:REFERENCE`. A mark on the photo in, its mask out.

| visual prompt | what SAM is given |
|---|---|
| box | the box |
| point, several points | all of them, as inside the object; SAM counts pixels from 0, ours have their middle at 0.5 |
| scribble | `scribble_points` points, evenly spread along it, as inside the object |
| mask | the box around it, and its pixels as scores of plus or minus `mask_logit` at a quarter of SAM's resolution |

`multimask: ambiguous` asks for three masks where a single point was given, as SAM's authors advise, and for one mask
otherwise; `always` asks for three always. Of three, that with the best predicted IoU is taken; this is its score.
The processor (`post_process_masks`) brings masks to the photo's size; pixels above 0 are inside.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import ModelError
from benchmarks.geometry import decode, encode
from benchmarks.schema import Box, Group, ImageRef, Instance, Prediction, Query, Region, Rle
from tasks.base import LoadOptions
from tasks.model_args import ModelArgs
from tasks.models import checkpoints
from tasks.models.families import Abilities, Member, Preset, family
from tasks.models.vision import Inputs, VisionModel, reply

if TYPE_CHECKING:
    import torch

Points = tuple[tuple[float, float], ...]


class PromptablePreset(Preset):
    """A promptable segmenter.

    Attributes:
        multimask: when three masks are asked for.
        scribble_points: how many points stand for a scribble.
        mask_logit: score of a pixel inside a mask that is given.
    """

    multimask: Literal["ambiguous", "always"] = "ambiguous"
    scribble_points: int = 8
    mask_logit: float = 10.0


class Promptable(VisionModel[PromptablePreset]):
    """A promptable segmenter, loaded."""

    def __init__(self, member: Member[PromptablePreset], folder: Path, options: LoadOptions) -> None:
        """Load network and image processor.

        Raises:
            ModelError: they cannot be loaded.
        """
        from transformers import AutoModelForMaskGeneration

        super().__init__(member, folder, options, AutoModelForMaskGeneration)
        self.processor = checkpoints.image_processor(folder, self.preset.trust_remote_code)
        self._seen: dict[Path, tuple[Inputs, torch.Tensor]] = {}

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Cut out the object of every visual prompt, in the order of the query's.

        Raises:
            ModelError: a query has none.
        """
        for query in queries:
            if reason := refuse(query, ()):
                raise ModelError(reason)
        self._look({query.image.path: query.image for query in queries})
        return [
            reply(query, groups=tuple(Group("", "mask", (self._cut_out(query.image, r),)) for r in query.regions))
            for query in queries
        ]

    def see(self, image: ImageRef) -> Inputs:
        """Make a photo ready."""
        made = self.processor(image.open_rgb(), return_tensors="pt")
        return {key: made[key] for key in ("pixel_values", "original_sizes", "reshaped_input_sizes")}

    def _look(self, images: dict[Path, ImageRef]) -> None:
        """Encode photos once; those of the call before are kept, as questions about one photo come together."""
        import torch

        self._seen = {path: each for path, each in self._seen.items() if path in images}
        fresh = [image for path, image in images.items() if path not in self._seen]
        inputs = [image.seen(self.see) for image in fresh]
        for place, image in enumerate(fresh):
            with torch.inference_mode():
                embedding = self.model.get_image_embeddings(self.placed(inputs[place]["pixel_values"]))
            self._seen[image.path] = (inputs[place], embedding)

    def _cut_out(self, image: ImageRef, region: Region) -> Instance:
        inputs, embedding = self._seen[image.path]
        marks, several = self._marks(region, inputs)
        found = self.model(image_embeddings=embedding, multimask_output=several, **marks)
        masks = self.processor.post_process_masks(
            found.pred_masks.float().cpu(), inputs["original_sizes"], inputs["reshaped_input_sizes"]
        )[0][0]
        scores = found.iou_scores[0, 0].float().tolist()
        best = scores.index(max(scores))
        return Instance(score=scores[best], mask_rle=encode(np.asfortranarray(masks[best].numpy())))

    def _marks(self, region: Region, inputs: Inputs) -> "tuple[dict[str, torch.Tensor], bool]":
        """What SAM is given for a visual prompt, in its own pixels, and whether it answers with three masks."""
        import torch

        always = self.preset.multimask == "always"
        (height, width), (new_height, new_width) = (
            inputs[key][0].tolist() for key in ("original_sizes", "reshaped_input_sizes")
        )
        scale = np.array([new_width / width, new_height / height])

        def own(xy: "NDArray[np.float64] | Points") -> torch.Tensor:
            return (
                torch.from_numpy(np.asarray(xy, dtype=np.float64).reshape(-1, 2) * scale).float().to(self.model.device)
            )

        if region.kind in ("box", "mask"):
            marks = {"input_boxes": own(np.array(box_of(region))).reshape(1, 1, 4)}
            if region.kind == "mask" and region.mask_rle is not None:
                marks["input_masks"] = self.placed(self._scores(region.mask_rle, (new_height, new_width)))
            return marks, always
        points = np.asarray(region.points_xy if region.kind == "point" else self._along(region)) - 0.5
        return {"input_points": own(points)[None, None]}, always or len(points) == 1

    def _along(self, region: Region) -> NDArray[np.float64]:
        """Points [N, 2] evenly spread along a scribble, or over its pixels where only these are known."""
        line = np.array(region.points_xy, dtype=np.float64)
        if not len(line) and region.mask_rle is not None:
            rows, columns = np.nonzero(decode(region.mask_rle))
            picked = np.linspace(0, len(rows) - 1, self.preset.scribble_points).round().astype(int)
            pixels: NDArray[np.float64] = np.stack((columns[picked], rows[picked]), axis=1) + 0.5
            return pixels
        walked = np.concatenate(([0.0], np.hypot(*np.diff(line, axis=0).T).cumsum()))
        stops = np.linspace(0, walked[-1], self.preset.scribble_points)
        return np.stack([np.interp(stops, walked, line[:, axis]) for axis in (0, 1)], axis=1)

    def _scores(self, mask: Rle, reshaped_hw: tuple[int, int]) -> "torch.Tensor":
        """A mask as SAM is given one: scores [1, 1, S, S] in the frame of its padded photo."""
        import torch
        from torch.nn.functional import interpolate

        side = 4 * self.model.config.vision_config.image_size // self.model.config.vision_config.patch_size
        size = [max(round(length * side / self.processor.pad_size["height"]), 1) for length in reshaped_hw]
        inside = interpolate(torch.from_numpy(decode(mask)).float()[None, None], size=size, mode="bilinear") >= 0.5
        scores = torch.full((1, 1, side, side), -self.preset.mask_logit)
        scores[:, :, : size[0], : size[1]][inside] = self.preset.mask_logit
        return scores


def box_of(region: Region) -> Box:
    """The box of a box, or around a mask: xyxy pixels."""
    if region.box_xyxy is not None:
        return region.box_xyxy
    assert region.mask_rle is not None, f"a {region.kind} has a box or a mask"
    rows, columns = np.nonzero(decode(region.mask_rle))
    if not len(rows):
        raise ModelError("the mask that marks the object is empty")
    return (float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))


def refuse(query: Query, args: ModelArgs) -> str:
    """Why a promptable segmenter cannot answer a query; empty where it can."""
    return "" if query.regions else "a promptable segmenter needs a visual prompt: it follows no words"


MODELS = [
    family(
        "hf-promptable",
        PromptablePreset,
        Promptable,
        lambda preset: Abilities(("mask",), True, refuse),
        "promptable segmenters of the hub (SAM): the mask of what a box, points, a scribble or a mask marks",
    )
]
