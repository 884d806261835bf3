"""Panoptic files: every way to break the format gets one clear line, and what is missing counts."""

import json

import numpy as np
import pytest
from PIL import Image

from metrics.errors import DataError
from metrics.panoptic_files import score

SEGMENT = {"id": 5, "category_id": 1, "area": 4, "iscrowd": 0}
CATEGORIES = [{"id": 1, "name": "cat", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]


def write(folder, name, segments=(SEGMENT,), images=(1,), **changes):
    """Write one file in which every image is 2 x 2 pixels of segment 5."""
    (folder / name).mkdir()
    entries = []
    for image in images:
        Image.fromarray(np.full((2, 2, 3), (5, 0, 0), np.uint8)).save(folder / name / f"{image}.png")
        entries.append({"image_id": image, "file_name": f"{image}.png", "segments_info": list(segments)})
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"annotations": entries, "categories": CATEGORIES, **changes}))
    return path


@pytest.fixture
def truth(tmp_path):
    return write(tmp_path, "gt", images=(1, 2))


def test_an_image_without_prediction_is_counted_and_missed(truth, tmp_path):
    report = score(truth, write(tmp_path, "pred", images=(1, 99)), {})
    assert (report.n, report.missing) == (2, 1)
    assert report.metrics["pq"] == pytest.approx(1 / 1.5)
    assert report.metrics["pq_stuff"] is None
    assert report.per_class["cat"]["fn"] == 1
    assert report.per_class["sky"]["pq"] == 0.0
    assert "1 predicted images are not in gt.json (first: 99)" in " ".join(report.notes)


def test_folders_can_be_named(truth, tmp_path):
    answer = write(tmp_path, "pred", images=(1, 2))
    (tmp_path / "pred").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="is not a folder"):
        score(truth, answer, {})
    assert score(truth, answer, {"pred_folder": str(tmp_path / "elsewhere")}).metrics["pq"] == 1.0


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"annotations": {}}, "no list 'annotations'"),
        ({"annotations": [{"image_id": 1}]}, r"annotations\[0\] needs image_id, file_name and segments_info"),
        ({"segments": [{"id": 5}]}, "image 1: a segment has category_id None"),
        ({"segments": [{"id": "5", "category_id": 1}]}, "image 1: a segment has id '5'"),
        ({"segments": ["5"]}, "image 1: a segment has id None"),
        ({"segments": [{"id": 5, "category_id": 9}]}, "image 1: segment 5 has category_id 9"),
        ({"segments": []}, "image 1: segment 5 is in the PNG but not in segments_info"),
        ({"images": (1, 1)}, "image 1 has two entries"),
    ],
)
def test_broken_predictions_are_named(truth, tmp_path, changes, text):
    with pytest.raises(DataError, match=text) as caught:
        score(truth, write(tmp_path, "pred", **changes), {})
    assert "pred.json" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"categories": []}, "has no categories"),
        ({"categories": [{"id": 1}]}, r"categories\[0\] needs id and isthing"),
        ({"categories": CATEGORIES + CATEGORIES}, "category id 1 is listed twice"),
        ({"segments": [{"id": 5, "category_id": 1, "iscrowd": 0}]}, "a segment has area None"),
        ({"annotations": []}, "lists no image"),
    ],
)
def test_broken_targets_are_named(tmp_path, changes, text):
    answer = write(tmp_path, "pred")
    with pytest.raises(DataError, match=text):
        score(write(tmp_path, "gt", **changes), answer, {})


def test_empty_and_absent_files_are_named(truth, tmp_path):
    (tmp_path / "empty.json").write_text("")
    with pytest.raises(DataError, match=r"empty\.json is empty"):
        score(truth, tmp_path / "empty.json", {})
    with pytest.raises(DataError, match=r"absent\.json is missing"):
        score(truth, tmp_path / "absent.json", {})
    answer = write(tmp_path, "pred", images=(1, 2))
    (tmp_path / "pred/2.png").unlink()
    with pytest.raises(DataError, match=r"2\.png is missing"):
        score(truth, answer, {})
    with pytest.raises(DataError, match="option workers=two is not a whole number"):
        score(truth, answer, {"workers": "two"})
