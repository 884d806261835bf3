"""People of the sample world in both formats: hidden joints, backs, small people, and the same bytes every time."""

import io
import json

import numpy as np
import pytest
from pycocotools.coco import COCO
from scipy.io import loadmat

from benchmarks.mpii import JOINTS as MPII_JOINTS
from benchmarks.world.figure import JOINTS
from benchmarks.world.mpii import write_mpii
from benchmarks.world.poses import LABELLED_FROM, write_coco_poses

SCENES = {"val": 10, "test": 100}
FILE = "coco/annotations/person_keypoints_val2017.json"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("people")
    write_coco_poses(root, 0, SCENES)
    write_mpii(root, 0, SCENES)
    return root


@pytest.fixture(scope="module")
def people(world):
    return json.loads((world / FILE).read_text())["annotations"]


def joints_of(person):
    return np.array(person["keypoints"]).reshape(17, 3)


def test_every_kind_of_visibility_occurs(people):
    flags = [set(joints_of(person)[:, 2]) for person in people]
    assert any(1 in each for each in flags)
    backs = [person for person in people if person["num_keypoints"] == 14]
    assert backs
    for person in backs:
        assert not joints_of(person)[:3].any()  # nose and eyes: not labelled, at 0, 0
    small = [person for person in people if person["area"] < LABELLED_FROM]
    assert small
    assert {person["num_keypoints"] for person in small} == {0}
    assert not any(any(person["keypoints"]) for person in small)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools with NumPy 2
def test_visible_joints_lie_on_the_person_as_coco_asks(world, people, capsys):
    truth = COCO(str(world / FILE))
    capsys.readouterr()
    for person in people:
        mask = truth.annToMask(person)
        for x, y, seen in joints_of(person)[joints_of(person)[:, 2] == 2]:
            column, row = (int(np.clip(round(value), 0, 127)) for value in (x, y))
            assert mask[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].any(), seen


def test_both_formats_hold_the_same_joints_counted_from_0_and_from_1(world, people):
    records = json.loads((world / "mpii" / "annot" / "valid.json").read_text())
    assert len(records) == len(people)
    shared = sorted(set(JOINTS) & set(MPII_JOINTS))
    assert len(shared) == 12
    for record, person in zip(records, people, strict=True):
        if person["num_keypoints"]:
            for name in shared:
                x, y, seen = joints_of(person)[JOINTS.index(name)]
                place = MPII_JOINTS.index(name)
                assert record["joints_vis"][place] == (seen == 2)
                assert record["joints"][place] == pytest.approx([x + 1, y + 1] if seen == 2 else [0, 0])
    assert any(0 in record["joints_vis"] for record in records)


def test_heads_lie_above_the_shoulders_and_have_a_size(world):
    truth = loadmat(world / "mpii" / "annot" / "gt_valid.mat")
    low, high = truth["headboxes_src"]
    assert (high > low).all()
    top, thorax = (MPII_JOINTS.index(name) for name in ("head_top", "thorax"))
    assert (truth["pos_gt_src"][top, 1] < truth["pos_gt_src"][thorax, 1]).all()
    assert truth["jnt_missing"].dtype == np.uint8


def test_the_same_world_gives_the_same_bytes(world, tmp_path):
    write_coco_poses(tmp_path, 0, SCENES)
    write_mpii(tmp_path, 0, SCENES)
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    assert written == sorted(path.relative_to(world) for path in world.rglob("*") if path.is_file())
    assert all((tmp_path / name).read_bytes() == (world / name).read_bytes() for name in written)
    assert loadmat(io.BytesIO((tmp_path / "mpii/annot/gt_valid.mat").read_bytes()))["dataset_joints"].shape == (1, 16)


def test_a_world_without_test_scenes_has_no_people(tmp_path):
    write_coco_poses(tmp_path, 0, {"val": 3})
    write_mpii(tmp_path, 0, {"val": 3})
    assert not list(tmp_path.iterdir())
