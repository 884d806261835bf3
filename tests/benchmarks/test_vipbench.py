"""ViP-Bench on files like the published ones, sound and broken."""

import json

import pytest
from PIL import Image

from benchmarks.errors import DataError, UnknownName
from benchmarks.registry import benchmark

SOURCE = benchmark("vipbench")
SPLITS = ("bbox", "human", "source")


def entry(**changes):
    return {"image_source": "v1_1.png", "image": "v1_1_0.png", "question": "Is <obj2> left of <obj1> and <obj1>?",
            "answer": "yes<OR>it is<AND> 0.75", "capability": ["rel", "math"], **changes}  # fmt: skip


def shape(label="obj1", points=((2, 1), (8, 4)), kind="rectangle"):
    return {"label": label, "points": [list(each) for each in points], "shape_type": kind}


BOX = shape()
POLYGON = shape("obj2", ((1, 1), (5, 1), (5, 5), (1, 5)), "polygon")


@pytest.fixture
def write(tmp_path):
    """Write the meta file, the marks of its photo, the questions of both marked splits, and photos."""

    def run(meta=None, shapes=(BOX, POLYGON), lines=None, **labelme):
        meta = {"v1_0": entry()} if meta is None else meta
        top = tmp_path / "ViP-Bench"
        for place in ("source_image", "bbox/images", "human/images"):
            (top / place).mkdir(parents=True, exist_ok=True)
        (top / "vip-bench-meta-data.json").write_text(json.dumps(meta))
        marks = {"shapes": list(shapes), "imagePath": "v1_1.png", "imageHeight": 8, "imageWidth": 12, **labelme}
        (top / "source_image" / "v1_1.json").write_text(json.dumps(marks))
        Image.new("RGBA", (12, 8)).save(top / "source_image" / "v1_1.png")
        line = {"question_id": 0, "image": "v1_1_0.png", "text": "Is the red rectangle left?", "category": "x"}
        for split in ("bbox", "human"):
            text = "".join(json.dumps(each) + "\n" for each in ([line] if lines is None else lines))
            (top / split / "questions.jsonl").write_text(text)
            Image.new("RGB", (12, 8)).save(top / split / "images" / "v1_1_0.png")
        return tmp_path

    return run


def opened(root, split="source"):
    return SOURCE.open(root, split, "official")


def test_mentions_become_regions_in_the_order_of_the_words(write):
    split = opened(write())
    [sample] = split.samples
    assert (sample.id, sample.image_id) == ("vipbench/source/question-v1_0", "v1_1.png")
    assert sample.question == "Is <region> left of <region> and <region>?"
    assert [region.kind for region in sample.regions] == ["mask", "box", "box"]
    assert sample.regions[1].box_xyxy == (2, 1, 8, 4)
    assert sample.regions[0].mask_rle["size"] == [8, 12]
    assert sample.target.parts == (("yes", "it is"), ("0.75",))
    assert (sample.target.capabilities, sample.tags) == (("rel", "math"), {"capability": "math rel"})
    assert (split.expected, split.notes) == (303, ())


@pytest.mark.parametrize("name", ["bbox", "human"])
def test_marked_photos_are_asked_about_in_the_words_of_their_split(write, name):
    [sample] = opened(write(), name).samples
    assert (sample.question, sample.regions) == ("Is the red rectangle left?", ())
    assert sample.image.path.parts[-3:] == (name, "images", "v1_1_0.png")
    assert sample.image.open_rgb().size == (12, 8)
    assert SOURCE.found(write()) == dict.fromkeys(SPLITS, 1)


def test_a_mention_without_a_shape_stays_a_word_and_is_told(write):
    split = opened(write(shapes=[shape()]))
    assert split.samples[0].question == "Is <obj2> left of <region> and <region>?"
    assert len(split.samples[0].regions) == 2
    assert split.notes == ("1 mentions of objects have no shape in source_image: kept as words",)
    (root := write()).joinpath("ViP-Bench/source_image/v1_1.json").unlink()
    assert opened(root).samples[0].regions == ()


def test_of_two_shapes_with_one_label_the_first_counts_and_corners_come_in_any_order(write):
    shapes = [shape(points=((8, 4), (2, 1))), shape(points=((0, 0), (1, 1))), shape("obj2", ((3.5, 2),), "point")]
    regions = opened(write(shapes=shapes)).samples[0].regions
    assert (regions[1].box_xyxy, regions[0].points_xy) == ((2, 1, 8, 4), ((3.5, 2.0),))


def test_another_answer_or_mark_is_another_fingerprint(write):
    first = opened(write()).fingerprint
    assert opened(write()).fingerprint == first
    assert opened(write({"v1_0": entry(answer="no")})).fingerprint != first
    assert opened(write(shapes=[shape(points=((2, 1), (8, 5))), POLYGON])).fingerprint != first


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"meta": []}, "must be an object of questions"),
        ({"meta": {"v1_0": 3}}, "v1_0 must be an object"),
        ({"meta": {"v1_0": entry(capability=[])}}, "capability must be a list of names"),
        ({"meta": {"v1_0": entry(answer=" ")}}, "answer must be a text"),
        ({"meta": {"v1_0": entry(answer="a<AND>")}}, "a part of the answer is empty"),
        ({"meta": {"v1_0": entry(image_source="../x.png")}}, "must be a plain name"),
        ({"imageWidth": 13}, "is for a photo of 13x8, v1_1.png is 12x8"),
        ({"shapes": [3]}, r"shapes\[0\] must be an object"),
        ({"shapes": [shape(points=())]}, "points must be a list"),
        ({"shapes": [shape(points=((1, "2"), (3, 4)))]}, "a corner must be x, y"),
        ({"shapes": [shape(kind="circle")]}, "is a circle of 2 points"),
        ({"shapes": [shape(kind="polygon")]}, "a polygon has 4 coordinates"),
        ({"shapes": [shape(points=((40, 1), (50, 4)))]}, "is not on the photo, 12x8"),
        ({"shapes": [shape(points=((13, 1),), kind="point")]}, "point 13, 1 is not on the photo"),
    ],
)
def test_broken_files_are_one_clear_error(write, changes, words):
    with pytest.raises(DataError, match=words):
        opened(write(**changes))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], "has no question v1_0 about v1_1_0.png"),
        ([{"question_id": 0, "image": "other.png", "text": "?"}], "has no question v1_0 about v1_1_0.png"),
        ([{"question_id": 0, "image": "v1_1_0.png", "text": "?"}] * 2, "questions.jsonl:2: question v1_0 comes twice"),
        ([{"question_id": "0", "image": "v1_1_0.png", "text": "?"}], "question_id must be a whole number"),
        ([4], "questions.jsonl:1 must be an object"),
    ],
)
def test_broken_questions_are_one_clear_error(write, lines, words):
    with pytest.raises(DataError, match=words):
        opened(write(lines=lines), "human")


def test_missing_files_and_unknown_splits_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"vip-bench-meta-data\.json is missing"):
        SOURCE.found(tmp_path)
    with pytest.raises(UnknownName, match="did you mean bbox"):
        SOURCE.open(tmp_path, "box", "official")
