import json

import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

NAME = "COCO_val2014_000000000007.jpg"


def image(cocoid=7, split="test", filename=NAME, texts=("A cat.", "One cat sits.")):
    sentences = [{"raw": text, "tokens": [], "imgid": 0, "sentid": k} for k, text in enumerate(texts)]
    return {"cocoid": cocoid, "split": split, "filepath": "val2014", "filename": filename, "sentences": sentences}


@pytest.fixture
def write(tmp_path):
    """Write the file and one photo; return the data root."""

    def run(content):
        (tmp_path / "karpathy").mkdir(exist_ok=True)
        (tmp_path / "images" / "val2014").mkdir(parents=True, exist_ok=True)
        (tmp_path / "karpathy" / "dataset_coco.json").write_text(json.dumps(content))
        Image.new("L", (6, 4)).save(tmp_path / "images" / "val2014" / NAME)
        return tmp_path

    return run


def opened(root, split="test"):
    return benchmark("coco_captions/karpathy").open(root, split, "official")


def test_a_photo_is_a_sample_with_its_references_in_order(write):
    split = opened(write({"images": [image(), image(8, "train", "x.jpg"), image(9, "restval", "y.jpg")]}))
    [sample] = split.samples
    assert (sample.id, sample.image_id) == ("coco_captions/karpathy/test/image-7", "7")
    assert sample.target.answers == ("A cat.", "One cat sits.")
    assert sample.image.size_hw == (4, 6)
    assert (split.expected, split.complete) == (5_000, False)


def test_the_second_start_reads_the_cache_and_a_changed_file_does_not(write):
    first = opened(write({"images": [image()]}))
    assert opened(write({"images": [image()]})) == first
    assert opened(write({"images": [image(texts=("Another.",))]})).fingerprint != first.fingerprint


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"images": [image(), image()]}, "image 7 comes twice"),
        ({"images": [image(texts=())]}, r"images\[0\] needs sentences"),
        ({"images": [image(texts=(" ",))]}, r"images\[0\] needs sentences"),
        ({"images": [image("7")]}, r"images\[0\] needs cocoid"),
        ({"images": [image(filename="../a.jpg")]}, "must be a plain name"),
        ({"images": [3]}, r"images\[0\] must be an object"),
        ({"images": [image(split="val")]}, "holds nothing of split test"),
        ([], "'images' must be a list"),
    ],
)
def test_a_broken_file_is_one_clear_error(write, content, words):
    with pytest.raises(DataError, match=words):
        opened(write(content))


def test_unknown_splits_and_missing_files_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="did you mean test"):
        opened(tmp_path, "tset")
    with pytest.raises(DataError, match=r"dataset_coco\.json is missing"):
        opened(tmp_path)


def test_flickr30k_is_numbered_by_its_file_names(tmp_path):
    (photos := tmp_path / "flickr30k" / "flickr30k-images").mkdir(parents=True)
    for number in (11, 12):
        Image.new("RGBA", (6, 4)).save(photos / f"{number}.jpg", "PNG")
    records = [{**image(filename=f"{number}.jpg", split=split)} for number, split in ((11, "test"), (12, "val"))]
    content = {"dataset": "flickr30k", "images": [{k: v for k, v in each.items() if k != "cocoid"} for each in records]}
    (tmp_path / "flickr30k" / "dataset_flickr30k.json").write_text(json.dumps(content))
    flickr = benchmark("flickr30k/karpathy")
    [sample] = flickr.open(tmp_path, "test", "official").samples
    assert (sample.id, sample.image_id) == ("flickr30k/karpathy/test/image-11", "11")
    assert sample.target.answers == ("A cat.", "One cat sits.")
    assert flickr.found(tmp_path) == {"val": 1, "test": 1}
    assert flickr.splits == {"val": 1_014, "test": 1_000}
