import json
import shutil

import pytest

from metrics.caption_files import score
from metrics.errors import DataError

TRUTH = {
    "images": [{"id": 1}, {"id": 2}, {"id": 3}],
    "annotations": [
        {"image_id": 1, "id": 1, "caption": "a dog runs"},
        {"image_id": 2, "id": 2, "caption": "two cats sit"},
        {"image_id": 3, "id": 3, "caption": "a red bird"},
        {"image_id": 3, "id": 4, "caption": "the bird"},
    ],
}
GOOD = [
    {"image_id": 2, "caption": "two cats sit"},
    {"image_id": 1, "caption": "a dog runs"},
    {"image_id": 3, "caption": "a red bird"},
]


@pytest.fixture
def scored(tmp_path):
    def run(truth=TRUTH, answers=GOOD, **options):
        files = []
        for name, content in (("truth.json", truth), ("answers.json", answers)):
            files.append(tmp_path / name)
            files[-1].write_text(content if isinstance(content, str) else json.dumps(content))
        return score(*files, {"meteor": "no", **options})

    return run


def test_results_may_come_in_any_order(scored):
    report = scored()
    assert (report.n, report.missing, report.malformed, report.protocol) == (3, 0, 0, "captions/1")
    assert list(report.metrics) == ["bleu1", "bleu2", "bleu3", "bleu4", "meteor", "rouge_l", "cider"]
    assert report.metrics["rouge_l"] == 1.0
    assert report.metrics["meteor"] is None
    assert report.notes == ("METEOR not computed: the option meteor=no was given",)


def test_without_java_meteor_is_not_computed_and_said_so(scored, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    report = scored(meteor="auto")
    assert report.metrics["meteor"] is None
    assert report.metrics["cider"] == scored().metrics["cider"]
    assert report.notes[-1].startswith("METEOR not computed: ")
    with pytest.raises(DataError, match="METEOR cannot be computed"):
        scored(meteor="yes")


def test_a_missing_caption_stays_and_scores_as_empty(scored):
    report, blank = scored(answers=GOOD[:2]), scored(answers=[*GOOD[:2], {"image_id": 3, "caption": ""}])
    assert (report.n, report.missing) == (3, 1)
    assert report.metrics == blank.metrics
    assert "1 images have no caption (first: 3)" in report.notes[0]
    assert scored(answers=[]).missing == 3


def test_a_caption_that_is_no_text_is_malformed(scored):
    report = scored(answers=[*GOOD[:2], {"image_id": 3, "caption": None}])
    assert (report.n, report.missing, report.malformed) == (3, 0, 1)
    assert "image 3" in report.notes[0]


def test_only_predicted_images_is_a_named_variant(scored):
    report = scored(answers=GOOD[:2], images="predicted")
    assert (report.n, report.missing) == (2, 0)
    assert report.protocol == "captions/1 images=predicted"
    assert "official servers do not do" in report.notes[0]


def test_unknown_and_bare_images_are_noted(scored):
    truth = {**TRUTH, "images": [*TRUTH["images"], {"id": 4}]}
    report = scored(truth, [*GOOD, {"image_id": 9, "caption": "x"}, {"image_id": 4, "caption": "x"}])
    assert report.n == 3
    assert any("not in truth.json (first: 9)" in note for note in report.notes)
    assert any("first: 4" in note for note in report.notes)


def test_line_separators_are_read_as_spaces_and_noted(scored):
    answers = [GOOD[0], {"image_id": 1, "caption": "a dog\u2028runs"}, GOOD[2]]
    report = scored(answers=answers)
    assert report.metrics == scored().metrics
    assert any(note.startswith("1 captions hold line separators") for note in report.notes)


@pytest.mark.parametrize(
    ("truth", "answers", "message"),
    [
        (TRUTH, "", "answers.json is empty"),
        (TRUTH, "{", "answers.json:1: not JSON"),
        (TRUTH, {"annotations": []}, "must be a list"),
        (TRUTH, [3], "entry 0 of the list is no JSON object"),
        (TRUTH, [{"image_id": 1}], "entry 0 needs an image_id and a caption"),
        (TRUTH, [{"image_id": [1], "caption": ""}], "entry 0 needs an image_id"),
        (TRUTH, [GOOD[0], GOOD[0]], "image 2 has two captions"),
        ([], GOOD, 'no list "annotations"'),
        ({"annotations": []}, GOOD, "holds no captions"),
        ({"annotations": [{"image_id": 1}]}, GOOD, r"annotations\[0\] needs an image_id and a caption"),
        ({**TRUTH, "images": [{"id": 1}]}, GOOD, "is of image 2, not listed"),
        ({**TRUTH, "images": [{"id": 1}, {"id": 1}]}, GOOD, "image id 1 is used twice"),
    ],
)
def test_broken_files_are_named(scored, truth, answers, message):
    with pytest.raises(DataError, match=message):
        scored(truth, answers)


def test_files_that_share_no_image_are_refused_where_only_predicted_ones_count(scored):
    with pytest.raises(DataError, match=r"names no image of truth.json"):
        scored(answers=[{"image_id": 9, "caption": "x"}], images="predicted")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"truth.json is missing"):
        score(tmp_path / "truth.json", tmp_path / "answers.json", {})


def test_an_unknown_value_of_an_option_is_refused(scored):
    with pytest.raises(DataError, match="option images=some"):
        scored(images="some")
