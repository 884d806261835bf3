import json

import pytest
from PIL import Image

from benchmarks.errors import DataError
from benchmarks.registry import benchmark

NOCAPS = benchmark("nocaps/0.1")


def image(number=0, **changes):
    return {"id": number, "file_name": "a1.jpg", "domain": "in-domain", "width": 6, "height": 4, **changes}


def captions(*image_ids):
    return [{"id": k, "image_id": image_id, "caption": f"Caption {k}."} for k, image_id in enumerate(image_ids)]


@pytest.fixture
def write(tmp_path):
    """Write the file and one photo; return the data root."""

    def run(images, annotations, photos="nocaps/val"):
        (tmp_path / photos).mkdir(parents=True, exist_ok=True)
        content = json.dumps({"info": {}, "images": images, "annotations": annotations})
        (tmp_path / "nocaps" / "nocaps_val_4500_captions.json").write_text(content)
        Image.new("I;16", (6, 4)).save(tmp_path / photos / "a1.jpg", "PNG")
        return tmp_path

    return run


@pytest.mark.parametrize("photos", ["nocaps/val", "nocaps/images"])
def test_an_image_is_a_sample_with_its_captions_and_domain(write, photos):
    root = write([image(3, domain="out-domain"), image(0)], captions(0, 3, 0), photos)
    split = NOCAPS.open(root, "val", "official")
    assert [sample.id for sample in split.samples] == ["nocaps/0.1/val/image-3", "nocaps/0.1/val/image-0"]
    assert split.samples[1].target.answers == ("Caption 0.", "Caption 2.")
    assert [sample.tags["domain"] for sample in split.samples] == ["out-domain", "in-domain"]
    assert (split.samples[0].image_id, split.expected, split.complete) == ("3", 4_500, False)


@pytest.mark.parametrize(
    ("images", "annotations", "words"),
    [
        ([image(), image()], captions(0), "image 0 comes twice"),
        ([image()], captions(0, 1), r"annotations\[1\] is of image 1, which is not listed"),
        ([image(), image(1)], captions(0), "image 1 has no caption"),
        (
            [image(domain=None)],
            captions(0),
            "image 0: domain must be one of in-domain, near-domain, out-domain, got None",
        ),
        ([image("0")], captions(0), r"images\[0\]: id must be a whole number"),
        ([image(file_name="a/b.jpg")], captions(0), "must be a plain name"),
        ([image(file_name="b2.jpg")], captions(0), r"photos are missing \(b2.jpg\)"),
        ([image()], [{"image_id": 0, "caption": None}], r"annotations\[0\]: caption must be a text"),
        ([image()], [], "'annotations' must be a list with records"),
    ],
)
def test_broken_files_are_one_clear_error(write, images, annotations, words):
    with pytest.raises(DataError, match=words):
        NOCAPS.open(write(images, annotations), "val", "official")
