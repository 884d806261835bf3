"""Bad COCO files: each is refused in one line that names the file and the record, or counted where the card says so."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics.coco_files import read_truth
from metrics.detection import SCORERS as DETECTION
from metrics.errors import DataError
from metrics.keypoints import SCORERS as KEYPOINTS
from metrics.lvis import SCORERS as LVIS

SCORE = {scorer.name: scorer.score for scorer in (*DETECTION, *KEYPOINTS, *LVIS)}
SQUARE = [[0, 0, 10, 0, 10, 10, 0, 10]]
ANNOTATION = {
    "id": 5, "image_id": 1, "category_id": 2, "bbox": [0, 0, 10, 10], "area": 100, "iscrowd": 0, "segmentation": SQUARE,
    "keypoints": [1, 1, 2] * 17, "num_keypoints": 17,
}  # fmt: skip
RESULT = {
    "image_id": 1, "category_id": 2, "score": 0.5, "bbox": [0, 0, 10, 10], "segmentation": SQUARE,
    "keypoints": [1, 1, 2] * 17,
}  # fmt: skip
GT = {
    "images": [{"id": 1, "height": 20, "width": 20}],
    "categories": [{"id": 2, "name": "cat"}],
    "annotations": [ANNOTATION],
}


def run(kind, truth, results, **options):
    """Score two contents: bytes are written as they are, anything else as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        paths = Path(folder, "gt.json"), Path(folder, "dt.json")
        for path, content in zip(paths, (truth, results), strict=True):
            path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return SCORE[kind](*paths, options)


def annotated(**change):
    row = {key: value for key, value in {**ANNOTATION, **change}.items() if value is not ...}
    return {**GT, "annotations": [row]}


def answered(**change):
    return [{key: value for key, value in {**RESULT, **change}.items() if value is not ...}]


