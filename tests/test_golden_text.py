"""Text metrics equal their official evaluators on the golden files; tolerances are those that the files state."""

import json
import os
from pathlib import Path

import pytest

from metrics import bleu, caption_files, captions, cider, meteor, ptb, rouge, vqa_files
from metrics.pope import parse_official
from metrics.vqa import measure as measure_vqa
from metrics.vqa_normalise import punctuation, strip, words

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[1] / "../shared"))
GOLDEN = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics"))
pytestmark = pytest.mark.skipif(not GOLDEN.is_dir(), reason="golden files are absent")
METEOR_KEY = {"METEOR": "meteor"} if meteor.unavailable() is None else {}
OFFICIAL = {**{f"Bleu_{n}": f"bleu{n}" for n in range(1, 5)}, **METEOR_KEY, "ROUGE_L": "rouge_l", "CIDEr": "cider"}


def load(name):
    path = GOLDEN / name
    if not path.exists():
        pytest.skip(f"{path} is absent")
    return json.loads(path.read_text())


def tolerance(want, key):
    return want["tolerance"]["BLEU" if key.startswith("Bleu") else key]


def caption_pairs():
    truth = caption_files.read_references(GOLDEN / "captions/captions_gt.json").captions
    answers = caption_files.read_generated(GOLDEN / "captions/captions_results.json").captions
    return list(truth), [answers.get(image, "") for image in truth], list(truth.values())


def test_caption_tokens_in_the_files_are_exact():
    want = load("captions/expected.json")
    images, candidates, references = caption_pairs()
    tokens = iter(ptb.tokenize([caption for own in references for caption in own]))
    for image, own, candidate in zip(images, references, ptb.tokenize(candidates), strict=True):
        assert [next(tokens) for _ in own] == want["tokens_refs"][str(image)]
        assert [candidate] == want["tokens_hyp"][str(image)]


def test_caption_scores_equal_coco_caption_per_image_and_on_half_of_the_images():
    want = load("captions/expected.json")
    images, candidates, references = caption_pairs()
    rows = captions.measure_all(candidates, references)
    for image, row in zip(images, rows, strict=True):
        scores = {**bleu.aggregate([row]), **rouge.aggregate([row]), **cider.aggregate([row])}
        scores |= meteor.aggregate([row]) if METEOR_KEY else {}
        for key, own in OFFICIAL.items():
            assert scores[own] == pytest.approx(want["per_image"][str(image)][key], abs=tolerance(want, key))
    half = want["corpus_first_half_of_images"]
    part = captions.aggregate(captions.measure_all(candidates[: half["n_images"]], references[: half["n_images"]]))
    for key, own in OFFICIAL.items():
        assert part[own] == pytest.approx(half[key], abs=tolerance(want, key))


@pytest.mark.parametrize(("variant", "key"), [("official", "official_percent"), ("lavis", "lavis_variant_percent")])
def test_every_vqa_question_scores_as_in_the_official_script_and_lavis(variant, key):
    expected = load("vqa/expected.json")
    want, close = expected[key], expected["tolerance"]["percent"]
    folder = GOLDEN / "vqa"
    answers = vqa_files.read_answers(folder / "results.json")
    for question in vqa_files.read_questions(folder / "annotations.json"):
        row = measure_vqa(answers[question.question_id], question.annotators, variant, question.identities)
        assert 100 * row["score"] == pytest.approx(want["per_question"][str(question.question_id)], abs=close)


def test_vqa_strings_are_normalised_exactly():
    for text, want in load("vqa/expected.json")["normalised"].items():
        assert words(punctuation(strip(text))) == want


def test_every_pope_answer_is_read_as_by_the_official_script():
    want = load("pope/expected.json")
    answers = [json.loads(line)["answer"] for line in (GOLDEN / "pope/answers.jsonl").read_text().splitlines()]
    assert [int(parse_official(answer) == "yes") for answer in answers] == want["parsed"]


def test_real_caption_results_equal_coco_caption():
    folder = SHARED / "data/coco_captions_mini"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    official_bleu = pytest.importorskip("pycocoevalcap.bleu.bleu")
    official_cider = pytest.importorskip("pycocoevalcap.cider.cider")
    official_rouge = pytest.importorskip("pycocoevalcap.rouge.rouge")
    results = {"results_gpt4_detail.json": 15, "captions_val2014_fakecap_results.json": 2}
    for name, images in results.items():
        targets = folder / "captions_val2014_subset.json"
        report = caption_files.score(targets, folder / name, {"images": "predicted", "meteor": "no"})
        assert report.n == images
        truth = caption_files.read_references(targets).captions
        answers = caption_files.read_generated(folder / name).captions
        chosen = [image for image in truth if image in answers]
        gts = {image: ptb.tokenize(truth[image]) for image in chosen}
        res = {image: ptb.tokenize([answers[image]]) for image in chosen}
        blues = official_bleu.Bleu(4).compute_score(gts, res, verbose=0)[0]
        assert [report.metrics[f"bleu{n}"] for n in range(1, 5)] == pytest.approx(blues, abs=1e-10)
        assert report.metrics["cider"] == pytest.approx(official_cider.Cider().compute_score(gts, res)[0], abs=1e-8)
        assert report.metrics["rouge_l"] == pytest.approx(official_rouge.Rouge().compute_score(gts, res)[0], abs=1e-10)
