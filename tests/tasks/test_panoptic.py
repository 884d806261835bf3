"""Panoptic tasks: answers become maps by stated rules, and score as the official evaluator scores them."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import ConfigError, DataError, UnknownName
from benchmarks.panoptic_target import PanopticTarget, TrueSegment
from benchmarks.registry import benchmark
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample
from benchmarks.truth import Category
from metrics.masks import encode
from metrics.panoptic import aggregate
from metrics.panoptic_png import read_ids
from tasks.overlap import Claim
from tasks.panoptic import configure, resolve
from tasks.panoptic_files import official

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
MINI, GOLDEN = SHARED / "data/coco_panoptic_mini", SHARED / "golden/metrics/panoptic"
CAT, SKY = Category(4, "cat"), Category(9, "sky", isthing=False)


def mask(*rows):
    """Draw a mask: '#' is the object."""
    return encode(np.array([[char == "#" for char in row] for row in rows]))


def resolved(*claims, **options):
    found = resolve([Claim(category, drawn) for category, drawn in claims], (CAT, SKY), (2, 4), **options)
    return found.ids.tolist(), [(segment.id, segment.category_id) for segment in found.segments]


def test_masks_of_one_stuff_are_one_segment_and_things_stay_apart():
    ids, segments = resolved(
        (1, mask("#...", "....")), (0, mask("##..", "....")), (1, mask("...#", "....")), (0, mask("....", "###."))
    )
    assert ids == [[1, 2, 0, 1], [3, 3, 3, 0]]
    assert segments == [(1, 9), (2, 4), (3, 4)]


def test_pixels_of_masks_without_category_are_void_even_where_others_cover_them():
    ids, segments = resolved((None, mask("##..", "....")), (0, mask("####", "....")))
    assert (ids, segments) == ([[0, 0, 1, 1], [0, 0, 0, 0]], [(1, 4)])


def test_a_mask_that_shows_nowhere_is_no_segment():
    assert resolved((0, mask("####", "....")), (0, mask("##..", "....")), (0, mask("....", "....")))[1] == [(1, 4)]


def test_a_mask_that_keeps_too_little_is_dropped_only_if_the_protocol_says_so():
    claims = ((0, mask("###.", "....")), (1, mask("####", "#...")))
    assert resolved(*claims) == ([[1, 1, 1, 2], [2, 0, 0, 0]], [(1, 4), (2, 9)])
    assert resolved(*claims, min_visible=0.4)[1] == [(1, 4), (2, 9)]
    assert resolved(*claims, min_visible=0.41) == ([[1, 1, 1, 0], [0, 0, 0, 0]], [(1, 4)])


@pytest.mark.parametrize("options", [{"min_visible": "2"}, {"min_visible": "few"}])
def test_protocol_values_are_checked(options):
    with pytest.raises(ConfigError, match="min_visible"):
        configure(options)


def test_protocol_names_are_checked():
    with pytest.raises(UnknownName, match="did you mean min_visible"):
        configure({"min_visble": "0"})
    with pytest.raises(UnknownName, match="no phrase mapper is called 'exakt'"):
        configure({"phrases": "exakt"})


def test_phrases_without_category_count_against_the_model_and_are_shown(small_world):
    [sample, *_] = benchmark("coco/panoptic").open(small_world, "val2017", "sample").samples
    kind = configure({"phrases": "exact"})
    perfect = kind.perfect(sample)
    odd = [Group(f"{group.phrase}ish", group.unit, group.instances) for group in perfect.groups[:2]]
    rows = kind.rows([sample], [Prediction(sample.id, "ok", groups=(*odd, *perfect.groups[2:]))])
    lost = sum(len(group.instances) for group in odd)
    assert rows["phrases"] == [{"named": len(sample.target.segments), "unmapped": lost}]
    counts = {key.rpartition("/")[2] for key in rows["panoptic"][0] if rows["panoptic"][0][key]}
    assert counts == {"tp", "iou", "fn"}
    assert aggregate(rows["panoptic"])["pq"] == pytest.approx(1 - 2 / len(perfect.groups))


def test_the_order_of_an_answer_decides_where_there_are_no_scores(small_world):
    [sample, *_] = benchmark("coco/panoptic").open(small_world, "val2017", "sample").samples
    kind, everything = configure({}), encode(np.ones(sample.image.size_hw, dtype=bool))
    plain = [
        Group(g.phrase, g.unit, tuple(Instance(mask_rle=i.mask_rle) for i in g.instances))
        for g in kind.perfect(sample).groups
    ]
    cover = Group(sample.categories[0], "mask", (Instance(mask_rle=everything),))
    for groups, pq in (((*plain, cover), 1.0), ((cover, *plain), 0.0)):
        rows = kind.rows([sample], [Prediction(sample.id, "ok", groups=groups)])
        assert aggregate(rows["panoptic"])["pq"] == pq


@pytest.fixture
def mini(tmp_path):
    """A data root with the real photos and annotations."""
    if not MINI.is_dir():
        pytest.skip("the real files are not here")
    (tmp_path / "root").mkdir()
    (tmp_path / "root/coco").symlink_to(MINI)
    return tmp_path / "root"


def test_real_photos_are_scored_perfect_for_the_truth_and_low_for_a_constant(refbench, mini):
    rows = {}
    for model in ("oracle", "constant"):
        words = ("--task", "coco_panoptic,coco_semantic", "--data-root", mini, "--model", model, "--json")
        rows[model] = refbench("eval", *words).json["rows"]
    for row in rows["oracle"]:
        assert (row["n"], row["data"], row["metrics"].pop("unmapped")) == (40, "official", 0.0)
        assert set(row["metrics"].values()) == {1.0}
    assert rows["constant"][0]["metrics"]["pq"] < 0.01
    assert rows["constant"][1]["metrics"]["miou"] < 0.01


def shifted_predictions(folder):
    """Official predictions on the real photos: all maps moved by 9 pixels, some ids of the second half missing."""
    content = json.loads((MINI / "annotations/panoptic_val2017.json").read_text())
    (folder / "pngs").mkdir(parents=True)
    annotations = []
    for place, entry in enumerate(content["annotations"][:-2]):
        ids = np.roll(read_ids(MINI / "annotations/panoptic_val2017" / entry["file_name"]), 9, axis=1)
        kept = [each for k, each in enumerate(entry["segments_info"]) if place < 20 or k % 3]
        ids[~np.isin(ids, [each["id"] for each in kept])] = 0
        split = kept[-1]  # its upper half becomes a segment of its own: nothing may merge the two
        half = ids[: len(ids) // 2]
        half[half == split["id"]] = 1
        here = set(np.unique(ids).tolist())
        told = [{key: each[key] for key in ("id", "category_id")} for each in (*kept, {**split, "id": 1})]
        told = [each for each in told if each["id"] in here]
        colours = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], axis=2).astype(np.uint8)
        Image.fromarray(colours).save(folder / "pngs" / entry["file_name"], compress_level=1)
        annotations.append({"image_id": entry["image_id"], "file_name": entry["file_name"], "segments_info": told})
    (folder / "pngs.json").write_text(json.dumps({"annotations": annotations}))
    return folder


def test_official_predictions_on_real_photos_score_as_the_official_route_does(refbench, mini, tmp_path):
    folder = shifted_predictions(tmp_path / "predictions")
    ours = refbench("score", "--task", "coco_panoptic", "--data-root", mini, "--predictions", folder, "--json").json
    targets = MINI / "annotations/panoptic_val2017.json"
    theirs = refbench("score", "panoptic", "--targets", targets, "--predictions", folder / "pngs.json", "--json").json
    assert ours["missing"] == theirs["missing"] == 2
    assert 0.3 < ours["metrics"]["pq"] < 0.9
    assert ours["metrics"] == theirs["metrics"]


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden files are not here")
def test_golden_predictions_have_the_figures_of_panopticapi(refbench, tmp_path):
    (annotations := tmp_path / "root/coco/annotations").mkdir(parents=True)
    (photos := tmp_path / "root/coco/val2017").mkdir()
    shutil.copy(GOLDEN / "panoptic_gt.json", annotations / "panoptic_val2017.json")
    (annotations / "panoptic_val2017").symlink_to(GOLDEN / "panoptic_gt")
    for image in json.loads((GOLDEN / "panoptic_gt.json").read_text())["images"]:
        Image.new("RGB", (image["width"], image["height"])).save(photos / image["file_name"])
    (tmp_path / "answers").mkdir()
    for name in ("panoptic_pred.json", "panoptic_pred"):
        (tmp_path / "answers" / name).symlink_to(GOLDEN / name)
    words = ("--data-root", tmp_path / "root", "--predictions", tmp_path / "answers", "--json")
    found = refbench("score", "--task", "coco_panoptic", *words).json["metrics"]
    expected = json.loads((GOLDEN / "expected.json").read_text())
    for suffix, group in (("", "All"), ("_things", "Things"), ("_stuff", "Stuff")):
        for key in ("pq", "sq", "rq"):
            assert found[key + suffix] == pytest.approx(expected[group][key], abs=1e-12)


def test_pngs_may_lie_beside_their_json(small_world, tmp_path):
    source = small_world / "coco/annotations/panoptic_val2017.json"
    shutil.copytree(source.with_suffix(""), tmp_path / "flat")
    shutil.copy(source, tmp_path / "flat/found.json")
    samples = benchmark("coco/panoptic").open(small_world, "val2017", "sample").samples
    found = official(tmp_path / "flat", samples)
    assert [(found[s.id].read().ids == s.target.ids()).all() for s in samples] == [True] * len(samples)


def test_a_folder_needs_one_json_file(tmp_path):
    with pytest.raises(
        DataError, match="must hold one JSON file in the COCO panoptic format, beside its PNGs; found n"
    ):
        official(tmp_path, [])
    for name in ("a.json", "b.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(DataError, match=r"found a\.json, b\.json"):
        official(tmp_path, [])


def test_segments_that_were_painted_over_keep_even_a_perfect_answer_below_1(tmp_path):
    """ADE20K records areas before later objects are painted over earlier ones, and lists those that vanished."""
    ids = np.array([[1, 1, 1, 2]], dtype=np.uint8)
    Image.fromarray(np.stack([ids, ids * 0, ids * 0], axis=2)).save(tmp_path / "map.png")
    segments = (TrueSegment(1, 9, 4), TrueSegment(2, 4, 1), TrueSegment(3, 4, 1))
    asked = Sample(
        "s", ImageRef(tmp_path / "a.jpg", (1, 4)), "1", "", categories=("cat", "sky"),
        target=PanopticTarget(tmp_path / "map.png", (1, 4), segments, (CAT, SKY)),
    )  # fmt: skip
    kind = configure({})
    [row] = kind.rows([asked], [kind.perfect(asked)])["panoptic"]
    assert (row["stuff/9/iou"], row["thing/4/tp"], row["thing/4/fn"], row["area_differs"]) == (0.75, 1, 1, 2)


def test_the_json_file_itself_may_be_handed_in(refbench, small_world):
    path = small_world / "coco/annotations/panoptic_val2017.json"
    words = ("--data-root", small_world, "--predictions", path, "--json")
    done = refbench("score", "--task", "coco_panoptic", *words).json
    assert (done["missing"], done["metrics"]["pq"]) == (0, 1.0)