RLE = {"size": [20, 20], "counts": [0, 400]}
TRUTHS = [
    ("bbox", b"", r"gt\.json is empty"),
    ("bbox", b"  \n", r"gt\.json is empty"),
    ("bbox", b'{"images":\n [}', r"gt\.json:2: not JSON"),
    ("bbox", b"\xff\xfe{", r"gt\.json (is not UTF-8|:1: not JSON)"),
    ("bbox", b"[" * 100_000, r"gt\.json is nested too deeply"),
    ("bbox", [], r'gt\.json has no list "images"'),
    ("bbox", {**GT, "annotations": {}}, r'gt\.json has no list "annotations"'),
    ("bbox", {**GT, "images": []}, r"gt\.json lists no images"),
    ("bbox", {**GT, "images": [7]}, r"entry 0 of images is no JSON object"),
    ("bbox", {**GT, "images": GT["images"] * 2}, r"image id 1 is used twice"),
    ("bbox", {**GT, "images": [{"id": 1}, {"id": "a"}]}, r"some image ids are texts"),
    ("bbox", {**GT, "categories": GT["categories"] * 2}, r"category id 2 is used twice"),
    ("bbox", {**GT, "annotations": [ANNOTATION] * 2}, r"annotation id 5 is used twice"),
    ("bbox", annotated(id=...), r'annotation 0 of the list has no "id"'),
    ("bbox", annotated(id=1.5), r"annotation id 1.5 is neither an integer nor a text"),
    ("bbox", annotated(id=None), r"annotation id None is neither"),
    ("bbox", annotated(image_id=8), r"annotation 5 names 8, an image_id that no image has"),
    ("bbox", annotated(image_id=[1]), r"annotation 5 names \[1\]"),
    ("bbox", annotated(category_id=8), r"annotation 5 names 8, a category_id that no category has"),
    ("bbox", annotated(area=...), r'annotation 5 has no "area"'),
    ("bbox", annotated(area=-1), r"annotation 5: area is negative"),
    ("bbox", annotated(area=float("nan")), r"annotation 5: area is nan but must be finite"),
    ("bbox", annotated(area="100"), r"annotation 5: area is '100' but must be a number"),
    ("bbox", annotated(area=True), r"annotation 5: area is True"),
    ("bbox", annotated(iscrowd=2), r"annotation 5: iscrowd is 2 but must be 0 or 1"),
    ("bbox", annotated(bbox=...), r'annotation 5 has no "bbox"'),
    ("bbox", annotated(bbox=[0, 0, -1, 5]), r"annotation 5: bbox has a negative side"),
    ("bbox", annotated(bbox=[0, 0, 1]), r"annotation 5: bbox is \[0, 0, 1\] but must be a list of 4 numbers"),
    ("bbox", annotated(bbox=[0, 0, 1, float("inf")]), r"must be finite"),
    ("segm", {**GT, "images": [{"id": 1}]}, r"image 1 has no positive integer height and width"),
    ("segm", annotated(segmentation=...), r'annotation 5 has no "segmentation"'),
    ("segm", annotated(segmentation=[]), r"annotation 5: its polygon must be"),
    ("segm", annotated(segmentation=[[0, 0, 5, 5]]), r"annotation 5: its polygon must be"),
    ("segm", annotated(segmentation=[[0, 0, 5, 5, 5, float("nan")]]), r"annotation 5: its polygon must be"),
    ("segm", annotated(segmentation=[[0, 0, 1e9, 5, 5, 5]]), r"annotation 5: its polygon must be"),
    ("segm", annotated(segmentation="0 0 5 5"), r"annotation 5: its segmentation is neither polygons nor"),
    ("segm", annotated(segmentation={"size": [20, 20]}), r"annotation 5: its segmentation is neither"),
    ("segm", annotated(segmentation={**RLE, "counts": [0, 399]}), r"runs of its mask do not cover 20 x 20"),
    ("segm", annotated(segmentation={**RLE, "counts": [-1, 401]}), r"annotation 5: its segmentation is neither"),
    ("segm", annotated(segmentation={"size": [10, 10], "counts": [0, 100]}), r"annotation 5 has size \[10, 10\]"),
    ("keypoints", annotated(keypoints=...), r'annotation 5 has no "keypoints"'),
    ("keypoints", annotated(keypoints=[1, 1]), r"annotation 5: keypoints is"),
    ("keypoints", annotated(num_keypoints=...), r'annotation 5 has no "num_keypoints"'),
]
RESULTS = [
    ("bbox", b"", r"dt\.json is empty"),
    ("bbox", {"annotations": []}, r"dt\.json must be a JSON array of results, not dict"),
    ("bbox", [3], r"dt\.json: entry 0 of the results is no JSON object"),
    ("bbox", answered(image_id=8), r"dt\.json: result 0 \(image_id 8\) names 8, an image_id that .*gt\.json lacks"),
    ("bbox", answered(image_id="1"), r"names '1', an image_id"),
    ("bbox", answered(image_id=...), r'has no "image_id"'),
    ("bbox", answered(category_id=...), r'result 0 \(image_id 1\) has no "category_id"'),
    ("bbox", answered(score=...), r"has no score \(1 of 1 results\)"),
    ("bbox", answered(score=None), r"has no score"),
    ("bbox", answered(score=float("nan")), r"score is nan but must be finite"),
    ("bbox", answered(score="0.5"), r"score is '0.5' but must be a number"),
    ("bbox", answered(bbox=[0, 0, 1, float("nan")]), r"bbox is .* must be finite"),
    ("bbox", answered(bbox=[0, 0, 1]), r"bbox is \[0, 0, 1\]"),
    ("bbox", answered(bbox=..., segmentation=..., keypoints=...), r"result 0 has neither bbox, segmentation nor"),
    ("bbox", answered() + answered(bbox=...), r'result 1 \(image_id 1\) has no "bbox"'),
    ("segm", answered(segmentation=...), r'result 0 \(image_id 1\) has no "segmentation"'),
    ("segm", answered(segmentation={"size": [20, 20], "counts": "@@@"}), r"runs of its mask do not cover 20 x 20"),
    ("segm", answered(segmentation={"size": [20, 20], "counts": "\u2028"}), r"runs of its mask do not cover"),
    ("segm", answered(segmentation={"size": [20, 20], "counts": ""}), r"runs of its mask do not cover"),
    ("segm", answered(segmentation={"size": "big", "counts": "a"}), r"its segmentation is neither"),
    ("segm", answered(segmentation={"size": 3, "counts": "a"}), r"its segmentation is neither"),
    ("keypoints", answered(keypoints=...), r'has no "keypoints"'),
    ("keypoints", answered(keypoints=[1, 1, 2]), r"keypoints is \[1, 1, 2\] but must be a list of 51 numbers"),
]


