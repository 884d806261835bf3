"""`refbench score`: official files by metric, predictions of others by task."""

import json
from pathlib import Path

import pytest

from benchmarks.registry import benchmark

KEYS = ["metric", "protocol", "n", "missing", "malformed", "metrics", "per_class"]


@pytest.fixture
def samples(small_world):
    """The samples of the split that the tests answer."""
    return benchmark("refcocog/umd").open(small_world, "test", "sample").samples


@pytest.fixture
def handed_in(refbench, small_world):
    """Score lines as `refcocog_<kind>` on the small world."""

    def score(kind, lines, *words):
        Path("answers.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        flags = ["--task", f"refcocog_{kind}", "--predictions", "answers.jsonl", "--data-root", small_world]
        return refbench("score", *flags, *words, "--json")

    return score


def true_boxes(samples):
    return [{"sample_id": sample.id, "box_xyxy": list(sample.target.box_xyxy)} for sample in samples]


def true_masks(samples):
    return [{"sample_id": sample.id, "mask_rle": dict(sample.target.mask_rle)} for sample in samples]


def test_the_simple_form_of_the_truth_scores_perfectly(handed_in, samples):
    for kind, lines in [("rec", true_boxes(samples)), ("res", true_masks(samples))]:
        outcome = handed_in(kind, lines)
        assert outcome.code == 0
        assert list(outcome.json) == KEYS
        assert set(outcome.json["metrics"].values()) == {1.0}
        assert [outcome.json[key] for key in KEYS[:5]] == [kind, f"{kind}/1", len(samples), 0, 0]
        assert "refcocog/umd test (sample data)" in outcome.err


def test_a_run_scores_the_same_from_its_predictions_file(refbench, small_world):
    words = ["--task", "refcocog_res", "--data-root", small_world]
    for row in refbench("eval", *words, "--model", "constant", "--json").json["rows"]:
        path = "runs" / Path(row["run"]) / "predictions.jsonl"
        answer = refbench("score", *words, "--predictions", path, "--json").json
        assert answer["metrics"] == row["metrics"]
        assert (answer["n"], answer["missing"], answer["malformed"]) == (row["n"], 0, 0)


def test_missing_and_unusable_answers_stay_in_the_denominator(handed_in, samples):
    lines = true_boxes(samples)
    x1, y1, x2, y2 = lines[0]["box_xyxy"]
    lines[0]["box_xyxy"] = [x2, y2, x1, y1]
    lines[1]["box_xyxy"] = None
    answer = handed_in("rec", lines[:-3]).json
    assert (answer["n"], answer["missing"], answer["malformed"]) == (len(samples), 3, 1)
    assert answer["metrics"]["acc@0.5"] == pytest.approx(1 - 5 / len(samples), abs=1e-12)  # float rounding only


def test_a_mask_of_another_size_is_malformed_and_scores_worst(handed_in, samples):
    lines = true_masks(samples)
    lines[0]["mask_rle"] = {"size": [2, 2], "counts": "13"}
    answer = handed_in("res", lines).json
    assert (answer["missing"], answer["malformed"]) == (0, 1)
    assert answer["metrics"]["giou"] == pytest.approx(1 - 1 / len(samples), abs=1e-12)  # float rounding only


@pytest.mark.parametrize(
    ("bend", "said"),
    [
        (lambda lines: [*lines, lines[0]], "is answered a second time"),
        (lambda lines: [*lines, {**lines[0], "sample_id": "else"}], "1 of 37 ids are not of refcocog/umd test"),
        (lambda lines: [{"sample_id": "a"}], "a line needs sample_id and one of box_xyxy, mask_rle"),
        (lambda lines: [{"box_xyxy": [0, 0, 1, 1]}], "sample_id is missing"),
        (lambda lines: [{**lines[0], "score": 1}], "a line needs sample_id and one of"),
        (lambda lines: [{**lines[0], "box_xyxy": [1, 2]}], "box_xyxy must be four numbers"),
        (lambda lines: [7], "an object is needed"),
    ],
)
def test_a_file_that_breaks_its_format_is_told_by_line(handed_in, samples, bend, said):
    outcome = handed_in("rec", bend(true_boxes(samples)))
    assert (outcome.code, outcome.out) == (2, "")
    assert said.replace("37", str(len(samples) + 1)) in outcome.err
    assert "answers.jsonl" in outcome.err


def test_broken_json_and_missing_files_are_told(refbench, small_world):
    Path("broken.jsonl").write_text('{"sample_id": \n')
    words = ["score", "--task", "refcocog_rec", "--data-root", small_world, "--predictions"]
    assert "broken.jsonl:1: broken JSON" in refbench(*words, "broken.jsonl").err
    assert "nowhere.jsonl is missing" in refbench(*words, "nowhere.jsonl").err


def test_the_split_comes_from_the_ids_or_from_the_flag(handed_in, samples, small_world):
    val = benchmark("refcocog/umd").open(small_world, "val", "sample").samples
    both = handed_in("rec", true_boxes([*samples, *val]))
    assert both.code == 2
    assert "answers val and test: score one split at a time, named by --split" in both.err
    wrong = handed_in("rec", true_boxes(samples), "--split", "val")
    assert wrong.code == 2
    assert "ids are not of refcocog/umd val" in wrong.err
    assert "no split of refcocog_rec is called 'tets'" in handed_in("rec", [], "--split", "tets").err
    none = handed_in("rec", [])
    assert "does not tell its split by its ids" in none.err
    empty = handed_in("rec", [], "--split", "test").json
    assert empty["missing"] == empty["n"] == len(samples)


def test_official_files_give_the_number_of_the_contract(refbench, small_world):
    refs = benchmark("refcocog/umd").open(small_world, "test", "sample").samples
    ids = [sample.id.split("/")[-2:] for sample in refs]
    lines = [
        {"ref_id": int(ref[4:]), "sent_id": int(sent[5:]), "segmentation": dict(sample.target.mask_rle)}
        for (ref, sent), sample in zip(ids, refs, strict=True)
    ]
    Path("masks.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    targets = write_targets(small_world / "refcocog")
    words = ["res", "--targets", targets, "--predictions", "masks.jsonl", "--option", "split=test", "variant=lavt"]
    answer = refbench("score", *words, "--json").json
    assert list(answer) == KEYS
    assert (answer["metric"], answer["n"], answer["missing"]) == ("res", len(refs), 0)
    assert answer["metrics"]["ciou"] == 1.0
    text = refbench("score", *words).out
    assert text.startswith("res (res/1 variant=lavt")
    assert "ciou" in text


def write_targets(folder):
    """The official files with refs as JSON, which the scorer reads instead of a pickle."""
    from benchmarks.files import read_pickle

    refs = read_pickle(folder / "refs(umd).p")
    (out := Path("targets")).mkdir()
    (out / "refs.json").write_text(json.dumps(refs))
    (out / "instances.json").write_text((folder / "instances.json").read_text())
    return out


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("max_det=1", "no option of bbox is called 'max_det'; did you mean max_dets?"),
        ("max_dets", "--option max_dets must be NAME=VALUE"),
    ],
)
def test_options_are_checked_by_name(refbench, option, said):
    outcome = refbench("score", "bbox", "--targets", "t.json", "--predictions", "p.json", "--option", option)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


