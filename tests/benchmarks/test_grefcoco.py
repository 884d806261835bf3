"""The gRefCOCO reader on a small fixture of the official form: targets, ids, counts, and what it refuses."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from benchmarks import grefcoco
from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

GREFS = benchmark("grefcoco/unc")
NAME = "COCO_train2014_000000000007.jpg"


def box_of(x, y, w, h):
    return {"bbox": [x, y, w, h], "segmentation": [[x, y, x + w, y, x + w, y + h, x, y + h]]}


def ref(ref_id, ann_id, sentences, split="val", **more):
    return {
        "ref_id": ref_id, "image_id": 7, "ann_id": ann_id, "category_id": [1], "split": split, "file_name": NAME,
        "sent_ids": list(sentences), "no_target": ann_id == [-1],
        "sentences": [{"sent_id": n, "sent": s, "raw": s, "tokens": s.split()} for n, s in sentences.items()],
        **more,
    }  # fmt: skip


@pytest.fixture
def grefs():
    """Six refs on one photo of 60x40 pixels: several, one, none, none in another form, without sentences, testA."""
    crowd = {"segmentation": {"size": [40, 60], "counts": [0, 2400]}, "bbox": [0, 0, 60, 40], "iscrowd": 1}
    return {
        "images": [{"id": 7, "file_name": NAME, "height": 40, "width": 60}, {"id": 9, "file_name": "other.jpg"}],
        "annotations": [
            {"id": 70, "image_id": 7, "iscrowd": 0, **box_of(10, 5, 20, 10)},
            {"id": 71, "image_id": 7, "iscrowd": 0, **box_of(25, 8, 10, 20)},
            {"id": 72, "image_id": 7, **crowd},
            {"id": 90, "image_id": 9, "iscrowd": 0, **box_of(1, 1, 5, 5)},
        ],
        "refs": [
            ref(5, [70, 71], {1: "both cats", 2: "the cats"}),
            ref(3, [71], {3: "right cat"}),
            ref(4, [-1], {4: "the dog"}),
            ref(8, [], {5: "a horse"}, no_target=True),
            ref(6, [99], {}),
            ref(9, 70, {6: "left cat"}, "testA"),
        ],
    }


@pytest.fixture
def write(tmp_path):
    """Write tables in the official layout with a grey photo; return the data root."""

    def run(tables):
        folder = tmp_path / "root" / "grefcoco"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "grefs(unc).json").write_text(json.dumps(tables["refs"]))
        instances = {key: tables[key] for key in ("images", "annotations")}
        (folder / "instances.json").write_text(json.dumps(instances))
        photos = tmp_path / "root" / "images" / "train2014"
        photos.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (60, 40)).save(photos / NAME)
        return tmp_path / "root"

    return run


def decode(rle):
    with pytest.warns(DeprecationWarning):  # pycocotools 2.0.11 and NumPy 2
        return coco_mask.decode(dict(rle)).astype(bool)


def test_samples_follow_the_file_with_ids_questions_and_numbers_of_targets(grefs, write):
    samples = GREFS.open(write(grefs), "val", "official").samples
    assert [(sample.id, sample.question, sample.tags) for sample in samples] == [
        ("grefcoco/unc/val/ref-5/sent-1", "both cats", {"targets": "many"}),
        ("grefcoco/unc/val/ref-5/sent-2", "the cats", {"targets": "many"}),
        ("grefcoco/unc/val/ref-3/sent-3", "right cat", {"targets": "one"}),
        ("grefcoco/unc/val/ref-4/sent-4", "the dog", {"targets": "none"}),
        ("grefcoco/unc/val/ref-8/sent-5", "a horse", {"targets": "none"}),
    ]
    assert [grefcoco.has_target(sample) for sample in samples] == [True, True, True, False, False]
    assert {(sample.image_id, sample.image.path.name, sample.image.size_hw) for sample in samples} == {
        ("7", NAME, (40, 60))
    }


def test_the_target_is_the_union_with_the_box_around_it(grefs, write):
    both, _, right, dog, _ = (sample.target for sample in GREFS.open(write(grefs), "val", "official").samples)
    drawn = np.zeros((40, 60), bool)
    drawn[8:28, 25:35] = True
    assert np.array_equal(decode(right.mask_rle), drawn)
    drawn[5:15, 10:30] = True
    assert np.array_equal(decode(both.mask_rle), drawn)
    assert (both.box_xyxy, right.box_xyxy) == ((10, 5, 35, 28), (25, 8, 35, 28))
    assert (dog.box_xyxy, dog.mask_rle["size"]) == ((0, 0, 0, 0), [40, 60])
    assert not decode(dog.mask_rle).any()


def test_an_annotation_that_is_no_list_is_one_target(grefs, write):
    [sample] = GREFS.open(write(grefs), "testA", "official").samples
    assert (sample.tags["targets"], sample.target.box_xyxy) == ("one", (10, 5, 30, 15))


def test_crowds_are_left_out_of_the_union_but_counted_as_meant(grefs, write):
    grefs["refs"][1]["ann_id"] = [71, 72]
    sample = GREFS.open(write(grefs), "val", "official").samples[2]
    assert (sample.tags["targets"], sample.target.box_xyxy) == ("many", (25, 8, 35, 28))


def test_counts_and_what_is_published(grefs, write):
    root = write(grefs)
    assert GREFS.found(root) == {"testA": 1, "val": 5}
    assert GREFS.splits == {"testA": 19_200, "testB": 16_063}
    assert GREFS.open(root, "testA", "official").expected == 19_200
    assert GREFS.open(root, "testA", "sample").expected is None
    assert GREFS.open(root, "val", "official").expected is None
    assert all(path.exists() for path in GREFS.files(root))


def test_a_second_start_comes_from_the_cache_and_is_the_same(grefs, write, monkeypatch):
    root = write(grefs)
    first = GREFS.open(root, "val", "official")
    monkeypatch.setattr(grefcoco, "parse_json", lambda data, path: pytest.fail("parsed again"))
    assert GREFS.open(root, "val", "official") == first


def test_the_fingerprint_changes_with_what_is_meant(grefs, write):
    before = GREFS.open(write(grefs), "val", "official").fingerprint
    grefs["refs"][1]["ann_id"] = [70]
    assert GREFS.open(write(grefs), "val", "official").fingerprint != before


@pytest.mark.parametrize(
    ("row", "change", "words"),
    [
        (0, {"ann_id": [70, 99]}, r"ref 5: annotation 99 is not in .*instances\.json; fetch both"),
        (0, {"ann_id": [70, -1]}, "ref 5: annotation -1 is not in"),
        (0, {"ann_id": [70, 90]}, r"ref 5: is on image 7 but annotation 90 of .* on 9; fetch both"),
        (0, {"ann_id": ["70"]}, r"ref 5: ann_id must be a list of whole numbers, got \['70'\]; correct"),
        (0, {"ann_id": None}, "ref 5: ann_id must be a list of whole numbers, got None"),
        (0, {"ann_id": [True]}, "ref 5: ann_id must be a list of whole numbers"),
        (0, {"no_target": True}, r"ref 5: no_target is True but ann_id is \[70, 71\]; correct"),
        (2, {"no_target": False}, r"ref 4: no_target is False but ann_id is \[-1\]; correct"),
        (0, {"no_target": 0}, "ref 5: no_target is 0"),
        (0, {"ref_id": "5"}, "ref '5': ref_id must be a whole number"),
        (0, {"ref_id": 3}, "ref 3: appears twice in split val; remove"),
        (0, {"image_id": 8}, r"ref 5: image 8 is not in .*instances\.json"),
        (0, {"image_id": 9}, "image 9: height must be a whole number"),
        (0, {"sentences": [{"sent_id": 1, "sent": " "}]}, "ref 5: sentence 1 is empty"),
        (0, {"sentences": "cat"}, "ref 5: needs a split name and a list of sentences; correct"),
        (0, {"split": None}, "ref 5: needs a split name"),
    ],
)
def test_a_broken_ref_names_file_ref_and_remedy(grefs, write, row, change, words):
    grefs["refs"][row] |= change
    root = write(grefs)
    with pytest.raises(DataError, match=words) as caught:
        GREFS.open(root, "val", "official")
    assert str(root / "grefcoco") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"segmentation": [[1, 2, 3, 4]]}, r"annotation 70 \(ref 5\): a polygon has 4 .*; correct the record"),
        ({"segmentation": None}, r"annotation 70 \(ref 5\): the segmentation is neither"),
        ({"segmentation": {"size": [4, 6], "counts": [24]}}, r"annotation 70 \(ref 5\): the RLE is for"),
    ],
)  # fmt: skip
def test_a_broken_annotation_names_itself_and_the_ref(grefs, write, change, words):
    grefs["annotations"][0] |= change
    with pytest.raises(DataError, match=words):
        GREFS.open(write(grefs), "val", "official")


def test_files_of_another_form_are_refused(grefs, write):
    root = write(grefs)
    for text, words in (("{}", "must hold a list of ref records"), ('[{"ref_id": 1', "broken JSON at line 1")):
        (root / "grefcoco" / "grefs(unc).json").write_text(text)
        with pytest.raises(DataError, match=words):
            GREFS.open(root, "val", "official")
    with pytest.raises(DataError, match=r"grefs\(unc\)\.json is missing"):
        GREFS.open(root / "nowhere", "val", "official")


def test_photos_must_be_there_and_of_the_recorded_size(grefs, write):
    root = write(grefs)
    Image.new("RGB", (61, 40)).save(root / "images" / "train2014" / NAME)
    with pytest.raises(DataError, match=r"007\.jpg is 61x40 but image 7 of .* says 60x40: fetch the original"):
        GREFS.open(root, "val", "official")
    (root / "images" / "train2014" / NAME).unlink()
    with pytest.raises(DataError, match="1 of 1 photos are missing"):
        GREFS.open(root, "val", "official")


def test_a_photo_name_cannot_leave_its_folder(grefs, write):
    grefs["images"][0]["file_name"] = "../secret.jpg"
    with pytest.raises(DataError, match=r"image 7: file name '\.\./secret\.jpg' must be a plain name"):
        GREFS.open(write(grefs), "val", "official")


def test_a_split_that_is_not_there_is_told(grefs, write):
    root = write(grefs)
    with pytest.raises(DataError, match="holds no expression of split testB, only of testA, val;"):
        GREFS.open(root, "testB", "official")
    with pytest.raises(UnknownName, match="did you mean val"):
        GREFS.open(root, "vall", "official")
