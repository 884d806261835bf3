"""COCO keypoints: by photo and by person, with everything that is there; broken records are named."""

import json

import pytest
from PIL import Image

from benchmarks.coco_keypoints import BY_IMAGE, BY_PERSON, FILE, JOINTS, is_labelled
from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

NAMES = (BY_IMAGE, BY_PERSON)
IMAGES = [{"id": number, "file_name": f"{number:012d}.jpg", "height": 40, "width": 60} for number in (9, 4, 7)]


def person(number=1, image_id=9, labelled=17, **changes):
    joints = [[10.5 + k, 12.0, 1 + k % 2] if k < labelled else [0, 0, 0] for k in range(17)]
    return {"id": number, "image_id": image_id, "category_id": 1, "bbox": [8, 10, 20, 25.5], "area": 300.5,
            "iscrowd": 0, "num_keypoints": labelled, "keypoints": [v for joint in joints for v in joint],
            "segmentation": [[8, 10, 28, 10, 28, 35]], **changes}  # fmt: skip


@pytest.fixture
def write(tmp_path):
    """Write an annotation file with its photos and return the data root."""

    def run(annotations, images=IMAGES, categories=({"id": 1, "name": "person"},)):
        (tmp_path / FILE).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "coco" / "val2017").mkdir(exist_ok=True)
        content = {"images": images, "annotations": annotations, "categories": list(categories)}
        (tmp_path / FILE).write_text(json.dumps(content))
        for image in images:
            Image.new("RGB", (60, 40)).save(tmp_path / "coco" / "val2017" / image["file_name"])
        return tmp_path

    return run


def opened(name, root):
    return benchmark(name).open(root, "val", "official")


def test_by_photo_every_photo_is_a_sample_also_without_anybody(write):
    split = opened(BY_IMAGE, write([person(), person(2, labelled=0), person(3, 7, iscrowd=1, labelled=0)]))
    assert [sample.id for sample in split.samples] == [
        f"coco_keypoints/2017/val/image-{number:012d}" for number in (4, 7, 9)
    ]
    assert [len(sample.target.objects) for sample in split.samples] == [0, 1, 2]
    first, second = split.samples[2].target.objects
    assert (first.keypoints[0], first.keypoints[1], first.area) == ((10.5, 12.0, 1), (11.5, 12.0, 2), 300.5)
    assert first.box_xyxy == (8, 10, 28, 35.5)
    assert [is_labelled(each) for each in (first, second, *split.samples[1].target.objects)] == [True, False, False]
    assert (split.expected, split.complete, split.samples[0].categories) == (5_000, False, JOINTS)
    assert benchmark(BY_IMAGE).found(write([person()])) == {"val": 3}


def test_by_person_everybody_with_labelled_joints_is_a_sample_with_a_box(write):
    people = [person(5), person(2, labelled=0), person(3, 7, iscrowd=1, labelled=0), person(8, 4), person(1)]
    split = opened(BY_PERSON, write(people))
    assert [sample.id.rsplit("/")[-1] for sample in split.samples] == ["person-8", "person-5", "person-1"]
    assert [sample.image_id for sample in split.samples] == ["4", "9", "9"]
    assert [sample.target.asked for sample in split.samples] == [8, 5, 1]
    assert [each.id for each in split.samples[1].target.objects] == [5, 2, 1]
    [region] = split.samples[1].regions
    assert (region.kind, region.box_xyxy) == ("box", (8, 10, 28, 35.5))
    assert split.samples[1].question == "person"
    assert split.expected == 6_352
    assert benchmark(BY_PERSON).found(write(people)) == {"val": 3}


def test_a_query_carries_the_box_and_the_joints_but_not_the_truth(write):
    query = opened(BY_PERSON, write([person()])).samples[0].query("prompt", "keypoint")
    assert query.regions[0].box_xyxy == (8, 10, 28, 35.5)
    assert query.categories == JOINTS
    assert "10.5" not in repr(query)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_start_gives_the_same_and_another_joint_another_fingerprint(write, name):
    first = opened(name, write([person()])).fingerprint
    assert opened(name, write([person()])).fingerprint == first
    assert opened(name, write([person(labelled=16)])).fingerprint != first


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        (
            [person(keypoints=[1, 2, 2] * 16, num_keypoints=16)],
            "annotation 1: keypoints must be x, y and visibility of 17",
        ),
        (
            [person(), person(2, keypoints=[1, 2] * 20)],
            "annotation 2: keypoints must be x, y and visibility of every joint",
        ),
        ([person(keypoints=["a"] * 51)], "annotation 1: .* are no numbers"),
        ([person(num_keypoints=5)], r"annotation 1: num_keypoints is not the number of joints .* \(1 such\)"),
        ([{k: v for k, v in person().items() if k != "num_keypoints"}], "annotation 1: num_keypoints is not"),
        ([{k: v for k, v in person().items() if k != "keypoints"}], "annotation 1: keypoints must be"),
        ([person(keypoints=[1, 2, 3] * 17)], "the visibility of a joint must be 0, 1 or 2"),
        ([person(), person()], "annotation 1 is listed twice"),
        ([person(image_id=5)], "image_id is of no image that the file lists, got 5"),
        ([person(category_id=2)], "category_id is of no category that the file lists"),
        ([person(bbox=[1, 2, -3, 4])], "bbox has a negative side"),
    ],
)
def test_broken_records_are_one_clear_error(write, name, annotations, words):
    with pytest.raises(DataError, match=words):
        opened(name, write(annotations))


@pytest.mark.parametrize("name", NAMES)
def test_files_of_another_kind_and_unknown_splits_are_refused(write, name):
    both = ({"id": 1, "name": "person"}, {"id": 2, "name": "bicycle"})
    with pytest.raises(DataError, match="has categories person, bicycle, not person alone"):
        opened(name, write([person()], categories=both))
    with pytest.raises(UnknownName, match=r"no split of coco_keypoints.* is called 'test'"):
        benchmark(name).open(write([person()]), "test", "official")


@pytest.mark.parametrize("name", NAMES)
def test_missing_files_and_photos_are_told(write, name, tmp_path):
    with pytest.raises(DataError, match=r"person_keypoints_val2017\.json is missing"):
        benchmark(name).found(tmp_path)
    root = write([person()])
    (root / "coco" / "val2017" / f"{4:012d}.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 3 photos are missing \(000000000004\.jpg\)"):
        opened(name, root)


def test_nobody_with_joints_is_no_benchmark_by_person(write):
    with pytest.raises(DataError, match="nobody has labelled joints"):
        opened(BY_PERSON, write([person(labelled=0)]))


def test_a_box_without_area_is_kept_and_told(write):
    split = opened(BY_PERSON, write([person(bbox=[8, 10, 0, 25])]))
    assert len(split.samples) == 1
    assert "1 objects have a box without area" in split.notes[0]
