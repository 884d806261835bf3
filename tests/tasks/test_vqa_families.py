"""The tasks `textvqa` and `vizwiz` through the command line: on the sample world, and on the head of the real file."""

import json
import os
from pathlib import Path

import pytest
from PIL import Image

from benchmarks.errors import ConfigError
from tasks.vqa import configure

REAL = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared")) / "data/vqa_samples"


@pytest.fixture
def score(refbench, small_world, tmp_path):
    """Score a results list on the sample world."""

    def run(task, results):
        (path := tmp_path / "results.json").write_text(json.dumps(results))
        return refbench("score", "--task", task, "--predictions", path, "--data-root", small_world, "--json")

    return run


def test_results_of_textvqa_score_as_the_metric_scores_them(refbench, score, small_world, tmp_path):
    targets = small_world / "textvqa" / "TextVQA_0.5.1_val.json"
    data = json.loads(targets.read_text())["data"]
    results = [
        {"question_id": each["question_id"], "answer": f"The {each['answers'][0].upper()}?" if k % 2 else "no"}
        for k, each in enumerate(data)
    ]
    done = score("textvqa", results[1:]).json
    words = ("--targets", targets, "--predictions", tmp_path / "results.json", "--option", "variant=textvqa")
    official = refbench("score", "vqa", *words, "--json").json
    assert done["metrics"] == official["metrics"] == {"accuracy": 0.5}
    assert (done["missing"], done["protocol"]) == (1, "vqa/1 variant=textvqa")


def test_results_of_vizwiz_name_the_photo(score, small_world):
    data = json.loads((small_world / "vizwiz" / "Annotations" / "val.json").read_text())
    unanswerable = [each["image"] for each in data if not each["answerable"]]
    assert 0 < len(unanswerable) < len(data) / 2
    results = [{"image": each["image"], "answer": "Unanswerable."} for each in data]
    assert score("vizwiz", results).json["metrics"]["accuracy"] == pytest.approx(len(unanswerable) / len(data))


@pytest.mark.parametrize(
    ("results", "said"),
    [
        ([{"answer": "x"}], "lacks question_id or image: correct the entry"),
        ([{"question_id": 0}], "lacks answer or text: correct the entry"),
        ([{"question_id": 0, "answer": "x"}] * 2, "0 is answered a second time"),
        ([{"question_id": 0.5, "answer": "x"}], "id 0.5 is neither a whole number nor a text"),
        ([{"question_id": 77, "answer": "x"}], "1 of 1 ids are not of textvqa/0.5.1 val"),
        ([3], "is no JSON object"),
    ],
)
def test_broken_results_are_told(score, results, said):
    done = score("textvqa", results)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_an_answer_that_is_no_text_is_malformed_and_wrong(score):
    done = score("textvqa", [{"question_id": 0, "answer": None}]).json
    assert (done["malformed"], done["missing"], done["n"]) == (1, 17, 18)
    assert done["metrics"]["accuracy"] == 0


@pytest.mark.parametrize("task", ["textvqa", "vizwiz"])
def test_the_constant_is_hardly_ever_right(refbench, small_world, task):
    words = ("--model", "constant", "--data-root", small_world, "--json")
    [row] = refbench("eval", "--task", task, *words).json["rows"]
    assert row["metrics"]["accuracy"] < 0.25


def test_there_is_no_other_variant():
    with pytest.raises(ConfigError, match="protocol option variant is 'm4c'"):
        configure({"variant": "m4c"})


@pytest.mark.skipif(not REAL.is_dir(), reason="the official files are not here")
def test_the_head_of_the_real_file_is_evaluated(refbench, tmp_path):
    content = json.loads((REAL / "TextVQA_0.5.1_val.sample.json").read_text())
    (tmp_path / "data" / "textvqa" / "train_images").mkdir(parents=True)
    (tmp_path / "data" / "textvqa" / "TextVQA_0.5.1_val.json").write_text(json.dumps(content))
    for image_id in {each["image_id"] for each in content["data"]}:  # the photos are not here: only their names matter
        Image.new("RGB", (8, 6)).save(tmp_path / "data" / "textvqa" / "train_images" / f"{image_id}.jpg")
    words = ("eval", "--task", "textvqa", "--data-root", tmp_path / "data", "--json", "--model")
    [oracle], [constant] = (refbench(*words, model).json["rows"] for model in ("oracle", "constant"))
    assert (oracle["n"], oracle["data"]) == (100, "official")
    # annotators disagree, so that the best one answer can do is less than everything
    assert 0.8 < oracle["metrics"]["accuracy"] < 1
    assert constant["metrics"]["accuracy"] < 0.1
