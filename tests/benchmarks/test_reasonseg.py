"""ReasonSeg's JSON files: how LISA draws them, which instruction is asked, and what is refused."""

import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SQUARE = [[1, 1], [4.9, 1], [4.9, 4.9], [1, 4.9]]
LARGER = [[0, 0], [6, 0], [6, 6], [0, 6]]


def shape(label="target", points=SQUARE):
    return {"label": label, "points": points, "shape_type": "polygon"}


ONE = (shape(),)


def record(text=("what is red?",), is_sentence=True, shapes=ONE):
    return {"text": list(text), "is_sentence": is_sentence, "shapes": list(shapes)}


@pytest.fixture
def write(tmp_path):
    """Write the JSON files of val with a photo each; return the data root."""

    def run(folder="ReasonSeg", **contents):
        place = tmp_path / folder / "val"
        place.mkdir(parents=True, exist_ok=True)
        for stem, content in contents.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (place / f"{stem}.json").write_bytes(data)
            Image.new("RGB", (9, 8)).save(place / f"{stem}.jpg")
        return tmp_path

    return run


def opened(root):
    return benchmark("reasonseg").open(root, "val", "official")


def test_the_first_instruction_is_asked_and_its_length_is_a_tag(write):
    split = opened(write(b=record(("red thing", "what is red?"), is_sentence=False), a=record()))
    assert [(s.id, s.question, s.tags) for s in split.samples] == [
        ("reasonseg/val/a", "what is red?", {"query": "long"}),
        ("reasonseg/val/b", "red thing", {"query": "short"}),
    ]
    assert (split.expected, split.complete) == (200, False)


def test_corners_are_cut_to_whole_pixels_and_the_outline_belongs_to_the_region(write):
    truth = opened(write(a=record())).samples[0].target.load()
    want = np.zeros((8, 9), np.uint8)
    want[1:5, 1:5] = 1
    assert truth.dtype == np.uint8
    assert (truth == want).all()


@pytest.mark.parametrize("order", [1, -1])
def test_smaller_polygons_lie_on_top_whatever_their_order(write, order):
    shapes = [shape("Ignored part", SQUARE), shape("target", LARGER), shape("flag", LARGER)][::order]
    truth = opened(write(a=record(shapes=shapes))).samples[0].target.load()
    assert (np.unique(truth, return_counts=True)[1] == [72 - 49, 49 - 16, 16]).all()
    assert (truth[1:5, 1:5] == 255).all()


def test_of_equal_polygons_the_first_lies_on_top(write):
    shapes = [shape("ignore"), shape("target")]
    assert opened(write(a=record(shapes=shapes))).samples[0].target.load().max() == 255
    assert opened(write(a=record(shapes=shapes[::-1]))).samples[0].target.load().max() == 1


@pytest.mark.parametrize("content", [record(shapes=()), {"text": ["a"], "is_sentence": False}])
def test_a_file_without_shapes_asks_for_nothing(write, content):
    assert not opened(write(a=content)).samples[0].target.load().any()


def test_other_shapes_give_another_fingerprint(write):
    first = opened(write(a=record()))
    assert opened(write(a=record())).fingerprint == first.fingerprint
    assert opened(write(a=record(shapes=[shape("ignore")]))).fingerprint != first.fingerprint


def test_windows_text_is_read_and_lisas_own_folders_are_found(write):
    data = json.dumps(record(["the caf\u00e9\u2019s sign"]), ensure_ascii=False).encode("cp1252")
    root = write("reason_seg/ReasonSeg", a=data)
    assert opened(root).samples[0].question == "the caf\u00e9\u2019s sign"
    assert benchmark("reasonseg").found(root) == {"val": 1}
    assert benchmark("reasonseg").files(root)[0] == root / "reason_seg/ReasonSeg/val"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([], r"text must be a list that begins with an instruction"),
        (record(text=[]), "text must be a list"),
        (record(text=[" ", "a"]), "text must be a list"),
        (record(text=[7]), "text must be a list"),
        (record(is_sentence="no"), "needs is_sentence"),
        ({**record(), "shapes": {}}, "a list of shapes"),
        (record(shapes=[{"label": "target"}]), r"shapes\[0\] needs a label and points"),
        (record(shapes=[shape(points=[])]), r"shapes\[0\] needs a label and points"),
        (record(shapes=[shape(), shape(points=[[1, 2, 3]])]), r"shapes\[1\]: a point must be \[x, y\]"),
        (record(shapes=[shape(points=[["1", 2]])]), "a point must be"),
        (record(shapes=[shape(points=[[1e9, 2]])]), "is on no photo"),
        (b'{"text": ["a"', "broken JSON"),
        (b'{"text": ["\x81"]}', "byte 11 is neither UTF-8 nor Windows-1252"),
    ],
)
def test_broken_files_are_one_clear_error(write, content, words):
    with pytest.raises(DataError, match=words):
        opened(write(a=content))


def test_photos_and_files_belong_together(write):
    root = write(a=record(), b=record())
    (root / "ReasonSeg/val/a.json").unlink()
    with pytest.raises(DataError, match=r"1 photos have no JSON \(first: a\.jpg\)"):
        opened(root)
    (root / "ReasonSeg/val/a.jpg").unlink()
    (root / "ReasonSeg/val/b.jpg").unlink()
    with pytest.raises(DataError, match=r"1 of 1 photos are missing \(b\.jpg\)"):
        opened(root)


def test_missing_splits_are_told(write, tmp_path):
    with pytest.raises(DataError, match="holds neither ReasonSeg/val nor ReasonSeg/test"):
        benchmark("reasonseg").found(tmp_path)
    root = write(a=record())
    assert benchmark("reasonseg").splits_present(root) == ("val",)
    with pytest.raises(DataError, match=r"ReasonSeg/test is missing"):
        benchmark("reasonseg").open(root, "test", "official")
    (root / "ReasonSeg/test").mkdir()
    with pytest.raises(DataError, match="holds no JSON"):
        benchmark("reasonseg").open(root, "test", "official")
    with pytest.raises(UnknownName, match="did you mean test"):
        benchmark("reasonseg").open(root, "tests", "official")
