"""LVIS: photos by their recorded addresses, and what each image says about categories that it does not show."""

import json

import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark


def image(number=7, folder="val2017", **more):
    url = f"http://images.cocodataset.org/{folder}/{number:012d}.jpg"
    lists = {"neg_category_ids": [2], "not_exhaustive_category_ids": [1]}
    return {"id": number, "coco_url": url, "height": 10, "width": 12, **lists, **more}


def thing(number=1, image_id=7, category_id=1):
    box = {"bbox": [2, 1, 6, 4], "area": 24.5, "segmentation": [[2, 1, 8, 1, 8, 5, 2, 5]]}
    return {"id": number, "image_id": image_id, "category_id": category_id, **box}


def content(images=None, categories=None):
    return {
        "images": images or [image(), image(5, "train2017", neg_category_ids=[])],
        "annotations": [thing()],
        "categories": categories or [{"id": k, "name": f"thing_{k}", "frequency": "rcf"[k % 3]} for k in (1, 2, 3)],
    }


@pytest.fixture
def write(tmp_path):
    """Write the file and the photos 5 and 7 in their two folders; return the data root."""

    def run(text):
        for number, folder in ((7, "val2017"), (5, "train2017")):
            (tmp_path / "coco" / folder).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (12, 10)).save(tmp_path / "coco" / folder / f"{number:012d}.jpg")
        (tmp_path / "lvis").mkdir(exist_ok=True)
        (tmp_path / "lvis/lvis_v1_val.json").write_text(json.dumps(text))
        return tmp_path

    return run


def opened(root, split="val"):
    return benchmark("lvis/v1").open(root, split, "official")


def test_images_carry_what_is_absent_and_what_is_not_exhaustive(write):
    root = write(content())
    first, second = opened(root).samples
    assert (first.id, second.id) == ("lvis/v1/val/image-000000000005", "lvis/v1/val/image-000000000007")
    assert first.image.path == root / "coco/train2017/000000000005.jpg"
    assert second.image.path == root / "coco/val2017/000000000007.jpg"
    assert (first.target.absent, second.target.absent) == (frozenset(), {2})
    assert second.target.not_exhaustive == {1}
    assert [each.frequency for each in second.target.categories] == ["c", "f", "r"]
    [each] = second.target.objects
    assert (each.crowd, each.area, each.box_xyxy) == (False, 24.5, (2, 1, 8, 5))
    assert benchmark("lvis/v1").found(root) == {"val": 2}
    assert opened(root).expected == 19_809


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (content(categories=[{"id": k, "name": f"thing_{k}"} for k in (1, 2, 3)]), "categories a frequency r, c or f"),
        (content([image(neg_category_ids=None)]), "neg_category_ids must be a list of category ids"),
        (content([image(coco_url="http://host/../x.jpg")]), "must be a plain name"),
        (content([image(), {**image(5), "not_exhaustive_category_ids": ["1"]}]), "not_exhaustive_category_ids must be"),
        (content([{key: value for key, value in image().items() if "ids" not in key}]), "images need neg_category_ids"),
    ],
)
def test_files_without_the_federated_facts_are_refused(write, text, said):
    with pytest.raises(DataError, match=said):
        opened(write(text))


def test_photos_of_both_folders_are_needed(write):
    root = write(content())
    (root / "coco/train2017/000000000005.jpg").unlink()
    with pytest.raises(DataError, match=r"train2017: 1 of 1 photos are missing"):
        opened(root)
    with pytest.raises(UnknownName, match="did you mean val"):
        opened(root, "vall")
