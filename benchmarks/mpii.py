"""MPII human pose, the validation split of Tompson et al., in the layout of HRNet (and that of mmpose).

    <root>/mpii/annot/valid.json, gt_valid.mat                (or mpii/annotations/mpii_val.json, mpii_gt_val.mat)
    <root>/mpii/images/<9 digits>.jpg

The JSON is a list of people: image, center (x, y), scale (height in 200 px), joints [16, 2], joints_vis [16]. The MAT
file is what figures are computed from: jnt_missing [16, N], pos_gt_src [16, 2, N], headboxes_src [2, 2, N], its columns
in the order of the JSON. Both count pixels from 1; the truth keeps that, regions count from 0.

One sample per person, in the order of the files. The visual prompt is a box: the square that top-down methods crop,
centre (x, y + 15 scale) and side 250 scale, cut at the image's border. It comes from the annotated centre and scale, as
in published figures. Joints that are missing are not compared, head size is 0.6 times the head box's diagonal.

Counts: 2,958 people in 2,729 photos (issue 145 of open-mmlab/mmpose; issue 34 of leoxiaobin/deep-high-resolution-net).
The release of MPII itself (mpii_human_pose_v1_u12_1.mat) has no validation split and is not read.
"""

import hashlib
import io
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from benchmarks.errors import DataError, unknown
from benchmarks.files import list_names, plain_name, read_bytes, read_json
from benchmarks.photos import folder_of, sized
from benchmarks.schema import Benchmark, Box, Origin, Region, Sample, Split, Truth

if TYPE_CHECKING:  # listing benchmarks must not wait for numpy
    import numpy as np

NAME, SPLIT, PUBLISHED = "mpii/pose", "val", 2_958
LAYOUTS = (
    ("mpii/annot/valid.json", "mpii/annot/gt_valid.mat"),
    ("mpii/annotations/mpii_val.json", "mpii/annotations/mpii_gt_val.mat"),
)
PHOTOS = ("mpii/images",)
PUBLISHER = "MPII Human Pose (human-pose.mpi-inf.mpg.de)"
JOINTS = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax", "upper_neck",
    "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
)  # fmt: skip
"""The order of the joints, in annotations and in answers."""
SHORT = (
    "rank", "rkne", "rhip", "lhip", "lkne", "lank", "pelv", "thor", "neck", "head", "rwri", "relb", "rsho", "lsho",
    "lelb", "lwri",
)  # fmt: skip
"""How the MAT file names them in `dataset_joints`."""
HEAD_SHARE = 0.6
CROP_PX, SHIFT_PX = 250.0, 15.0
"""Side of the crop and shift of its centre downwards, for scale 1."""
_SAME_PX = 1.0
_BROKEN_MAT = (
    ArithmeticError, AttributeError, BufferError, EOFError, LookupError, MemoryError, NotImplementedError, OSError,
    TypeError, ValueError, struct.error, zlib.error,
)  # fmt: skip
"""What scipy raises at damaged files."""


@dataclass(frozen=True, slots=True)
class PoseTarget(Truth):
    """The joints of one person.

    Attributes:
        joints_xy: of each of JOINTS in pixels, counted from 1.
        visible: whether each is annotated, hidden ones too.
        head_px: head size in pixels.
    """

    joints_xy: tuple[tuple[float, float], ...]
    visible: tuple[bool, ...]
    head_px: float


@dataclass(frozen=True, slots=True)
class _Person:
    """One record of the JSON file."""

    photo: str
    center: tuple[float, float]
    scale: float
    joints: Sequence[Sequence[float]]
    visible: Sequence[int]


def open_split(root: Path, split: str, origin: Origin) -> Split:
    """Open the split val.

    Raises:
        DataError: files or photos are missing, a record is broken, or the two files do not belong together.
        UnknownName: no such split.
    """
    if split != SPLIT:
        raise unknown(f"split of {NAME}", split, [SPLIT])
    json_path, mat_path = _paths(root)
    people = _people(json_path)
    targets = _targets(mat_path, len(people), json_path)
    for place, (person, target) in enumerate(zip(people, targets, strict=True)):
        _compare(person, target, f"{mat_path}: person {place}", json_path)
    photos = sized(root, PHOTOS, (person.photo for person in people), PUBLISHER)
    samples = tuple(
        Sample(
            id=f"{NAME}/{split}/person-{place}",
            image=photos[person.photo],
            image_id=Path(person.photo).stem,
            question="person",
            target=target,
            regions=(Region("box", box_xyxy=_crop(person, photos[person.photo].size_hw, f"{json_path}[{place}]")),),
            categories=JOINTS,
        )
        for place, (person, target) in enumerate(zip(people, targets, strict=True))
    )
    return Split(
        benchmark=NAME,
        name=split,
        origin=origin,
        expected=PUBLISHED if origin == "official" else None,
        fingerprint=hashlib.sha256(
            repr([(s.id, s.image_id, s.target, s.regions) for s in samples]).encode()
        ).hexdigest(),
        samples=samples,
    )


def found(root: Path) -> dict[str, int]:
    """Count the people.

    Raises:
        DataError: the JSON file is missing or broken.
    """
    return {SPLIT: len(_people(_paths(root)[0]))}


def files(root: Path) -> tuple[Path, ...]:
    """Files and folders of the benchmark, in reading order."""
    paths = next((each for each in LAYOUTS if (root / each[0]).is_file()), LAYOUTS[0])
    return (*(root / each for each in paths), folder_of(root, PHOTOS) or root / PHOTOS[0])


