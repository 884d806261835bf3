"""Files that break their format, through `refbench score`: exit code 2 and one line that names file and id.

Each family starts from files that score, so that what is refused afterwards is the one thing that was changed.
"""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

MASK = np.zeros((4, 6), np.uint8, order="F")
MASK[1:3, 1:4] = 1
RLE = {**coco.encode(MASK), "counts": coco.encode(MASK)["counts"].decode()}
OTHER_SIZE = {"size": [3, 6], "counts": "4210005"}
BOX, POLYGON = [1.0, 1.0, 3.0, 2.0], [[1, 1, 4, 1, 4, 3, 1, 3]]
IMAGES = [{"id": 7, "height": 4, "width": 6, "neg_category_ids": [], "not_exhaustive_category_ids": []}]
POSE = [2.0, 2.0, 2.0] * 17
OBJECT = {"id": 1, "image_id": 7, "category_id": 3, "bbox": BOX, "area": 6, "iscrowd": 0, "segmentation": POLYGON,
          "keypoints": POSE, "num_keypoints": 17}  # fmt: skip
COCO = {"images": IMAGES, "annotations": [OBJECT], "categories": [{"id": 3, "name": "cat", "frequency": "f"}]}
REFS = [{"ref_id": 1, "ann_id": 1, "image_id": 7, "split": "val", "sentences": [{"sent_id": 5, "sent": "cat"}]}]
FOUND = {"image_id": 7, "category_id": 3, "score": 0.9}
ANSWER = {"ref_id": 1, "sent_id": 5}
VQA = {"annotations": [{"question_id": 1, "answer_type": "other", "question_type": "what",
                        "answers": [{"answer": "cat", "answer_id": i} for i in range(10)]}]}  # fmt: skip
FAMILIES = {
    "bbox": (COCO, [{**FOUND, "bbox": BOX}]),
    "segm": (COCO, [{**FOUND, "segmentation": RLE}]),
    "keypoints": (COCO, [{**FOUND, "keypoints": POSE}]),
    "lvis": (COCO, [{**FOUND, "segmentation": RLE}]),
    "rec": (REFS, [{**ANSWER, "bbox": BOX}]),
    "res": (REFS, [{**ANSWER, "segmentation": RLE}]),
    "gres": (REFS, [{**ANSWER, "segmentation": RLE, "no_target": False}]),
    "pck": (COCO, [{"annotation_id": 1, "keypoints": POSE}]),
    "captions": ({"images": IMAGES, "annotations": [{"id": 1, "image_id": 7, "caption": "a cat"}]},
                 [{"image_id": 7, "caption": "a cat"}]),
    "gcg": (COCO, [{"image_id": 7, "caption": "a cat", "phrases": ["cat"], "pred_masks": [RLE]}]),
    "vqa": (VQA, [{"question_id": 1, "answer": "cat"}]),
    "gqa": ({"1": {"question": "what", "answer": "cat"}}, [{"questionId": "1", "prediction": "cat"}]),
    "fidelity": ([{"id": 1, "groups": []}], [{"id": 1, "parsed": True, "plan": [], "body": [], "refused": True}]),
    "pope": ([{"question_id": 1, "text": "a cat?", "label": "yes"}], [{"question_id": 1, "answer": "yes"}]),
}  # fmt: skip
OPTIONS = {"captions": ["--option", "meteor=no"], "gcg": ["--option", "meteor=no"]}


@pytest.fixture
def scored(refbench, tmp_path):
    """Write both files and score them; contents that are bytes are written as they are."""

    def score(metric, targets=None, predictions=None):
        good = FAMILIES[metric]
        paths = []
        for stem, given, usual in (("targets", targets, good[0]), ("predictions", predictions, good[1])):
            content = usual if given is None else given
            path = tmp_path / f"{stem}.json"
            path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
            paths.append(path)
        (tmp_path / "instances.json").write_text(json.dumps(COCO))
        described = {"annotations": [{"image_id": 7, "caption": "a cat", "labels": ["cat"]}]}
        (tmp_path / "described.json").write_text(json.dumps(described))
        tail = [*OPTIONS.get(metric, []), *([f"captions={tmp_path / 'described.json'}"] if metric == "gcg" else [])]
        return refbench("score", metric, "--targets", paths[0], "--predictions", paths[1], "--json", *tail)

    return score


def check_refused(done, *words):
    lines = done.err.strip().splitlines()
    assert (done.code, done.out, len(lines)) == (2, "", 1), done
    for word in words:
        assert word in lines[0]


@pytest.mark.parametrize("metric", FAMILIES)
def test_good_files_are_scored(scored, metric):
    done = scored(metric)
    assert done.code == 0, done.err
    assert (done.json["n"], done.json["missing"], done.json["malformed"]) == (1, 0, 0)


