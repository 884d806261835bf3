"""Broken records: each is refused with one line that names file, ref and remedy."""

import pickle

import pytest

from benchmarks.errors import DataError
from benchmarks.registry import benchmark

UNC = benchmark("refcoco/unc")

BENT = [
    ("refs", 0, {"ann_id": 71}, r"ref 1234: annotation 71 is not in .*instances\.json"),
    ("refs", 0, {"image_id": 8}, r"ref 1234: image 8 is not in .*instances\.json"),
    ("refs", 0, {"image_id": 9}, r"ref 1234: is on image 9 but annotation 70 of .* on 7"),
    ("refs", 0, {"ref_id": "1234"}, "ref '1234': ref_id must be a whole number, got '1234'"),
    ("refs", 0, {"ann_id": None}, "ref 1234: ann_id must be a whole number"),
    ("refs", 0, {"split": 3}, "ref 1234: needs a split name"),
    ("refs", 0, {"sentences": "cat"}, "ref 1234: needs a split name and a list of sentences"),
    ("refs", 0, {"sentences": ["cat"]}, "ref 1234: a sentence is not a record"),
    ("refs", 0, {"sentences": [{"sent_id": 2, "sent": "  "}]}, "ref 1234: sentence 2 is empty"),
    ("refs", 0, {"sentences": [{"sent_id": 2}]}, "ref 1234: sentence 2 is empty"),
    ("refs", 0, {"sentences": [{"sent_id": 2, "sent": "a\ud800"}]}, "ref 1234: sentence 2 is empty or not text"),
    ("refs", 0, {"sentences": [{"sent_id": 2, "sent": "a", "kind": 4}]}, "ref 1234: sentence 2 has a kind"),
    ("refs", 0, {"sentences": [{"sent": "a"}]}, "ref 1234: sent_id must be a whole number"),
    ("refs", 0, {"sentences": [{"sent_id": 2, "sent": "a"}] * 2}, "ref 1234: sentence 2 appears twice"),
    ("images", 0, {"height": None}, "image 7: height must be a whole number"),
    ("images", 0, {"width": 0}, "image 7: is 0x40 pixels"),
    ("images", 0, {"file_name": "../secret.jpg"}, "image 7: file name '../secret.jpg' must be a plain name"),
    ("images", 0, {"file_name": "/etc/passwd"}, "image 7: file name '/etc/passwd' must be a plain name"),
    ("annotations", 0, {"bbox": [10, 5, 20]}, r"annotation 70 \(ref 1234\): bbox must be four numbers"),
    ("annotations", 0, {"bbox": [10, 5, 20, "10"]}, r"annotation 70 \(ref 1234\): bbox must be four numbers"),
    ("annotations", 0, {"bbox": [10, 5, 0, 10]}, r"annotation 70 \(ref 1234\): bbox has no area"),
    ("annotations", 0, {"bbox": [10, 5, 51.1, 10]}, r"\(ref 1234\): box 10, 5, 61.1, 15 leaves the image of 60x40 px"),
    ("annotations", 0, {"bbox": [-1.1, 5, 5, 10]}, r"\(ref 1234\): box -1.1, 5, 3.9, 15 leaves the image"),
    ("annotations", 0, {"segmentation": [[1, 2, 3, 4]]}, r"annotation 70 \(ref 1234\): a polygon has 4 coordinates"),
    ("annotations", 0, {"segmentation": []}, r"annotation 70 \(ref 1234\): the segmentation is neither"),
]


@pytest.mark.parametrize(("table", "row", "change", "message"), BENT)
def test_a_broken_record_names_file_ref_and_remedy(tables, write_root, table, row, change, message):
    root = write_root(tables)
    tables[table][row] |= change
    write_root(tables, photos=False)
    with pytest.raises(DataError, match=message) as caught:
        UNC.open(root, "val", "official")
    text = str(caught.value)
    assert str(root / "refcoco") in text
    assert any(remedy in text for remedy in ("; correct", "; fetch", "; remove"))
    assert "\n" not in text


def test_a_missing_size_names_the_image(tables, write_root):
    root = write_root(tables)
    del tables["images"][0]["width"]
    write_root(tables, photos=False)
    with pytest.raises(DataError, match="image 7: width must be a whole number, got None"):
        UNC.open(root, "val", "official")


def test_a_ref_that_appears_twice_is_named(tables, write_root):
    tables["refs"].append(tables["refs"][0])
    with pytest.raises(DataError, match="ref 1234: appears twice in split val"):
        UNC.open(write_root(tables), "val", "official")


def test_a_box_a_pixel_outside_is_rounding(tables, write_root):
    tables["annotations"][0]["bbox"] = [-0.9, 5, 61.8, 10]
    assert UNC.open(write_root(tables), "val", "official").samples[0].target.box_xyxy == (-0.9, 5.0, 60.9, 15.0)


def test_a_broken_split_stands_in_the_way_of_no_other(tables, write_root):
    tables["annotations"][1]["bbox"] = [0, 0, 0, 0]
    root = write_root(tables)
    assert len(UNC.open(root, "val", "official").samples) == 2
    for _ in range(2):
        with pytest.raises(DataError, match=r"annotation 90 \(ref 1200\): bbox has no area"):
            UNC.open(root, "testA", "official")


@pytest.mark.parametrize("parsed", [{"a": 1}, [1], "refs", None])
def test_a_refs_file_of_another_form_is_refused(tables, write_root, parsed):
    root = write_root(tables)
    (root / "refcoco/refs(unc).p").write_bytes(pickle.dumps(parsed, 2))
    with pytest.raises(DataError, match="must hold a list of ref records"):
        UNC.open(root, "val", "official")


@pytest.mark.parametrize("text", ["[]", '{"images": []}', '{"images": [3], "annotations": []}',
                                  '{"images": [{"id": []}], "annotations": []}'])  # fmt: skip
def test_an_instances_file_of_another_form_is_refused(tables, write_root, text):
    root = write_root(tables)
    (root / "refcoco/instances.json").write_text(text)
    with pytest.raises(DataError, match=r"instances\.json: .*fetch the file again"):
        UNC.open(root, "val", "official")


def test_truncated_instances_name_the_place(tables, write_root):
    root = write_root(tables)
    path = root / "refcoco/instances.json"
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DataError, match=r"instances\.json: broken JSON at line 1 column 20\d, character 20\d of 200"):
        UNC.open(root, "val", "official")
