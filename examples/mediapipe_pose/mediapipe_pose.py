"""MediaPipe Pose under test: a model that is not ours, in one file. `--include examples/mediapipe_pose`.

Every box of a question is widened by a quarter of its width and height on each side, cut out, and handed to MediaPipe,
which finds one person in it at most. Where a question marks nobody, the whole photo is handed over. Weights come inside
the package, nothing is downloaded.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from benchmarks.errors import ModelError
from benchmarks.schema import Box, Group, Instance, Prediction, Query
from tasks.base import LoadOptions, ModelEntry

MARGIN = 0.25
"""Share of its width or height by which a box grows on each side: MediaPipe looks for the person anew."""
LEAST_CONFIDENCE = 0.3
"""Of a found person; MediaPipe's own default of 0.5 leaves out one in four of the small people of COCO."""
LANDMARKS: Mapping[str, int] = {
    "nose": 0, "left_eye": 2, "right_eye": 5, "left_ear": 7, "right_ear": 8,
    "left_shoulder": 11, "right_shoulder": 12, "left_elbow": 13, "right_elbow": 14, "left_wrist": 15, "right_wrist": 16,
    "left_hip": 23, "right_hip": 24, "left_knee": 25, "right_knee": 26, "left_ankle": 27, "right_ankle": 28,
}  # fmt: skip
"""COCO's joints -> number of MediaPipe's landmark, of 33."""
_WEIGHTS = ("pose_detection/pose_detection.tflite", "pose_landmark/pose_landmark_full.tflite")


class Pose:
    """MediaPipe's pose of one person, loaded."""

    def __init__(self, mediapipe: ModuleType) -> None:
        """Load detector and landmarks, of the size ("full") that comes with the package."""
        self._folder = Path(str(mediapipe.__file__)).parent / "modules"
        self._network: Any = mediapipe.solutions.pose.Pose(
            static_image_mode=True, model_complexity=1, min_detection_confidence=LEAST_CONFIDENCE
        )

    def fingerprint(self) -> str:
        """Hash over weights and settings."""
        settings = f"{MARGIN} {LEAST_CONFIDENCE}".encode()
        weights = [(self._folder / name).read_bytes() for name in _WEIGHTS]
        return hashlib.sha256(b"".join([settings, *weights])).hexdigest()

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Find the joints of the person in each box.

        Raises:
            ModelError: a benchmark has joints that MediaPipe has not.
        """
        return [self._answer(query) for query in queries]

    def _answer(self, query: Query) -> Prediction:
        numbers = _numbers(query.categories)
        photo = np.asarray(query.image.open_rgb())
        boxes = [region.box_xyxy for region in query.regions if region.box_xyxy is not None]
        crops = [widened(box, query.image.size_hw) for box in boxes] or [(0, 0, photo.shape[1], photo.shape[0])]
        found = [pose for crop in crops if (pose := self._pose(photo, crop, numbers)) is not None]
        return Prediction(query.sample_id, "ok", groups=(Group("person", "keypoint", tuple(found)),) if found else ())

    def _pose(self, photo: np.ndarray, crop: tuple[int, int, int, int], numbers: Sequence[int]) -> Instance | None:
        """The joints in a cut-out of a photo, uint8 [H, W, 3]; None where nobody is found."""
        left, top, right, bottom = crop
        landmarks = self._network.process(np.ascontiguousarray(photo[top:bottom, left:right])).pose_landmarks
        if landmarks is None:
            return None
        found = [landmarks.landmark[number] for number in numbers]
        joints = tuple(
            (left + each.x * (right - left), top + each.y * (bottom - top), float(each.visibility)) for each in found
        )
        return Instance(score=sum(score for *_, score in joints) / len(joints), keypoints=joints)


def widened(box: Box, size_hw: tuple[int, int]) -> tuple[int, int, int, int]:
    """A box with its margin, in whole pixels of the photo and at least one of them: left, top, right, bottom."""
    height, width = size_hw
    wide, high = MARGIN * (box[2] - box[0]), MARGIN * (box[3] - box[1])
    left, top = max(0, min(int(box[0] - wide), width - 1)), max(0, min(int(box[1] - high), height - 1))
    right, bottom = min(width, int(box[2] + wide)), min(height, int(box[3] + high))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _numbers(names: Sequence[str]) -> list[int]:
    """The landmarks of the joints that a benchmark names."""
    if foreign := [name for name in names if name not in LANDMARKS]:
        raise ModelError(f"MediaPipe has no joint called {foreign[0]}: it can answer tasks with COCO's joints")
    return [LANDMARKS[name] for name in names or LANDMARKS]


def load(options: LoadOptions) -> Pose:
    """Load the model; it runs on the CPU, whatever the options say.

    Raises:
        ModelError: MediaPipe is not installed.
    """
    try:
        import mediapipe
    except ImportError as error:
        raise ModelError(
            f"mediapipe-pose needs MediaPipe ({error}): install it as examples/mediapipe_pose/README.md says"
        ) from None
    return Pose(mediapipe)


MODELS = [
    ModelEntry(
        name="mediapipe-pose",
        kind="example",
        units=("keypoint",),
        load=load,
        description="MediaPipe Pose: the 17 joints of COCO of the person in each box",
        weights="inside the package mediapipe",
        licence="Apache-2.0",
        note="finds one person in a box at most; a photo without boxes is one box",
    )
]
