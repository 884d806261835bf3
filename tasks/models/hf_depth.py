"""Depth estimators of the hub: Depth Anything, DPT, ZoeDepth, GLPN. `--model hf-depth:REFERENCE`.

The map is brought to the photo's own size by the checkpoint's processor (`post_process_depth_estimation`; ZoeDepth's
needs torchvision for it, so that its steps are repeated here). The preset declares what the network puts out; the map
that is answered is

| `output` | with `answer=depth` (default) | with `answer=disparity` |
|---|---|---|
| `metres` | as it is | its inverse, 0 where the depth is not positive |
| `relative_depth` | as it is; the task's protocol must align its scale | its inverse |
| `relative_disparity` | its inverse, least values raised to `least_disparity`; up to scale and shift | as it is |

A protocol whose alignment is `lstsq_disparity` wants `--model-arg answer=disparity`; all others want depth.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.depth_answer import DepthMap
from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Prediction, Query
from tasks.base import LoadOptions
from tasks.model_args import ModelArgument
from tasks.models import checkpoints
from tasks.models.families import Abilities, Member, Preset, family
from tasks.models.vision import Inputs, VisionModel, pictures, reply

if TYPE_CHECKING:
    import torch

Output = Literal["metres", "relative_depth", "relative_disparity"]
_ANSWER = ModelArgument(
    "answer", ("depth", "disparity"), "what the map holds; disparity is for protocols that align with lstsq_disparity"
)


class DepthPreset(Preset):
    """A depth estimator.

    Attributes:
        output: what the network puts out.
        flip_average: average with the answer to the mirrored photo, mirrored back (ZoeDepth's authors do).
        least_disparity: share of the map's largest disparity below which it counts as this share when it is inverted:
            0 would be infinitely far.
    """

    output: Output
    flip_average: bool = False
    least_disparity: float = 1e-3


class DepthEstimator(VisionModel[DepthPreset]):
    """A depth estimator, loaded."""

    def __init__(self, member: Member[DepthPreset], folder: Path, options: LoadOptions) -> None:
        """Load network and processor.

        Raises:
            ModelError: they cannot be loaded, or the checkpoint says that its output is another than declared.
        """
        from transformers import AutoModelForDepthEstimation

        super().__init__(member, folder, options, AutoModelForDepthEstimation)
        self.processor = checkpoints.image_processor(folder, self.preset.trust_remote_code)
        # ZoeDepth with heads for several domains lets the pictures of a batch vote for the head that all of them get.
        self.alone = len(getattr(self.model.config, "bin_configurations", None) or ()) > 1
        self._disparity = self.arguments.get(_ANSWER.name) == "disparity"
        says = getattr(self.model.config, "depth_estimation_type", None)
        if says is not None and (says == "metric") != (self.preset.output == "metres"):
            raise ModelError(
                f"{folder} says its depth is {says}, but the preset declares {self.preset.output}: name a preset that "
                "fits and this folder with --weights (`refbench models hf-depth` lists them)"
            )

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Estimate the depth of every photo, at its own size."""
        found: dict[int, Prediction] = {}
        for places, batch in self.batches(pictures(queries, self.see)):
            outputs = self._estimate(batch)
            sizes = [queries[place].image.size_hw for place in places]
            for place, values in zip(places, self._at_own_size(outputs, sizes), strict=True):
                found[place] = reply(queries[place], depth=DepthMap(values=self._answered(values)))
        return [found[place] for place in range(len(queries))]

    def see(self, image: ImageRef) -> Inputs:
        """Make a photo ready."""
        pixels: torch.Tensor = self.processor(image.open_rgb(), return_tensors="pt")["pixel_values"]
        return {"pixel_values": pixels}

    def _estimate(self, batch: "dict[str, torch.Tensor]") -> Any:
        outputs = self.model(**batch)
        if self.preset.flip_average:
            mirrored = self.model(pixel_values=batch["pixel_values"].flip(3)).predicted_depth.flip(-1)
            outputs.predicted_depth = (outputs.predicted_depth + mirrored) / 2
        outputs.predicted_depth = outputs.predicted_depth.float()
        return outputs

    def _at_own_size(self, outputs: Any, sizes_hw: list[tuple[int, int]]) -> list[NDArray[np.float32]]:
        if self.model.config.model_type == "zoedepth":
            maps = unpadded(outputs.predicted_depth, sizes_hw, self.processor.do_pad)
        else:
            found = self.processor.post_process_depth_estimation(outputs, target_sizes=sizes_hw)
            maps = [each["predicted_depth"] for each in found]
        return [each.cpu().numpy() for each in maps]

    def _answered(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn what the network puts out into what the run asks for."""
        if (self.preset.output == "relative_disparity") == self._disparity:
            return values
        if self._disparity:
            return np.divide(1, values, out=np.zeros_like(values), where=values > 0)
        least = np.float32(self.preset.least_disparity) * max(values.max(), np.finfo(np.float32).tiny)
        inverse: NDArray[np.float32] = np.float32(1) / np.maximum(values, least)
        return inverse


def unpadded(maps: "torch.Tensor", sizes_hw: Sequence[tuple[int, int]], padded: bool) -> "list[torch.Tensor]":
    """What ZoeDepth's processor does with maps [B, h, w], which it does by torchvision: resize, take its padding away.

    The padding of a photo is `int(3 sqrt(side / 2))` pixels on either end of a side.
    """
    from torch.nn.functional import interpolate

    found = []
    for each, size in zip(maps, sizes_hw, strict=True):
        high, wide = (int((side / 2) ** 0.5 * 3) if padded else 0 for side in size)
        whole = (size[0] + 2 * high, size[1] + 2 * wide)
        resized = interpolate(each[None, None], size=whole, mode="bicubic", align_corners=False)[0, 0]
        found.append(resized[high : high + size[0], wide : wide + size[1]])
    return found


MODELS = [
    family(
        "hf-depth",
        DepthPreset,
        DepthEstimator,
        lambda preset: Abilities(("depth",)),
        "depth estimators of the hub (Depth Anything, DPT, ZoeDepth, GLPN); the preset declares metres or relative",
        arguments=(_ANSWER,),
    )
]