@pytest.mark.parametrize(("kind", "truth", "message"), TRUTHS)
def test_broken_truth_is_named(kind, truth, message):
    with pytest.raises(DataError, match=message) as caught:
        run(kind, truth, answered())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("kind", "results", "message"), RESULTS)
def test_broken_results_are_named(kind, results, message):
    with pytest.raises(DataError, match=message) as caught:
        run(kind, GT, results)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"images": "9"}, "the targets have no image 9"),
        ({"categories": "9"}, "the targets have no category 9"),
        ({"images": ","}, "option images lists no id"),
        ({"id_zero": "never"}, "option id_zero=never is not one of official, fixed"),
        ({"score_source": "guess"}, "option score_source=guess"),
        ({"per_class": "maybe"}, "option per_class=maybe is not one of yes, no"),
        ({"max_dets": "1,10"}, "option max_dets=1,10 must be three different positive integers"),
        ({"max_dets": "1,10,x"}, "option max_dets"),
        ({"max_dets": "0,10,100"}, "option max_dets"),
    ],
)
def test_options_that_cannot_be_used_are_named(options, message):
    with pytest.raises(DataError, match=message):
        run("bbox", GT, answered(), **options)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"absent\.json is missing"):
        read_truth(tmp_path / "absent.json", "bbox")
    with pytest.raises(DataError, match="cannot be read"):
        read_truth(tmp_path, "bbox")


def test_sigmas_must_be_positive_numbers():
    with pytest.raises(DataError, match=r"option sigmas=0\.1,-1 must be positive"):
        run("keypoints", GT, answered(), sigmas="0.1,-1")


def test_every_kind_scores_good_files():
    for kind in ("bbox", "segm", "keypoints"):
        assert run(kind, GT, answered()).metrics["ap50"] == pytest.approx(1)


def test_ids_may_be_texts_and_names_may_repeat():
    truth = {
        "images": [{"id": "b"}, {"id": "a"}],
        "categories": [{"id": 2, "name": "cat"}, {"id": 4, "name": "cat"}, {"id": 6}],
        "annotations": [{**ANNOTATION, "image_id": "b"}],
    }
    report = run("bbox", truth, answered(image_id="b"))
    assert report.metrics["ap"] == pytest.approx(1)
    assert list(report.per_class) == ["cat (2)", "cat (4)", "6"]


def test_missing_crowd_flags_are_read_as_zero_and_told():
    report = run("bbox", annotated(iscrowd=...), answered())
    assert report.metrics["ap"] == pytest.approx(1)
    assert any("1 annotations have no iscrowd field" in note for note in report.notes)


def test_uncompressed_masks_and_polygons_are_scored_too():
    runs = {"size": [20, 20], "counts": [0, *[10, 10] * 9, 10, 210]}
    for segmentation in (SQUARE, runs):
        assert run("segm", GT, answered(bbox=..., segmentation=segmentation)).metrics["ap"] == pytest.approx(1)


json_value = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(["bbox", "segm", "keypoints", "lvis"]),
    where=st.sampled_from(["image", "category", "annotation", "result"]),
    key=st.sampled_from([*ANNOTATION, "score", "height", "neg_category_ids", "frequency", "name"]),
    value=json_value,
)
def test_any_value_anywhere_is_scored_or_refused_in_one_line(kind, where, key, value):
    image = {**GT["images"][0], "neg_category_ids": [], "not_exhaustive_category_ids": []}
    truth = {
        "images": [image], "categories": [{"id": 2, "name": "cat", "frequency": "r"}], "annotations": [ANNOTATION],
    }  # fmt: skip
    results = answered()
    row = {"image": image, "category": truth["categories"][0], "annotation": ANNOTATION, "result": results[0]}[where]
    changed = {**row, key: value}
    if where == "result":
        results = [changed]
    else:
        truth[{"image": "images", "category": "categories", "annotation": "annotations"}[where]] = [changed]
    try:
        report = run(kind, truth, results)
    except DataError as error:
        assert "\n" not in str(error)
    else:
        assert report.n == 1
