"""MPII: two official files that must belong together, one person a sample, prompted by the annotated square."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.io import savemat

from benchmarks.errors import DataError, UnknownName
from benchmarks.mpii import JOINTS, LAYOUTS, SHORT, load_mat
from benchmarks.registry import benchmark


def person(name="000000001.jpg", shift=0.0, missing=()):
    joints = [[0, 0] if k in missing else [20.0 + k + shift, 30.0 + 2 * k] for k in range(16)]
    return {"image": name, "center": [30.0 + shift, 45.0], "scale": 0.2, "joints": joints,
            "joints_vis": [int(k not in missing) for k in range(16)]}  # fmt: skip


def arrays(people):
    """What gt_valid.mat holds: its coordinates differ from the JSON's by rounding, as the official ones do."""
    joints = np.array([each["joints"] for each in people], dtype=float) + 1e-5
    heads = np.tile(np.array([[10.0, 10.0], [13.0, 14.0]])[:, :, None], (1, 1, len(people)))
    missing = 1 - np.array([each["joints_vis"] for each in people], dtype=np.uint8).T
    return {"jnt_missing": missing, "pos_gt_src": np.moveaxis(joints, 0, 2), "headboxes_src": heads,
            "dataset_joints": np.array([SHORT], dtype=object)}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """Write both files and the photos that people name; return the data root."""

    def run(people, mat=None, layout=LAYOUTS[0]):
        for name in layout:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / layout[0]).write_text(json.dumps(people))
        savemat(tmp_path / layout[1], arrays(people) if mat is None else mat)
        (tmp_path / "mpii" / "images").mkdir(exist_ok=True)
        for each in people if isinstance(people, list) else ():
            if isinstance(each, dict) and isinstance(each.get("image"), str) and "/" not in each["image"]:
                Image.new("RGB", (60, 50)).save(tmp_path / "mpii" / "images" / each["image"])
        return tmp_path

    return run


def opened(root):
    return benchmark("mpii/pose").open(root, "val", "official")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_person_is_a_sample_with_joints_and_head_size(write, layout):
    people = [person(), person(shift=5), person("000000002.jpg", missing=(0, 9))]
    split = opened(write(people, layout=layout))
    assert [sample.id for sample in split.samples] == [f"mpii/pose/val/person-{k}" for k in range(3)]
    assert [sample.image_id for sample in split.samples] == ["000000001", "000000001", "000000002"]
    target = split.samples[2].target
    assert target.joints_xy[2] == pytest.approx((22.00001, 34.00001))
    assert target.visible == (False, *(True,) * 8, False, *(True,) * 6)
    assert target.head_px == pytest.approx(0.6 * 5)
    assert (split.expected, split.complete, split.samples[0].categories) == (2_958, False, JOINTS)
    assert benchmark("mpii/pose").found(write(people)) == {"val": 3}


def test_the_prompt_is_the_square_that_top_down_methods_crop_cut_at_the_border(write):
    first, second = (sample.regions[0].box_xyxy for sample in opened(write([person(), person(shift=9)])).samples)
    # centre (30, 45), scale 0.2, counted from 1: centre (29, 47), half a side 25; the photo is 60 x 50
    assert first == (4.0, 22.0, 54.0, 50.0)
    assert second == (13.0, 22.0, 60.0, 50.0)


def test_a_second_start_gives_the_same_and_another_joint_another_fingerprint(write):
    first = opened(write([person()])).fingerprint
    assert opened(write([person()])).fingerprint == first
    assert opened(write([person(missing=(4,))])).fingerprint != first


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"joints": [[1, 2]] * 17}, r"valid\.json\[0\] has 17 joints, not x and y of 16"),
        ({"joints": [[1, 2, 3]] * 16}, r"has 16 joints, not x and y of 16"),
        ({"joints": None}, "has no joints"),
        ({"joints_vis": [1] * 15}, "joints_vis must be 0 or 1 for each of 16 joints"),
        ({"joints_vis": [2] * 16}, "joints_vis must be 0 or 1"),
        ({"center": [1]}, "needs center"),
        ({"scale": 0}, "a scale above 0"),
        ({"scale": None}, "a scale above 0"),
        ({"image": "../1.jpg"}, "must be a plain name without folders"),
        ({"center": [300, 45]}, r"centre \(300, 45\) lies outside the 60x50 photo"),
    ],
)
def test_broken_people_are_one_clear_error(write, changes, words):
    with pytest.raises(DataError, match=words):
        opened(write([{**person(), **changes}], mat=arrays([person()])))


@pytest.mark.parametrize("content", [{}, [], [4]])
def test_a_json_file_without_people_is_refused(write, content):
    with pytest.raises(DataError, match=r"must be a list of people|file name None must be a plain name"):
        opened(write(content, mat=arrays([person()])))


def broken(key, value):
    return {**arrays([person()]), key: value}


@pytest.mark.parametrize(
    ("mat", "words"),
    [
        (arrays([person(), person()]), r"jnt_missing is uint8 \(16, 2\), not finite numbers \(16, 1\)"),
        (broken("pos_gt_src", np.full((16, 2, 1), np.nan)), "pos_gt_src is float64"),
        (broken("headboxes_src", np.zeros((2, 1))), "headboxes_src is float64"),
        (
            broken("dataset_joints", np.array([SHORT[::-1]], dtype=object)),
            "dataset_joints is lwri, .* not MPII's order",
        ),
        ({"preds": np.zeros(3)}, "has no jnt_missing, pos_gt_src, headboxes_src, dataset_joints"),
    ],
)
def test_a_broken_mat_file_is_one_clear_error(write, mat, words):
    with pytest.raises(DataError, match=words):
        opened(write([person()], mat=mat))


def test_files_in_another_order_are_refused(write):
    people = [person(), person("000000002.jpg", shift=7)]
    with pytest.raises(DataError, match=r"person 0 is another one than in valid\.json"):
        opened(write(people, mat=arrays(people[::-1])))
    moved = copy.deepcopy(people)
    moved[0]["joints"][3] = [50.0, 50.0]
    assert len(opened(write(moved, mat=arrays(people))).samples) == 2  # one joint that differs is no other order


def test_missing_files_photos_and_splits_are_told(write, tmp_path):
    with pytest.raises(DataError, match="mpii is missing: put annot/valid"):
        benchmark("mpii/pose").found(tmp_path)
    root = write([person()])
    with pytest.raises(UnknownName, match="did you mean val"):
        benchmark("mpii/pose").open(root, "valid", "official")
    (root / "mpii" / "images" / "000000001.jpg").unlink()
    with pytest.raises(DataError, match="1 of 1 photos are missing"):
        opened(root)
    (root / LAYOUTS[0][1]).unlink()
    with pytest.raises(DataError, match=r"gt_valid\.mat is missing"):
        opened(root)
    (root / LAYOUTS[0][0]).unlink()
    with pytest.raises(DataError, match="holds annot, images: put annot/valid"):
        opened(root)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("mat") / "gt.mat"
    savemat(path, arrays([person()]))
    return path.read_bytes(), path


@settings(max_examples=60, deadline=None, derandomize=True)
@given(end=st.integers(0, 4000), place=st.integers(0, 4000), value=st.integers(0, 255))
def test_damage_to_a_mat_file_is_a_data_error_or_goes_unseen(whole, end, place, value):
    data, path = bytearray(whole[0]), whole[1]
    data[place % len(data)] = value
    for damaged in (bytes(data), whole[0][:end]):
        try:
            load_mat(damaged, path, ("pos_gt_src",))
        except DataError as error:
            assert str(path) in str(error)