@pytest.mark.parametrize("side", ["targets", "predictions"])
@pytest.mark.parametrize(
    "content",
    [b"", b" \n", b"null", b"3", b'"text"', b"[3]", b"[[]]", b"[{}]", b'{"images": 1}', b"\xff\xfe\x00", b"[" * 99_999],
    ids=["empty", "blank", "null", "number", "text", "numbers", "lists", "bare", "schema", "binary", "deep"],
)
@pytest.mark.parametrize("metric", FAMILIES)
def test_another_schema_is_refused_by_name(scored, metric, content, side):
    check_refused(scored(metric, **{side: content}), f"{side}.json")


@pytest.mark.parametrize("side", ["targets", "predictions"])
@pytest.mark.parametrize("metric", FAMILIES)
def test_a_file_that_is_cut_off_is_refused_by_name(scored, metric, side):
    whole = json.dumps(FAMILIES[metric][side == "predictions"]).encode()
    check_refused(scored(metric, **{side: whole[: len(whole) // 2]}), f"{side}.json")


def one(metric, **changes):
    """The predictions of a family with fields of the first entry changed."""
    return [{**FAMILIES[metric][1][0], **changes}]


@pytest.mark.parametrize(
    ("metric", "changes", "words"),
    [
        ("bbox", {"bbox": [1, 2, 3]}, ["4 numbers"]),
        ("bbox", {"bbox": [1, 2, float("nan"), 4]}, ["finite"]),
        ("bbox", {"score": float("inf")}, ["score", "finite"]),
        ("bbox", {"image_id": 8}, ["8"]),
        ("segm", {"segmentation": {"size": [4, 6], "counts": "\x7f"}}, ["image_id 7"]),
        ("keypoints", {"keypoints": [1, 2, 2]}, ["51 numbers"]),
        ("keypoints", {"keypoints": [float("nan")] * 51}, ["finite"]),
        ("keypoints", {"image_id": "seven"}, ["'seven'"]),
        ("lvis", {"score": None}, ["score"]),
        ("rec", {"bbox": [1, 2, 3]}, ["entry 0"]),
        ("rec", {"ref_id": 2}, ["ref_id 2"]),
        ("rec", {"bbox": [3, 1, float("nan"), 2]}, ["finite"]),
        ("res", {"segmentation": 5}, ["entry 0"]),
        ("res", {"segmentation": OTHER_SIZE}, ["entry 0", "3 x 6"]),
        ("gres", {"segmentation": OTHER_SIZE}, ["entry 0", "3 x 6"]),
        ("gres", {"no_target": "yes"}, ["no_target"]),
        ("pck", {"annotation_id": 9}, ["9"]),
        ("pck", {"keypoints": [1, 2]}, ["keypoints"]),
        ("captions", {"image_id": None}, ["image_id"]),
        ("gcg", {"phrases": []}, ["7", "phrases"]),
        ("vqa", {"question_id": None}, ["question_id"]),
        ("gqa", {"questionId": 1.5}, ["questionId"]),
        ("pope", {"question_id": [1]}, ["question_id"]),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_place(scored, metric, changes, words):
    check_refused(scored(metric, predictions=one(metric, **changes)), "predictions.json", *words)


@pytest.mark.parametrize("metric", ["rec", "res", "gres", "pck", "captions", "gcg", "vqa", "gqa", "fidelity", "pope"])
def test_a_second_answer_is_refused(scored, metric):
    check_refused(scored(metric, predictions=FAMILIES[metric][1] * 2), "predictions.json")


@pytest.mark.parametrize(
    ("metric", "changes"),
    [
        ("bbox", {"bbox": [3, 1, -2, 2]}),
        ("segm", {"segmentation": OTHER_SIZE}),
        ("lvis", {"segmentation": OTHER_SIZE}),
        ("rec", {"bbox": [3, 1, -2, 2]}),
        ("gcg", {"pred_masks": [OTHER_SIZE]}),
        ("captions", {"caption": None}),
        ("vqa", {"answer": 3}),
        ("gqa", {"prediction": 3}),
        ("pope", {"answer": None}),
    ],
)
def test_an_unusable_answer_is_counted_and_scores_worst(scored, metric, changes):
    done = scored(metric, predictions=one(metric, **changes))
    assert done.code == 0, done.err
    assert (done.json["n"], done.json["malformed"]) == (1, 1)
    headline = {"captions": "rouge_l", "gcg": "miou", "vqa": "accuracy", "gqa": "accuracy", "pope": "accuracy",
                "rec": "acc@0.5"}.get(metric, "ap")  # fmt: skip
    assert done.json["metrics"][headline] == 0


@pytest.mark.parametrize("metric", ["bbox", "segm", "keypoints", "lvis"])
def test_unknown_categories_and_repeats_are_told_and_the_rest_is_scored(scored, metric):
    found = FAMILIES[metric][1]
    done = scored(metric, predictions=[*found, {**found[0], "category_id": 99}, *found])
    assert done.code == 0
    assert "99" in done.err
    assert done.json["metrics"]["ap"] == pytest.approx(1.0)
    if metric != "lvis":
        assert "repeat" in done.err or "twice" in done.err or "same" in done.err


@pytest.mark.parametrize("metric", ["bbox", "segm", "keypoints", "lvis"])
def test_results_without_scores_have_no_ap_unless_a_ranking_is_declared(scored, metric, refbench, tmp_path):
    bare = {key: value for key, value in FAMILIES[metric][1][0].items() if key != "score"}
    check_refused(scored(metric, predictions=[bare]), "predictions.json", "score")
    paths = tmp_path / "targets.json", tmp_path / "predictions.json"
    words = ("score", metric, "--targets", paths[0], "--predictions", paths[1], "--json", "--option")
    done = refbench(*words, "score_source=constant")
    assert done.json["metrics"]["ap"] == pytest.approx(1.0)
    assert "score_source=constant" in done.json["protocol"]


def test_twenty_five_boxes_do_not_beat_the_first_of_them(scored):
    wrong, right = [4.0, 0.0, 1.0, 1.0], BOX
    single = scored("rec", predictions=one("rec", bbox=wrong)).json
    many = scored("rec", predictions=one("rec", bbox=[wrong, *[right] * 24])).json
    assert many == single
    assert many["metrics"]["acc@0.25"] == 0.0


def test_a_refusal_is_missing_and_never_a_zero_box(scored):
    done = scored("rec", predictions=one("rec", bbox=None)).json
    assert (done["n"], done["missing"], done["metrics"]["acc@0.25"], done["metrics"]["miou"]) == (1, 1, 0.0, 0.0)


def test_separators_inside_a_caption_are_spaces_and_told(scored):
    done = scored("captions", predictions=one("captions", caption="a\u2028cat"))
    assert done.json["metrics"]["bleu2"] == pytest.approx(1.0, abs=1e-6)
    assert "separator" in done.err


@pytest.fixture
def panoptic(refbench, tmp_path):
    """Score one panoptic image of 2 x 2 pixels whose halves have ids 1 and 2, with changes to the prediction."""

    def score(segments=((1, 3), (2, 3)), pixels=((1, 2), (1, 2))):
        for side, ids, info in (("gt", ((1, 2), (1, 2)), ((1, 3), (2, 3))), ("pred", pixels, segments)):
            (tmp_path / side).mkdir(exist_ok=True)
            rgb = np.zeros((*np.shape(ids), 3), np.uint8)
            rgb[..., 0] = ids
            Image.fromarray(rgb).save(tmp_path / side / "7.png")
            listed = [{"id": i, "category_id": c, "area": 2, "iscrowd": 0} for i, c in info]
            content = {
                "annotations": [{"image_id": 7, "file_name": "7.png", "segments_info": listed}],
                "categories": [{"id": 3, "name": "cat", "isthing": 1}],
            }
            (tmp_path / f"{side}.json").write_text(json.dumps(content))
        return refbench(
            "score", "panoptic", "--targets", tmp_path / "gt.json", "--predictions", tmp_path / "pred.json", "--json"
        )

    return score


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"pixels": ((1, 9), (1, 9)), "segments": ((1, 3),)}, ["pred", "9"]),
        ({"segments": ((1, 3), (2, 3), (5, 3))}, ["pred", "5"]),
        ({"segments": ((1, 3), (2, 4))}, ["pred", "4"]),
        ({"segments": ((1, 3), (2, 3), (2, 3))}, ["pred", "2"]),
        ({"pixels": ((1, 2, 2), (1, 2, 2))}, ["pred", "7"]),
    ],
    ids=["png id not listed", "listed id not drawn", "unknown category", "id twice", "other size"],
)
def test_panoptic_maps_and_lists_that_disagree_are_refused(panoptic, changes, words):
    assert panoptic().json["metrics"]["pq"] == 1.0
    check_refused(panoptic(**changes), *words)


@pytest.fixture
def folders(tmp_path):
    paths = tmp_path / "gt", tmp_path / "pred"
    for path in paths:
        path.mkdir()
    return paths


@pytest.mark.parametrize(
    ("metric", "value", "other", "options"),
    [
        ("semantic", np.uint8(1), np.ones((3, 3), np.uint8), ["--option", "num_classes=2"]),
        ("salient", np.uint8(255), np.ones((3, 3), np.uint8), []),
        ("depth", np.uint16(2000), np.ones((4, 6), np.uint8), ["--option", "crop=none"]),
    ],
)
def test_maps_of_another_kind_are_refused_by_file(refbench, folders, metric, value, other, options):
    words = ("score", metric, "--targets", folders[0], "--predictions", folders[1], "--json", *options)
    for folder in folders:
        Image.fromarray(np.full((4, 6), value)).save(folder / "seven.png")
    assert refbench(*words).code == 0
    Image.fromarray(other).save(folders[1] / "seven.png")
    check_refused(refbench(*words), "seven.png")
    for broken in (b"", b"\x89PNG\r\n\x1a\n", b"text"):
        (folders[1] / "seven.png").write_bytes(broken)
        check_refused(refbench(*words), "seven.png")
    (folders[0] / "seven.png").unlink()
    check_refused(refbench(*words), "gt")