def test_an_option_given_twice_is_refused(refbench):
    words = ["--targets", "t.json", "--predictions", "p.json", "--option", "per_class=no", "--option", "per_class=yes"]
    assert "--option per_class is given twice" in refbench("score", "bbox", *words).err


def test_missing_official_files_are_told_by_the_metric(refbench):
    outcome = refbench("score", "bbox", "--targets", "nowhere.json", "--predictions", "p.json")
    assert (outcome.code, outcome.out) == (2, "")
    assert "nowhere.json" in outcome.err


def test_classes_get_a_table_of_their_own(refbench):
    box = {"bbox": [0, 0, 10, 10], "category_id": 1, "image_id": 1}
    categories = [{"id": 1, "name": "cat"}]
    images = [{"id": 1, "width": 20, "height": 20}]
    annotation = {**box, "id": 1, "iscrowd": 0, "area": 100}
    Path("t.json").write_text(json.dumps({"images": images, "categories": categories, "annotations": [annotation]}))
    Path("p.json").write_text(json.dumps([{**box, "score": 0.9}]))
    words = ["score", "bbox", "--targets", "t.json", "--predictions", "p.json"]
    assert refbench(*words, "--json").json["per_class"]["cat"]["ap"] == pytest.approx(1.0)
    assert any(line.startswith("cat ") for line in refbench(*words).out.splitlines())
