"""The task `coco_captions` through the command line, held to the official file route on the same captions."""

import json

import pytest


@pytest.fixture
def answers(small_world, tmp_path):
    """Every test photo answered with another photo's first reference, except two; and the same in official files."""
    content = json.loads((small_world / "karpathy" / "dataset_coco.json").read_text())
    images = [image for image in content["images"] if image["split"] == "test"]
    said = [each["sentences"][0]["raw"] for each in images[1:] + images[:1]]
    said[0] = None
    rows = zip(images, said, strict=True)
    lines = [{"sample_id": f"coco_captions/karpathy/test/image-{i['cocoid']}", "text": text} for i, text in rows]
    (ours := tmp_path / "ours.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines[:-1]))
    truth = {
        "images": [{"id": image["cocoid"]} for image in images],
        "annotations": [
            {"id": sentence["sentid"], "image_id": image["cocoid"], "caption": sentence["raw"]}
            for image in images
            for sentence in image["sentences"]
        ],
    }
    (targets := tmp_path / "truth.json").write_text(json.dumps(truth))
    found = [{"image_id": i["cocoid"], "caption": text} for i, text in zip(images[1:-1], said[1:-1], strict=True)]
    (results := tmp_path / "results.json").write_text(json.dumps(found))
    return ours, targets, results


def test_missing_and_empty_captions_count_as_in_official_files(refbench, small_world, answers):
    ours, targets, results = answers
    words = ("--predictions", ours, "--data-root", small_world, "--split", "test")
    done = refbench("score", "--task", "coco_captions", *words, "--json")
    official = refbench("score", "captions", "--targets", targets, "--predictions", results, "--json")
    assert (done.json["missing"], done.json["malformed"], done.json["n"]) == (1, 1, 6)
    assert 0 < done.json["metrics"]["bleu1"] < 1
    computed = {key: value for key, value in official.json["metrics"].items() if value is not None}  # without Java
    # the very same arithmetic on the very same captions
    assert done.json["metrics"] == pytest.approx(computed, abs=1e-12)


def test_the_constant_gains_nothing(refbench, small_world):
    words = ("--model", "constant", "--split", "test", "--data-root", small_world)
    [row] = refbench("eval", "--task", "coco_captions", *words, "--json").json["rows"]
    assert max(row["metrics"].values()) < 1e-9  # official BLEU starts its counts at 1e-15
