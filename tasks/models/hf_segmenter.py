"""Universal segmenters of the hub: MaskFormer, Mask2Former, OneFormer, EoMT. `--model hf-segmenter:REFERENCE`.

The preset says what is cut out (`segments`, or `--model-arg segments=…`, as a query does not tell), and the processor
of the checkpoint turns scores into masks at the photo's size:

| `segments` | by the processor's | answer |
|---|---|---|
| `panoptic` | `post_process_panoptic_segmentation`; stuff is joined by the task | disjoint masks, with scores |
| `instance` | `post_process_instance_segmentation` | masks with scores, which may overlap |
| `semantic` | `post_process_semantic_segmentation` | one mask for each class that is there |

OneFormer's processor needs torchvision for one resize, which is done here by torch.
Masks are named by the checkpoint's labels, or as `names` in the preset translates them. A label that is none of the
task's categories is not translated here: the task's own mapper of phrases finds it a category or counts it.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import ModelError
from benchmarks.geometry import encode
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Query
from tasks.base import LoadOptions
from tasks.model_args import ModelArgs, ModelArgument
from tasks.models import checkpoints
from tasks.models.families import Abilities, Member, Preset, family
from tasks.models.vision import Inputs, VisionModel, pictures, reply

if TYPE_CHECKING:
    import torch

Segments = Literal["panoptic", "instance", "semantic"]
Found = tuple[int, Instance]
"""Label id and mask."""
_SEGMENTS = ModelArgument(
    "segments", ("preset", "panoptic", "instance", "semantic"), "what is cut out; preset: what the preset says"
)


class SegmenterPreset(Preset):
    """A universal segmenter.

    Attributes:
        segments: what is cut out.
        threshold: least score of a panoptic segment.
        instance_threshold: least score of an instance; average precision wants all, 0.
        mask_threshold: least probability of a pixel of a mask.
        overlap_threshold: share of its pixels that a mask must keep among the others to be a segment.
        names: label of the checkpoint -> name of the benchmark's category, where they differ.
    """

    segments: Segments
    threshold: float = 0.8
    instance_threshold: float = 0.0
    mask_threshold: float = 0.5
    overlap_threshold: float = 0.8
    names: Mapping[str, str] = {}


class Segmenter(VisionModel[SegmenterPreset]):
    """A universal segmenter, loaded."""

    def __init__(self, member: Member[SegmenterPreset], folder: Path, options: LoadOptions) -> None:
        """Load network, image processor and, for OneFormer, the tokenizer.

        Raises:
            ModelError: they cannot be loaded.
        """
        from transformers import AutoModelForUniversalSegmentation

        super().__init__(member, folder, options, AutoModelForUniversalSegmentation)
        self._type: str = self.model.config.model_type
        asked = self.segments = self.arguments.get(_SEGMENTS.name, self.preset.segments)
        self._words: dict[str, torch.Tensor] = {}
        if self._type == "oneformer":
            self._of_oneformer(folder)
        else:
            self.processor = checkpoints.image_processor(folder, self.preset.trust_remote_code)
        self.alone = getattr(self.processor, "do_split_image", False)
        if self._type == "eomt" and self.alone != (asked == "semantic"):
            made_for = "semantic" if self.alone else "panoptic or instance"
            raise ModelError(
                f"{folder} is made for {made_for} segmentation, not {asked}: "
                "name a preset that fits, or --model-arg segments=…"
            )
        labels = self.model.config.id2label
        self._names = {label: self.preset.names.get(name, name) for label, name in labels.items()}

    def _of_oneformer(self, folder: Path) -> None:
        """Load its processor without the class file that it would download, and tokenize which task it is."""
        from transformers import AutoImageProcessor, AutoTokenizer

        trust = self.preset.trust_remote_code
        self.processor = checkpoints.part(folder, AutoImageProcessor, trust, backend="pil", class_info_file=None)
        self.processor.class_info_file = ""  # its post-processing looks for a name in it
        tokens = checkpoints.part(folder, AutoTokenizer, trust)(
            f"the task is {self.segments}", padding="max_length", max_length=self.model.config.task_seq_len,
            truncation=True, return_tensors="pt",
        )  # fmt: skip
        self._words = {"task_inputs": tokens["input_ids"] * tokens["attention_mask"]}

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Cut out everything in every photo.

        Raises:
            ModelError: something is asked for by words or marks.
        """
        for query in queries:
            if reason := refuse(query, ()):
                raise ModelError(reason)
        found: dict[int, Prediction] = {}
        for places, batch in self.batches(pictures(queries, self.see)):
            outputs = self._outputs(batch)
            sizes = [queries[place].image.size_hw for place in places]
            for place, masks in zip(places, self._masks(outputs, sizes), strict=True):
                groups = tuple(Group(self._names[label], "mask", (instance,)) for label, instance in masks)
                found[place] = reply(queries[place], groups=groups)
        return [found[place] for place in range(len(queries))]

    def see(self, image: ImageRef) -> Inputs:
        """Make a photo ready; EoMT's may become several squares."""
        import torch

        words = {"task_inputs": ["semantic"]} if self._words else {}
        made = self.processor(image.open_rgb(), return_tensors="pt", **words)
        inputs = {key: made[key] for key in ("pixel_values", "pixel_mask") if key in made}
        if made.get("patch_offsets"):
            inputs["patch_offsets"] = torch.stack(list(made["patch_offsets"]))
        return inputs | self._words

    def _outputs(self, batch: "dict[str, torch.Tensor]") -> Any:
        given: dict[str, Any] = dict(batch)
        if "patch_offsets" in given:
            given["patch_offsets"] = list(given["patch_offsets"])
        outputs = self.model(**given)
        outputs.class_queries_logits = outputs.class_queries_logits.float()
        outputs.masks_queries_logits = outputs.masks_queries_logits.float()
        return outputs

    def _masks(self, outputs: Any, sizes_hw: list[tuple[int, int]]) -> Iterator[list[Found]]:
        if self.segments == "semantic":
            for labels in self.processor.post_process_semantic_segmentation(outputs, target_sizes=sizes_hw):
                yield list(_classes(labels.cpu().numpy()))
            return
        segmented = self._panoptic if self.segments == "panoptic" else self._instances
        if self._type == "oneformer":
            found = [segmented(each, None)[0] for each in self._enlarged(outputs, sizes_hw)]
        else:
            found = segmented(outputs, sizes_hw)
        for each in found:
            yield list(_segments(each["segmentation"].cpu().numpy(), each["segments_info"]))

    def _enlarged(self, outputs: Any, sizes_hw: list[tuple[int, int]]) -> Iterator[Any]:
        """Outputs photo by photo, with masks at its size: what OneFormer's processor leaves to torchvision.

        It scales the probabilities of panoptic masks, and the scores of instances as they are.
        """
        import torch
        from torch.nn.functional import interpolate

        for row, size in enumerate(sizes_hw):
            masks = outputs.masks_queries_logits[row : row + 1]
            if self.segments == "panoptic":
                masks = torch.logit(interpolate(masks.sigmoid(), size=size, mode="bilinear", antialias=True))
            else:
                masks = interpolate(masks, size=size, mode="bilinear", antialias=True)
            classes = outputs.class_queries_logits[row : row + 1]
            yield SimpleNamespace(class_queries_logits=classes, masks_queries_logits=masks)

    def _panoptic(self, outputs: Any, sizes_hw: list[tuple[int, int]] | None) -> Any:
        joined: dict[str, Any] = {} if self._type == "eomt" else {"label_ids_to_fuse": set()}
        return self.processor.post_process_panoptic_segmentation(
            outputs,
            threshold=self.preset.threshold,
            mask_threshold=self.preset.mask_threshold,
            overlap_mask_area_threshold=self.preset.overlap_threshold,
            target_sizes=sizes_hw,
            **joined,
        )

    def _instances(self, outputs: Any, sizes_hw: list[tuple[int, int]] | None) -> Any:
        least = self.preset.instance_threshold
        if self._type == "eomt":
            return self.processor.post_process_instance_segmentation(outputs, sizes_hw, threshold=least)
        own: dict[str, Any] = {"return_binary_maps": True}
        if self._type == "oneformer":
            own = {
                "task_type": "instance",
                "mask_threshold": self.preset.mask_threshold,
                "overlap_mask_area_threshold": self.preset.overlap_threshold,
            }
        return self.processor.post_process_instance_segmentation(outputs, threshold=least, target_sizes=sizes_hw, **own)


