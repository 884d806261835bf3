"""Grounding DINO as u-LLaVA of 2023 uses it: a name in, boxes out, and of them the one that fits the mask best."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import ModelError
from benchmarks.schema import Box
from metrics.boxes import box_iou
from tasks.base import LoadOptions
from tasks.models import checkpoints

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


def located(reference: str) -> Path:
    """Find the checkpoint that a preset names: a folder or a hub id.

    Raises:
        ModelError: it is not here; the text says how to get it.
    """
    folder = Path(reference).expanduser()
    return checkpoints.checked(folder) if folder.is_dir() else checkpoints.in_hub_cache(reference)


class Grounding:
    """A loaded Grounding DINO."""

    def __init__(self, folder: Path, threshold: float, options: LoadOptions) -> None:
        """Load a checkpoint; boxes surer than `threshold` count.

        Raises:
            ModelError: see `tasks.models.checkpoints.model`.
        """
        from transformers import AutoTokenizer, GroundingDinoForObjectDetection

        self.threshold = threshold
        self.model = checkpoints.model(folder, GroundingDinoForObjectDetection, options)
        self.tokenizer = checkpoints.part(folder, AutoTokenizer)
        self.processor = checkpoints.image_processor(folder)

    def boxes(self, photo: "Image.Image", name: str) -> list[Box]:
        """Find what has a name: xyxy pixels, not in any order."""
        import torch

        pixels = self.processor(photo, return_tensors="pt")
        words = self.tokenizer([caption(name)], return_tensors="pt")
        device, dtype = self.model.device, self.model.dtype
        with torch.inference_mode():
            out: Any = self.model(
                pixel_values=pixels["pixel_values"].to(device, dtype), pixel_mask=pixels["pixel_mask"].to(device),
                **words.to(device),
            )  # fmt: skip
        sure = out.logits[0].float().sigmoid().max(-1).values > self.threshold
        found = []
        for cx, cy, w, h in out.pred_boxes[0][sure].float().tolist():
            x, y = photo.width, photo.height
            found.append(((cx - w / 2) * x, (cy - h / 2) * y, (cx + w / 2) * x, (cy + h / 2) * y))
        return found


def caption(name: str) -> str:
    """Write a name as Grounding DINO wants it: in lower case, with a full stop."""
    text = name.lower().strip()
    return text if text.endswith(".") else f"{text}."


def tight_box(mask: "NDArray[np.bool_]") -> Box:
    """The box from the first to the last pixel of a mask [H, W], xyxy pixels, as torchvision's masks_to_boxes gives it.

    Raises:
        ModelError: the mask is empty.
    """
    rows, columns = mask.nonzero()
    if not len(rows):
        raise ModelError("the mask is empty: it has no box")
    return (float(columns.min()), float(rows.min()), float(columns.max()), float(rows.max()))


def best(boxes: list[Box], around: Box) -> Box:
    """The box that overlaps another one most, the first of equals; that other one where there is none."""
    if not boxes:
        return around
    return max(boxes, key=lambda each: box_iou(each, around))