def _paths(root: Path) -> tuple[Path, Path]:
    for json_name, mat_name in LAYOUTS:
        if (root / json_name).is_file():
            return root / json_name, root / mat_name
    folder = root / "mpii"
    here = f"holds {', '.join(sorted(list_names(folder))[:8]) or 'nothing'}" if folder.is_dir() else "is missing"
    raise DataError(f"{folder} {here}: put annot/valid.json and annot/gt_valid.mat of HRNet's MPII data there")


def _people(path: Path) -> list[_Person]:
    content = read_json(path)
    if not isinstance(content, list) or not content:
        raise DataError(f"{path} must be a list of people: fetch HRNet's valid.json again")
    return [_person(record, f"{path}[{place}]") for place, record in enumerate(content)]


def _person(record: Any, at: str) -> _Person:
    fields: Mapping[str, Any] = record if isinstance(record, dict) else {}
    photo = plain_name(fields.get("image"), at)
    center, scale, joints, seen = (fields.get(key) for key in ("center", "scale", "joints", "joints_vis"))
    if not _are_numbers(center, 2) or not _are_numbers([scale], 1) or not 0 < cast(float, scale) < 1e3:
        raise DataError(f"{at} needs center (x, y) and a scale above 0: fetch the file again")
    if not isinstance(joints, list) or len(joints) != len(JOINTS) or not all(_are_numbers(each, 2) for each in joints):
        count = len(joints) if isinstance(joints, list) else "no"
        raise DataError(f"{at} has {count} joints, not x and y of {len(JOINTS)}: fetch the file again")
    if not _are_numbers(seen, len(JOINTS)) or not set(cast(list[Any], seen)) <= {0, 1}:
        raise DataError(f"{at}: joints_vis must be 0 or 1 for each of {len(JOINTS)} joints: fetch the file again")
    x, y = cast(list[float], center)
    return _Person(photo, (x, y), cast(float, scale), joints, cast(list[int], seen))


def _are_numbers(values: Any, count: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    )


def _targets(path: Path, people: int, json_path: Path) -> list[PoseTarget]:
    import numpy as np

    content = load_mat(read_bytes(path), path, ("jnt_missing", "pos_gt_src", "headboxes_src", "dataset_joints"))
    missing, joints, heads = (content[key] for key in ("jnt_missing", "pos_gt_src", "headboxes_src"))
    shapes = {"jnt_missing": (16, people), "pos_gt_src": (16, 2, people), "headboxes_src": (2, 2, people)}
    for key, shape in shapes.items():
        array = content[key]
        if array.shape != shape or array.dtype.kind not in "iufb" or not np.isfinite(array).all():
            raise DataError(
                f"{path}: {key} is {array.dtype} {array.shape}, not finite numbers {shape} for the people of "
                f"{json_path.name}: fetch both files of one release"
            )
    order = tuple(str(np.ravel(each)[0]) for each in content["dataset_joints"].ravel())
    if order != SHORT:
        raise DataError(f"{path}: dataset_joints is {', '.join(order)}, not MPII's order of joints: fetch it again")
    head_px = HEAD_SHARE * np.linalg.norm(heads[1] - heads[0], axis=0)
    return [
        PoseTarget(
            tuple((x, y) for x, y in joints[:, :, place].tolist()),
            tuple((missing[:, place] == 0).tolist()),
            float(head_px[place]),
        )
        for place in range(people)
    ]


def load_mat(data: bytes, path: Path, wanted: Sequence[str]) -> "dict[str, np.ndarray]":
    """Read some arrays of a MAT file (version 5, as scipy writes).

    Raises:
        DataError: it cannot be read or lacks one.
    """
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    stream: Any = io.BytesIO(data)  # scipy reads streams, its stubs say otherwise
    try:
        content: dict[str, np.ndarray] = loadmat(stream, variable_names=list(wanted))
    except (*_BROKEN_MAT, MatReadError) as error:
        raise DataError(f"{path} is no MAT file that can be read ({error}): fetch it again") from None
    if absent := [key for key in wanted if key not in content]:
        raise DataError(f"{path} has no {', '.join(absent)}: write or fetch it again")
    return content


def _compare(person: _Person, target: PoseTarget, at: str, json_path: Path) -> None:
    """Refuse files whose people come in another order: not one joint would be in the same place."""
    both = [
        max(abs(a - b) for a, b in zip(mine, true, strict=True)) <= _SAME_PX
        for mine, true, seen, visible in zip(
            person.joints, target.joints_xy, person.visible, target.visible, strict=True
        )
        if seen and visible
    ]
    if both and not any(both):
        raise DataError(f"{at} is another one than in {json_path.name}: fetch both files of one release")


def _crop(person: _Person, size_hw: tuple[int, int], at: str) -> Box:
    x, y = person.center[0] - 1, person.center[1] + SHIFT_PX * person.scale - 1
    half, (height, width) = CROP_PX * person.scale / 2, size_hw
    box = (max(x - half, 0.0), max(y - half, 0.0), min(x + half, float(width)), min(y + half, float(height)))
    if box[0] >= box[2] or box[1] >= box[3]:
        raise DataError(f"{at}: centre {person.center} lies outside the {width}x{height} photo: fetch the file again")
    return box


BENCHMARKS = [
    Benchmark(
        name=NAME,
        splits={SPLIT: PUBLISHED},
        open=open_split,
        files=files,
        card="Andriluka et al., 2D Human Pose Estimation: New Benchmark and State of the Art Analysis, CVPR 2014; "
        "validation split of Tompson et al., CVPR 2015, arXiv:1411.4280. Licence: Simplified BSD (annotations); photos "
        "are frames of videos of their owners.",
        found=found,
        where=f"{PUBLISHER} (photos); annot of github.com/leoxiaobin/deep-high-resolution-net.pytorch (mpii data)",
    )
]
