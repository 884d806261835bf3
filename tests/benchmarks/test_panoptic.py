"""Panoptic files: JSON and PNGs of one release in, one sample an annotation out; broken records are named."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

DATA = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data"
real_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real files are not here")
IDS = np.array([[0, 5, 5], [70_000, 5, 300]], dtype=np.uint32)
CATEGORIES = [{"id": 4, "name": "cat", "isthing": 1}, {"id": 9, "name": "sky ", "isthing": 0}]


def image(number=7, **more):
    return {"id": number, "file_name": f"{number:012d}.jpg", "height": 2, "width": 3, **more}


def segment(number=5, category=4, area=3, **more):
    return {"id": number, "category_id": category, "area": area, "iscrowd": 0, **more}


def annotation(number=7, segments=None, **more):
    told = [segment(), segment(300, 9, 1), segment(70_000, 4, 1, iscrowd=1)] if segments is None else segments
    return {"image_id": number, "file_name": f"{number:012d}.png", "segments_info": told, **more}


def save_ids(path, ids=IDS):
    Image.fromarray(np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=2).astype(np.uint8)).save(path)


@pytest.fixture
def write(tmp_path):
    """Write COCO's panoptic files with photo and PNG of image 7, and return the data root."""

    def run(images=None, annotations=None, categories=None):
        (tmp_path / "coco/val2017").mkdir(parents=True, exist_ok=True)
        (folder := tmp_path / "coco/annotations/panoptic_val2017").mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (3, 2)).save(tmp_path / "coco/val2017/000000000007.jpg")
        save_ids(folder / "000000000007.png")
        content = {
            "images": [image()] if images is None else images,
            "annotations": [annotation()] if annotations is None else annotations,
            "categories": CATEGORIES if categories is None else categories,
        }
        folder.with_suffix(".json").write_text(json.dumps(content))
        return tmp_path

    return run


def opened(root, name="coco/panoptic"):
    return benchmark(name).open(root, "val2017", "official")


def png_of(root):
    return root / "coco/annotations/panoptic_val2017/000000000007.png"


def test_a_sample_holds_its_segments_and_reads_the_png_when_asked(write):
    split = opened(write())
    [sample] = split.samples
    assert (sample.id, sample.image_id) == ("coco/panoptic/val2017/image-000000000007", "7")
    assert sample.categories == ("cat", "sky")
    assert [(each.id, each.category_id, each.crowd) for each in sample.target.segments] == [
        (5, 4, False), (300, 9, False), (70_000, 4, True),
    ]  # fmt: skip
    assert [category.isthing for category in sample.target.categories] == [True, False]
    assert (sample.target.ids() == IDS).all()
    assert (split.expected, split.complete) == (5_000, False)


def test_semantic_labels_are_places_of_categories_and_void_is_ignored(write):
    [sample] = opened(write(), "coco/semantic").samples
    assert sample.id == "coco/semantic/val2017/image-000000000007"
    assert sample.target.load().tolist() == [[255, 0, 0], [0, 0, 1]]


def test_pngs_may_lie_where_detectron2_has_them(write):
    root = write()
    shutil.move(png_of(root).parent, root / "coco/panoptic_val2017")
    assert (opened(root).samples[0].target.ids() == IDS).all()


