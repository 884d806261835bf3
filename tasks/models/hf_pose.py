"""Top-down pose estimators of the hub: ViTPose. `--model hf-pose:REFERENCE`. The joints of the person in a box.

Whose boxes is said by the preset (`boxes`) or `--model-arg boxes=…`, and stands with every row:

| `boxes` | the people |
|---|---|
| `given` | those of the boxes that the task marks (annotated ones); a task that marks none is refused |
| `detector` | those that `detector`, a member of `hf-detector`, finds; a task that marks people is refused |

The checkpoint's own processor cuts the boxes out and reads the heatmaps (`post_process_pose_estimation`). The score of
a pose is the mean score of its joints, times that of a detected box.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.errors import ModelError
from benchmarks.schema import Box, Group, Instance, Prediction, Query
from tasks.base import LoadOptions, ModelEntry
from tasks.facts import ModelSize
from tasks.model_args import ModelArgs, ModelArgument
from tasks.models import checkpoints, hf_detector
from tasks.models.families import Abilities, Member, Preset, family, member
from tasks.models.vision import VisionModel, reply

if TYPE_CHECKING:
    import torch

_NAME = "hf-pose"
_BOXES = ModelArgument(
    "boxes",
    ("preset", "given", "detector"),
    "whose boxes; given: the task's, detector: those the preset's detector finds",
)
_PERSON = "person"
Person = tuple[Box, float]
"""Box and its score."""


class PosePreset(Preset):
    """A pose estimator.

    Attributes:
        boxes: whose boxes.
        detector: a member of `hf-detector`, what stands behind its colon; needed for its boxes.
        most_people: of a photo, where they are detected; COCO counts 20.
        dataset_index: which of its experts answers, for a network with experts.
        flip_pairs: places of left and right joints; with them, heatmaps are averaged with those of the mirrored photo,
            as its authors do.
        kernel_size: of the filter in the refinement of joints (DARK).
    """

    boxes: Literal["given", "detector"] = "given"
    detector: str = ""
    most_people: int = 20
    dataset_index: int | None = None
    flip_pairs: Sequence[Sequence[int]] = ()
    kernel_size: int = 11


class PoseEstimator(VisionModel[PosePreset]):
    """A pose estimator, loaded, with its detector where it needs one."""

    def __init__(self, found: Member[PosePreset], folder: Path, options: LoadOptions) -> None:
        """Load network, processor and detector.

        Raises:
            ModelError: they cannot be loaded, or there is no detector.
        """
        from transformers import VitPoseForPoseEstimation

        super().__init__(found, folder, options, VitPoseForPoseEstimation)
        self.processor = checkpoints.image_processor(folder, self.preset.trust_remote_code)
        self._finder: hf_detector.Detector | None = None
        if (given := _detector(self.preset, options)) is not None:
            self._finder = hf_detector.Detector(given, given.located(), replace(options, weights=None, args=()))

    def fingerprint(self) -> str:
        """Hash over weights and settings, those of the detector too."""
        return _joined(super().fingerprint(), None if self._finder is None else self._finder.fingerprint())

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Find the joints of everybody in a box.

        Raises:
            ModelError: boxes are given where they are to be detected, or the other way round.
        """
        people = self._people(queries)
        crops = [self._crops(query, own) for query, own in zip(queries, people, strict=True)]
        flat = [{"pixel_values": crop[None]} for crop in (each for own in crops for each in own)]
        maps: dict[int, torch.Tensor] = {}
        for places, batch in self.batches(flat):
            maps |= dict(zip(places, self._heatmaps(batch["pixel_values"]), strict=True))
        done, answers = 0, []
        for query, own in zip(queries, people, strict=True):
            answers.append(self._answer(query, own, [maps[place] for place in range(done, done + len(own))]))
            done += len(own)
        return answers

    def _people(self, queries: Sequence[Query]) -> list[list[Person]]:
        for query in queries:
            if reason := refuse(self.preset, query, tuple(self.arguments.items())):
                raise ModelError(reason)
        if self._finder is None:
            return [[(r.box_xyxy, 1.0) for r in query.regions if r.box_xyxy is not None] for query in queries]
        asked = [replace(query, question="", categories=(_PERSON,), wants="box") for query in queries]
        boxes = [[each for group in found.groups for each in group.instances] for found in self._finder.predict(asked)]
        most = self.preset.most_people
        return [[(each.box_xyxy, each.score or 0.0) for each in own[:most] if each.box_xyxy] for own in boxes]

    def _crops(self, query: Query, people: Sequence[Person]) -> "Sequence[torch.Tensor]":
        if not people:
            return ()
        boxes = [[_xywh(box) for box, _ in people]]
        crops: torch.Tensor = self.processor(query.image.open_rgb(), boxes=boxes, return_tensors="pt")["pixel_values"]
        return list(crops)

    def _heatmaps(self, pixels: "torch.Tensor") -> "torch.Tensor":
        import torch

        given: dict[str, Any] = {}
        if self.preset.dataset_index is not None:
            given["dataset_index"] = torch.full((len(pixels),), self.preset.dataset_index, device=pixels.device)
        found: torch.Tensor = self.model(pixels, **given).heatmaps
        if self.preset.flip_pairs:
            pairs = torch.tensor(self.preset.flip_pairs)
            found = (found + self.model(pixels.flip(3), flip_pairs=pairs, **given).heatmaps) / 2
        return found.float().cpu()

    def _answer(self, query: Query, people: Sequence[Person], maps: "Sequence[torch.Tensor]") -> Prediction:
        import torch

        if not people:
            return reply(query)
        boxes = [[_xywh(box) for box, _ in people]]
        [poses] = self.processor.post_process_pose_estimation(
            SimpleNamespace(heatmaps=torch.stack(list(maps))), boxes=boxes, kernel_size=self.preset.kernel_size
        )
        instances = tuple(_instance(pose, *person) for pose, person in zip(poses, people, strict=True))
        return reply(query, groups=(Group(_PERSON, "keypoint", instances),))


