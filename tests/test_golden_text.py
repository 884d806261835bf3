"""Text metrics equal their official evaluators on the golden files; tolerances are those that the files state."""

import json
import os
from pathlib import Path

import pytest

from metrics import bleu, caption_files, captions, cider, gcg_files, meteor, pope_files, ptb, rouge, vqa_files
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


def test_caption_tokens_are_exact():
    path = GOLDEN / "captions/ptb_tokens.jsonl"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert ptb.tokenize([row["text"] for row in rows]) == [row["tokens"] for row in rows]


def test_caption_tokens_in_the_files_are_exact():
    want = load("captions/expected.json")
    images, candidates, references = caption_pairs()
    tokens = iter(ptb.tokenize([caption for own in references for caption in own]))
    for image, own, candidate in zip(images, references, ptb.tokenize(candidates), strict=True):
        assert [next(tokens) for _ in own] == want["tokens_refs"][str(image)]
        assert [candidate] == want["tokens_hyp"][str(image)]


def test_unsafe_line_breaks_stay_inside_their_caption():
    unsafe = load("captions/ptb_unsafe.json")["unsafe_line_breaks"]
    for escaped, official in unsafe.items():
        text = escaped.encode().decode("unicode_escape")
        first, second = ptb.tokenize([text, "second caption here"])
        assert second == "second caption here"
        shifted = official["second"] != "second caption here"
        assert first == (f"{official['first']} {official['second']}" if shifted else official["first"])


def test_caption_scores_equal_coco_caption():
    want = load("captions/expected.json")
    folder = GOLDEN / "captions"
    report = caption_files.score(folder / "captions_gt.json", folder / "captions_results.json", {})
    for key, own in OFFICIAL.items():
        assert report.metrics[own] == pytest.approx(want["corpus"][key], abs=tolerance(want, key))


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


def test_grounded_captions_equal_glamm():
    want = load("gcg/expected.json")
    folder = GOLDEN / "gcg"
    report = gcg_files.score(folder / "gcg_coco_mask_gt.json", folder / "predictions.jsonl", {})
    close = want["tolerance"]
    assert report.metrics["ap50"] == pytest.approx(want["AP50"], abs=close["AP"])
    assert report.metrics["miou"] == pytest.approx(want["mIoU"], abs=close["mIoU"])
    assert report.metrics["recall"] == want["recall"]
    assert report.metrics["cider"] == pytest.approx(want["CIDEr"], abs=close["CIDEr"])
    if METEOR_KEY:
        assert report.metrics["meteor"] == pytest.approx(want["METEOR"], abs=close["METEOR"])
    assert report.metrics["miou_penalised"] < report.metrics["miou"]


@pytest.mark.parametrize(("variant", "key"), [("official", "official_percent"), ("lavis", "lavis_variant_percent")])
def test_vqa_equals_the_official_script_and_lavis(variant, key):
    expected = load("vqa/expected.json")
    want, close = expected[key], expected["tolerance"]["percent"]
    folder = GOLDEN / "vqa"
    report = vqa_files.score(folder / "annotations.json", folder / "results.json", {"variant": variant})
    assert round(100 * report.metrics["accuracy"], 2) == want["accuracy"]["overall"]
    for kind, name in (("perAnswerType", "answer_type"), ("perQuestionType", "question_type")):
        for label, percent in want["accuracy"][kind].items():
            # the golden values are rounded to eight decimals
            assert 100 * report.per_class[f"{name}: {label}"]["accuracy"] == pytest.approx(percent, abs=close)
    answers = vqa_files.read_answers(folder / "results.json")
    for question in vqa_files.read_questions(folder / "annotations.json"):
        row = measure_vqa(answers[question.question_id], question.annotators, variant, question.identities)
        assert 100 * row["score"] == pytest.approx(want["per_question"][str(question.question_id)], abs=close)


def test_vqa_strings_are_normalised_exactly():
    for text, want in load("vqa/expected.json")["normalised"].items():
        assert words(punctuation(strip(text))) == want


def test_pope_equals_the_official_script():
    want = load("pope/expected.json")
    folder = GOLDEN / "pope"
    report = pope_files.score(folder / "coco_pope_random.jsonl", folder / "answers.jsonl", {})
    for key in ("accuracy", "precision", "recall", "f1", "yes_ratio"):
        assert report.metrics[key] == pytest.approx(want[key], abs=want["tolerance"]["all"])
    answers = [json.loads(line)["answer"] for line in (folder / "answers.jsonl").read_text().splitlines()]
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