def test_the_fingerprint_covers_json_and_pixels(write):
    root = write()
    first = opened(root)
    assert opened(root) == first
    save_ids(png_of(root), IDS[::-1])
    assert opened(root).fingerprint != first.fingerprint
    save_ids(png_of(root))
    assert opened(root).fingerprint == first.fingerprint
    assert opened(write(annotations=[annotation(segments=[segment()])])).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"images": [image(), image()]}, "image 7 is listed twice"),
        ({"images": [image(height=0)]}, r"images\[0\] needs id, height and width"),
        ({"images": [image(file_name="../7.jpg")]}, "must be a plain name"),
        ({"images": [image() | {"id": "../up"}]}, "must be a plain name"),
        ({"images": [image(), image(8)]}, r"image 8 \(1 such\) has no annotation"),
        ({"images": []}, "'images' must be a list with records"),
        ({"annotations": [annotation(8)]}, "image 8 is not listed under images"),
        ({"annotations": [annotation(), annotation()]}, "image 7 is annotated twice"),
        ({"annotations": [annotation(file_name="a/b.png")]}, "must be a plain name"),
        ({"annotations": [3]}, r"annotations\[0\] needs image_id, file_name and segments_info"),
        ({"annotations": [annotation(segments=[segment(), segment()])]}, "segment 5 is listed twice"),
        ({"annotations": [annotation(segments=[segment(category=8)])]}, "category 8, which is not listed"),
        ({"annotations": [annotation(segments=[segment(0)])]}, "a segment has id 0"),
        ({"annotations": [annotation(segments=[segment(1 << 24)])]}, "a segment has id 16777216"),
        ({"annotations": [annotation(segments=[segment(area=-1)])]}, "segment 5 needs an area"),
        ({"annotations": [annotation(segments=[segment(iscrowd=2)])]}, "segment 5 needs an area and iscrowd"),
        ({"categories": [{"id": 4, "name": "cat"}]}, r"categories\[0\] needs id, name and isthing"),
        ({"categories": [*CATEGORIES, CATEGORIES[0]]}, "two categories have the id 4"),
        ({"categories": [*CATEGORIES, {**CATEGORIES[0], "id": 5}]}, "two categories have the name 'cat'"),
    ],
)
def test_broken_records_are_one_clear_error(write, content, words):
    with pytest.raises(DataError, match=words):
        opened(write(**content))


def test_missing_files_are_named(write, tmp_path):
    with pytest.raises(DataError, match=r"panoptic_val2017\.json is missing: put it there; it comes from cocodataset"):
        benchmark("coco/panoptic").found(tmp_path)
    root = write(images=[image(), image(8)], annotations=[annotation(), annotation(8)])
    with pytest.raises(DataError, match=r"1 of 2 PNGs of .* are missing \(000000000008\.png\)"):
        opened(root)
    shutil.copy(png_of(root), png_of(root).with_name("000000000008.png"))
    with pytest.raises(DataError, match=r"1 of 2 photos are missing \(000000000008\.jpg\)"):
        opened(root)
    shutil.rmtree(png_of(root).parent)
    with pytest.raises(DataError, match="panoptic_val2017 is missing: put the PNGs"):
        opened(root)


def test_unknown_splits_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="no split of coco/semantic is called 'val'; did you mean val2017"):
        benchmark("coco/semantic").open(tmp_path, "val", "official")


def test_pixels_and_list_may_disagree_as_panopticapi_allows_but_not_wholly(write):
    extra = [segment(number) for number in (5, 6)]  # 6 has no pixel, and 300 and 70000 are not listed
    [sample] = opened(write(annotations=[annotation(segments=extra)])).samples
    assert (sample.target.ids() == IDS).all()
    [sample] = opened(write(annotations=[annotation(segments=[segment(6)])])).samples
    with pytest.raises(DataError, match="holds none of the segments that the JSON lists"):
        sample.target.ids()


@real_data
@pytest.mark.parametrize(
    ("annotations", "photos", "count", "segments"),
    [
        ("coco_panoptic_mini/annotations/panoptic_val2017", "coco_panoptic_mini/val2017", 40, 478),
        ("panopticapi_sample/sample_data/panoptic_examples", "panopticapi_sample/sample_data/input_images", 2, 50),
    ],
)
def test_official_files_are_read(tmp_path, annotations, photos, count, segments):
    (tmp_path / "coco/annotations").mkdir(parents=True)
    (tmp_path / "coco/val2017").symlink_to(DATA / photos)
    (tmp_path / "coco/annotations/panoptic_val2017").symlink_to(DATA / annotations)
    shutil.copy(DATA / f"{annotations}.json", tmp_path / "coco/annotations/panoptic_val2017.json")
    samples = opened(tmp_path).samples
    assert (len(samples), sum(len(sample.target.segments) for sample in samples)) == (count, segments)
    assert [sum(c.isthing is thing for c in samples[0].target.categories) for thing in (True, False)] == [80, 53]
    for sample in samples[:10]:
        assert sample.image.open_rgb().size == sample.image.size_hw[::-1]
        ids, areas = np.unique(sample.target.ids(), return_counts=True)
        assert dict(zip(ids.tolist(), areas.tolist(), strict=True)).items() - {
            (each.id, each.area) for each in sample.target.segments
        } <= {(0, areas[0])}  # every segment has the recorded pixels; the rest is void