def _classes(labels: NDArray[np.int64]) -> Iterator[Found]:
    """One mask for each label of a map [H, W]."""
    columns = np.asfortranarray(labels)  # masks are encoded column by column
    for label in np.unique(columns).tolist():
        yield label, Instance(mask_rle=encode(columns == label))


def _segments(planes: NDArray[Any], infos: Sequence[dict[str, Any]]) -> Iterator[Found]:
    """Masks of segments: of a map of their ids [H, W], or of one plane for each [N, H, W]."""
    columns = np.asfortranarray(planes) if planes.ndim == 2 else planes
    for place, info in enumerate(infos):
        mask = columns == info["id"] if planes.ndim == 2 else np.asfortranarray(planes[place] > 0)
        yield info["label_id"], Instance(score=float(info["score"]), mask_rle=encode(mask))


def refuse(query: Query, args: ModelArgs) -> str:
    """Why a segmenter cannot answer a query; empty where it can."""
    return "" if query.categories else "a segmenter names masks by its own labels: it follows no expression or region"


MODELS = [
    family(
        "hf-segmenter",
        SegmenterPreset,
        Segmenter,
        lambda preset: Abilities(("mask",), refuse=refuse),
        "universal segmenters of the hub (MaskFormer, Mask2Former, OneFormer, EoMT): panoptic, instance or semantic",
        arguments=(_SEGMENTS,),
    )
]