def _instance(pose: Any, box: Box, certainty: float) -> Instance:
    scores = pose["scores"].tolist()
    joints = tuple((x, y, score) for (x, y), score in zip(pose["keypoints"].tolist(), scores, strict=True))
    return Instance(score=certainty * sum(scores) / len(scores), box_xyxy=box, keypoints=joints)


def _xywh(box: Box) -> list[float]:
    x1, y1, x2, y2 = box
    return [x1, y1, x2 - x1, y2 - y1]


def _detector(preset: PosePreset, options: LoadOptions) -> Member[hf_detector.DetectorPreset] | None:
    """The detector that finds the people, where one does.

    Raises:
        ModelError: the preset names none.
    """
    chosen = dict(options.args).get(_BOXES.name, preset.boxes)
    if chosen != "detector":
        return None
    if not preset.detector:
        raise ModelError("the preset names no detector: write one with `detector: REFERENCE`, a member of hf-detector")
    return member("hf-detector", preset.detector, hf_detector.DetectorPreset)


def _joined(own: str, detectors: str | None) -> str:
    return own if detectors is None else hashlib.sha256(f"{own}\0{detectors}".encode()).hexdigest()


def _of_reference(reference: str) -> ModelEntry:
    """A member whose fingerprint covers its detector.

    Raises:
        Exception: as `families.member`.
    """
    assert _FAMILY.of_reference is not None
    entry, found = _FAMILY.of_reference(reference), member(_NAME, reference, PosePreset)

    def fingerprint(options: LoadOptions) -> str:
        assert entry.fingerprint is not None
        given = _detector(found.preset, options)
        theirs = None if given is None else checkpoints.fingerprint(given.located(), given.preset.settings())
        return _joined(entry.fingerprint(options), theirs)

    return _with_detector(replace(entry, fingerprint=fingerprint), found.preset)


def _with_detector(entry: ModelEntry, preset: PosePreset) -> ModelEntry:
    """Show what the detector needs too, where people are detected unless told otherwise."""
    if preset.boxes != "detector" or not preset.detector:
        return entry
    [detectors] = hf_detector.MODELS
    assert detectors.of_reference is not None
    finder = detectors.of_reference(preset.detector)

    def sizes(weights: Path | None) -> list[ModelSize]:
        own, theirs = entry.sizes, finder.sizes
        assert own is not None
        assert theirs is not None
        return [*own(weights), *theirs(None)]

    return replace(entry, needs=(*entry.needs, *finder.needs), sizes=sizes)


def refuse(preset: PosePreset, query: Query, args: ModelArgs) -> str:
    """Why an estimator cannot answer a query; empty where it can."""
    given = any(region.box_xyxy is not None for region in query.regions)
    detected = dict(args).get(_BOXES.name, preset.boxes) == "detector"
    if detected and given:
        return "this task marks the person, but the boxes are to be detected: --model-arg boxes=given"
    if not detected and not given:
        return (
            "this task marks nobody, and the boxes are to be given: --model-arg boxes=detector, with a preset that "
            "names a detector"
        )
    return ""


_FAMILY = family(
    _NAME,
    PosePreset,
    PoseEstimator,
    lambda preset: Abilities(("keypoint",), True, partial(refuse, preset)),
    "top-down pose estimators of the hub (ViTPose): joints of people in the task's boxes or a detector's",
    arguments=(_BOXES,),
)
MODELS = [replace(_FAMILY, of_reference=_of_reference)]
