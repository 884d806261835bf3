"""The kind `grounding` by hand, and both protocols of Flickr30k Entities through the command line."""

import json

import pytest

from benchmarks.errors import UnknownName
from benchmarks.flickr30k_entities import PhraseTarget
from benchmarks.registry import benchmark
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample
from metrics import rec
from tasks import kinds
from tasks.grounding import configure, measure_any, measure_merged, merged

LEFT, RIGHT = (0.0, 0.0, 10.0, 10.0), (30.0, 0.0, 40.0, 10.0)


@pytest.fixture
def sample(tmp_path):
    return Sample(
        "s", ImageRef(tmp_path / "none.jpg", (30, 40)), "7", "two cats", PhraseTarget("two cats", (LEFT, RIGHT))
    )


def answer(*boxes, status="ok"):
    return Prediction("s", status, groups=(Group("it", "box", tuple(Instance(box_xyxy=box) for box in boxes)),))


@pytest.mark.parametrize(
    ("prediction", "in_merged", "in_any"),
    [
        (answer(LEFT, (0, 0, 40, 10)), 0.25, 1.0),  # the first box counts, the second does not
        (answer((0, 0, 40, 10)), 1.0, 0.25),
        (answer((30, 0, 40, 5)), 0.125, 0.5),
        (answer(), 0.0, 0.0),
        (answer(LEFT, status="failed"), 0.0, 0.0),
    ],
)
def test_merged_wants_all_boxes_and_any_one_of_them(sample, prediction, in_merged, in_any):
    assert measure_merged(sample, prediction)["rec"]["iou"] == pytest.approx(in_merged)
    assert measure_any(sample, prediction)["rec_any"]["iou"] == pytest.approx(in_any)


def test_no_answer_is_missing_and_a_box_the_wrong_way_round_malformed(sample):
    assert measure_any(sample, answer())["rec_any"]["missing"] == 1
    assert measure_any(sample, answer((10, 0, 0, 10)))["rec_any"]["malformed"] == 1
    with pytest.raises(ValueError, match="empty"):
        rec.measure_any(LEFT, [])


def test_the_merged_box_holds_all():
    assert merged([LEFT, (5.0, -3.0, 7.0, 4.0), RIGHT]) == (0.0, -3.0, 40.0, 10.0)
    assert merged([RIGHT]) == RIGHT


def test_the_protocol_names_the_metric_and_strange_options_are_refused():
    assert configure({}) is kinds.find("grounding")
    assert configure({"boxes": "any"}).metrics[0].protocol == "rec/1 variant=any"
    with pytest.raises(UnknownName, match="did you mean boxes"):
        configure({"box": "any"})
    with pytest.raises(UnknownName, match="did you mean merged"):
        configure({"boxes": "merge"})


@pytest.mark.parametrize("task", ["flickr30k_entities", "flickr30k_entities_any"])
def test_the_constant_is_far_from_the_oracle(refbench, small_world, task):
    words = ("eval", "--task", task, "--data-root", small_world, "--json", "--model")
    for row in refbench(*words, "oracle").json["rows"]:
        assert set(row["metrics"].values()) == {1.0}
    for row in refbench(*words, "constant").json["rows"]:
        assert row["metrics"]["acc@0.5"] < 0.4


@pytest.fixture
def records(small_world):
    """MDETR's form of the first boxes of every phrase of test, with a second box that must not count."""
    found = {}
    for sample in benchmark("flickr30k_entities").open(small_world, "test", "sample").samples:
        photo, sentence = sample.id.split("/")[2:4]
        record = {"image_id": int(photo), "sentence_id": int(sentence[5:]), "boxes": []}
        found.setdefault((photo, sentence), record)["boxes"].append([list(sample.target.boxes[0]), [0, 0, 1, 1]])
    return list(found.values())


@pytest.fixture
def scored(refbench, small_world, tmp_path):
    def run(content, task="flickr30k_entities_any"):
        (path := tmp_path / "answers.json").write_text(json.dumps(content))
        words = ("--predictions", path, "--split", "test", "--data-root", small_world, "--json")
        return refbench("score", "--task", task, *words)

    return run


def test_mdetrs_predictions_are_scored_by_both_protocols(scored, records):
    in_any, in_merged = scored(records).json, scored(records, "flickr30k_entities").json
    assert in_any["metrics"]["acc@0.5"] == 1
    assert 0 < in_merged["metrics"]["acc@0.5"] < 1
    assert (in_any["missing"], in_any["protocol"], in_merged["protocol"]) == (0, "rec/1 variant=any", "rec/1")
    assert scored(records[1:]).json["missing"] == len(records[0]["boxes"])


def test_broken_predictions_are_told(scored, records):
    first = records[0]
    for content, words in (
        ([*records, first], "answered twice: keep one"),
        ([{**first, "boxes": first["boxes"][1:]}], "phrases with boxes, not"),
        ([{**first, "sentence_id": 9}], "sentence 9 of image"),
        ([{**first, "boxes": [[[1, 2, 3]] for _ in first["boxes"]]}], "a list of [x1, y1, x2, y2]"),
        ([{**first, "boxes": [3 for _ in first["boxes"]]}], "a list of [x1, y1, x2, y2]"),
        ([{**first, "boxes": [[["1", 2, 3, 4]] for _ in first["boxes"]]}], "a list of [x1, y1, x2, y2]"),
        ([{**first, "boxes": None}], "needs image_id, sentence_id and boxes"),
        ([7], "needs image_id, sentence_id and boxes"),
    ):
        done = scored(content)
        assert (done.code, words in done.err) == (2, True), done.err
