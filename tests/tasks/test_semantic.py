"""Semantic tasks: the class of every pixel, by stated rules and as the official evaluators count."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import ConfigError, DataError, UnknownName
from benchmarks.registry import benchmark
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Sample
from benchmarks.truth import Category, MapTarget
from metrics.masks import encode
from tasks.semantic import configure, official

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
GOLDEN = SHARED / "golden/metrics/semseg"
CATEGORIES = (Category(7, "road"), Category(21, "tree"), Category(23, "sky"))


def mask(*rows):
    """Draw a mask: '#' is the object."""
    return encode(np.array([[char == "#" for char in row] for row in rows]))


def sample(labels, path="a.png", categories=CATEGORIES):
    truth = np.array(labels, dtype=np.uint8)
    return Sample(
        id="s", image=ImageRef(Path(path), truth.shape), image_id="1", question="",
        target=MapTarget(lambda: truth, categories), categories=tuple(each.name for each in categories),
    )  # fmt: skip


def row_of(kind, asked, *groups, status="ok"):
    answer = Prediction("s", status, groups=groups)
    return {name: rows[0] for name, rows in kind.rows([asked], [answer]).items()}


def named(phrase, drawn, score=None):
    return Group(phrase, "mask", (Instance(score, mask_rle=drawn),))


def test_a_pixel_takes_the_class_of_the_best_ranked_mask():
    asked = sample([[0, 0, 1, 255]])
    groups = (named("tree", mask("####"), 0.2), named("road", mask("##.."), 0.9))
    row = row_of(configure({"phrases": "exact"}), asked, *groups)
    assert row["semantic"] == {
        "unknown": 0, "0/tp": 2, "0/target": 2, "0/pred": 2, "1/tp": 1, "1/target": 1, "1/pred": 1,
    }  # fmt: skip
    swapped = row_of(configure({"phrases": "exact"}), asked, named("tree", mask("####")), groups[1])["semantic"]
    assert swapped == row["semantic"]  # a mask without score ranks behind one with
    bare = (named(group.phrase, group.instances[0].mask_rle) for group in groups)
    unscored = row_of(configure({"phrases": "exact"}), asked, *bare)
    assert (unscored["semantic"]["1/pred"], unscored["semantic"]["0/tp"]) == (3, 0)


def test_phrases_that_are_no_class_and_bare_pixels_count_against_the_target():
    asked = sample([[0, 0, 1, 255]])
    row = row_of(configure({"phrases": "exact"}), asked, named("lawn", mask("#..#")), named("road", mask("##..")))
    assert row["semantic"] == {
        "unknown": 2, "0/tp": 1, "0/target": 2, "0/pred": 1, "1/tp": 0, "1/target": 1, "1/pred": 0,
    }  # fmt: skip
    assert row["phrases"] == {"named": 2, "unmapped": 1}


def test_no_answer_is_wrong_everywhere():
    row = row_of(configure({}), sample([[0, 1, 1, 255]]), named("road", mask("####")), status="failed")
    assert row["semantic"]["0/tp"] == row["semantic"]["1/tp"] == row["semantic"]["0/pred"] == 0
    assert row["phrases"] == {"named": 0, "unmapped": 0}


def test_the_two_conventions_differ_on_a_class_that_is_only_predicted():
    asked, groups = sample([[0, 0, 1, 1]]), [named("road", mask("##..")), named("sky", mask("..##"))]
    values = {}
    for average in ("detectron2", "mmseg"):
        kind = configure({"average": average})
        metric = kind.metrics[0]
        values[average] = metric.aggregate([row_of(kind, asked, *groups)[metric.name]])["miou"]
    assert values == {"detectron2": pytest.approx(1 / 2), "mmseg": pytest.approx(1 / 3)}


def test_options_are_checked():
    with pytest.raises(ConfigError, match="option average is 'mean', not one of detectron2, mmseg"):
        configure({"average": "mean"})
    with pytest.raises(UnknownName, match="did you mean average"):
        configure({"avarage": "mmseg"})


def test_filed_values_are_category_ids_and_others_are_unknown(tmp_path):
    Image.fromarray(np.array([[7, 21, 0, 255]], dtype=np.uint8)).save(tmp_path / "aachen_0_1_gtFine_labelIds.png")
    asked = sample([[0, 0, 1, 2]], path="aachen_0_1_leftImg8bit.png")
    found = official(tmp_path, [asked])
    assert found["s"].read(CATEGORIES, (1, 4)).tolist() == [[0, 1, 3, 3]]
    [row] = configure({}).rows([asked], [found["s"]])["semantic"]
    assert (row["unknown"], row["0/tp"], row["1/pred"]) == (2, 1, 1)
    with pytest.raises(DataError, match="resize the scores"):
        found["s"].read(CATEGORIES, (2, 4))
    Image.new("L", (4, 1)).save(tmp_path / "aachen_0_1.png")
    with pytest.raises(DataError, match="both answer for aachen_0_1: keep one"):
        official(tmp_path, [asked])
    with pytest.raises(DataError, match="is no folder"):
        official(tmp_path / "aachen_0_1.png", [asked])


@pytest.mark.skipif(not GOLDEN.is_dir(), reason="the golden files are not here")
@pytest.mark.parametrize("average", ["detectron2", "mmseg"])
def test_golden_labels_have_the_official_figures(average):
    names = json.loads((GOLDEN / "classes.json").read_text())
    names = names["class_names"] if isinstance(names, dict) else names
    categories = tuple(Category(place, name) for place, name in enumerate(names))
    asked = [sample(Image.open(path), path, categories) for path in sorted((GOLDEN / "gt").glob("*.png"))]
    kind = configure({"average": average})
    metric = kind.metrics[0]
    rows = []
    for each in asked:
        found = official(GOLDEN / "pred", [each])
        rows += kind.rows([each], [found.get("s", Prediction("s", "failed"))])[metric.name]
    from metrics import semantic

    expected = semantic.score(GOLDEN / "gt", GOLDEN / "pred", {"average": average}).metrics
    assert metric.aggregate(rows) == expected


def test_label_pngs_of_a_task_score_as_the_official_route_does(refbench, small_world, tmp_path):
    source = small_world / "ADEChallengeData2016/annotations/validation"
    for place, path in enumerate(sorted(source.glob("*.png"))[:-1]):
        plane = np.array(Image.open(path))
        plane[: 20 * place] = 3
        plane[:, : 5 * place] = 0
        Image.fromarray(np.roll(plane, 4, axis=0)).save(tmp_path / path.name)
    words = ("--predictions", tmp_path, "--json")
    ours = refbench("score", "--task", "ade20k_semantic", "--data-root", small_world, *words).json
    options = ("--option", "reduce_zero=both", "--option", "num_classes=13")
    theirs = refbench("score", "semantic", "--targets", source, *words, *options).json
    assert ours["missing"] == theirs["missing"] == 1
    assert 0.2 < ours["metrics"]["miou"] < 0.9
    assert ours["metrics"] == theirs["metrics"]


@pytest.mark.parametrize("task", ["ade20k_semantic", "cityscapes_semantic", "coco_semantic"])
def test_the_constant_is_far_from_perfect(refbench, small_world, task):
    [row] = refbench("eval", "--task", task, "--model", "constant", "--data-root", small_world, "--json").json["rows"]
    assert row["metrics"]["miou"] < 0.1


def test_semantic_truth_of_coco_is_that_of_its_segments(small_world):
    [asked, *_] = benchmark("coco/semantic").open(small_world, "val2017", "sample").samples
    assert not (asked.target.load() == 255).any()
    assert {group.phrase for group in configure({}).perfect(asked).groups} <= set(asked.categories)
