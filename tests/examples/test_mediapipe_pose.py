"""The example of a packaged model of others: with a stand-in for its package, and where it is installed, as it is."""

import json
import os
import re
import shlex
import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from runpy import run_path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Query, Region
from tasks.base import LoadOptions
from tasks.models import registry

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "mediapipe_pose"
README = (FOLDER / "README.md").read_text("utf-8")
PHOTOS = Path(os.environ.get("REFBENCH_SHARED", ROOT / "../shared")).resolve() / "data" / "coco_keypoints_mini"
KEYS = ("ap", "ap50", "ap75", "ap_medium", "ap_large", "ar", "ar50", "ar75", "ar_medium", "ar_large")
"""In the order of pycocotools."""
WORDS = shlex.split(re.search(r"^refbench (eval .*)$", README, re.MULTILINE).group(1))
WORDS[WORDS.index("--include") + 1] = str(FOLDER)


class StandIn:
    """In place of MediaPipe's pose: landmark k lies k hundredths into the picture; nobody is in one without colour."""

    def __init__(self, **settings):
        assert settings["static_image_mode"]

    def process(self, crop):
        assert crop.dtype == np.uint8 and crop.flags.c_contiguous
        landmarks = [SimpleNamespace(x=k / 100, y=k / 50, visibility=0.5 + k / 100) for k in range(33)]
        return SimpleNamespace(pose_landmarks=SimpleNamespace(landmark=landmarks) if crop.any() else None)


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """A package with the stand-in and some weights."""
    for name in ("pose_detection/pose_detection.tflite", "pose_landmark/pose_landmark_full.tflite"):
        (path := tmp_path / "package" / "modules" / name).parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    package = ModuleType("mediapipe")
    package.__file__ = str(tmp_path / "package" / "__init__.py")
    package.solutions = SimpleNamespace(pose=SimpleNamespace(Pose=StandIn))
    monkeypatch.setitem(sys.modules, "mediapipe", package)


def official(monkeypatch, folder):
    """The ten numbers of pycocotools, by the program of the README, run in a folder that holds data and runs."""
    monkeypatch.chdir(folder)
    [program] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    Path("program.py").write_text(program)
    with redirect_stdout(StringIO()):
        return run_path("program.py")["official"].stats


def query(photo, *boxes, categories=("nose", "right_ankle")):
    """Ask for the joints of people in boxes."""
    regions = tuple(Region("box", box_xyxy=box) for box in boxes)
    return Query("q", ImageRef(photo, (40, 80)), "person", "", "keypoint", regions, categories)


@pytest.fixture
def photo(tmp_path):
    """80 x 40 pixels; the left half is black."""
    from PIL import Image

    pixels = np.zeros((40, 80, 3), np.uint8)
    pixels[:, 40:] = 200
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_joints_come_back_in_pixels_of_the_photo_with_the_widened_box_cut_at_its_edges(stand_in, photo):
    model = registry.find("mediapipe-pose", FOLDER).load(LoadOptions())
    [answer] = model.predict([query(photo, (50.0, 8.0, 70.0, 28.0), (0.0, 0.0, 20.0, 20.0))])
    [group] = answer.groups  # the second box is black: nobody is there
    [pose] = group.instances
    # 20 x 20 grows by 5 on each side to (45, 3, 75, 33); nose is landmark 0, the right ankle 28
    assert pose.keypoints == (pytest.approx((45, 3, 0.5)), pytest.approx((45 + 0.28 * 30, 3 + 0.56 * 30, 0.78)))
    assert pose.score == pytest.approx((0.5 + 0.78) / 2)
    [cut] = model.predict([query(photo, (60.0, 20.0, 80.0, 40.0))])[0].groups[0].instances
    assert cut.keypoints[1] == pytest.approx((55 + 0.28 * 25, 15 + 0.56 * 25, 0.78))


def test_without_a_box_the_whole_photo_is_asked_and_nobody_found_is_an_answer(stand_in, photo):
    model = registry.find("mediapipe-pose", FOLDER).load(LoadOptions())
    whole, nobody = model.predict([query(photo), query(photo, (0.0, 0.0, 20.0, 20.0))])
    assert whole.groups[0].instances[0].keypoints[1][:2] == pytest.approx((0.28 * 80, 0.56 * 40))
    assert (nobody.status, nobody.groups) == ("ok", ())


def test_joints_of_another_benchmark_are_refused(stand_in, photo):
    model = registry.find("mediapipe-pose", FOLDER).load(LoadOptions())
    with pytest.raises(ModelError, match="no joint called pelvis"):
        model.predict([query(photo, categories=("nose", "pelvis"))])


def test_the_fingerprint_is_of_the_weights(stand_in):
    model = registry.find("mediapipe-pose", FOLDER).load(LoadOptions())
    before = model.fingerprint()
    assert before == model.fingerprint()
    [weights] = Path(sys.modules["mediapipe"].__file__).parent.rglob("*_full.tflite")
    weights.write_bytes(b"others")
    assert model.fingerprint() != before


def test_the_command_of_the_readme_runs_and_its_numbers_are_those_of_pycocotools(
    stand_in, refbench, unmarked_world, monkeypatch
):
    Path("data").symlink_to(unmarked_world)
    [row] = refbench(*WORDS, "--json").json["rows"]
    assert (row["model"], row["failed"]) == ("mediapipe-pose", 0)
    stats = official(monkeypatch, Path.cwd())
    own = [row["metrics"][key] for key in KEYS]
    # where nobody is of a size, pycocotools says -1 and refbench nothing
    assert [-1 if score is None else score for score in own] == pytest.approx(list(stats), abs=1e-12)


def test_without_the_package_the_user_is_told_where_to_look(refbench, unmarked_world, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)  # as if it were not installed
    Path("data").symlink_to(unmarked_world)
    outcome = refbench(*WORDS)
    assert outcome.code == 2
    assert "examples/mediapipe_pose/README.md" in outcome.err


@pytest.mark.slow
@pytest.mark.skipif(find_spec("mediapipe") is None, reason="needs the packages of examples/mediapipe_pose")
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="needs the photos of coco_keypoints_mini")
@pytest.mark.filterwarnings("ignore")  # of packages that are not ours
def test_on_real_photos_the_figures_are_those_that_others_measured(refbench, monkeypatch):
    (coco := Path("data/coco")).mkdir(parents=True)
    (coco / "val2017").symlink_to(PHOTOS / "train2017")
    (coco / "annotations").mkdir()
    truth = PHOTOS / "annotations" / "person_keypoints_train2017.json"
    (coco / "annotations" / "person_keypoints_val2017.json").symlink_to(truth)
    [row] = refbench(*WORDS, "--json").json["rows"]
    stats = official(monkeypatch, Path.cwd())
    assert [row["metrics"][key] for key in KEYS] == pytest.approx(list(stats), abs=1e-12)
    published = json.loads((PHOTOS.parent / "real_predictions" / "expected_stats.json").read_text("utf-8"))
    expected = published["mediapipe_pose_coco_keypoints_mini.json"]["stats"].values()
    # the published file holds rounded joints, which moves no pose of these photos over a threshold
    assert list(stats) == pytest.approx(list(expected), abs=5e-7)
