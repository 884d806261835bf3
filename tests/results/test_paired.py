import json
import os
from pathlib import Path

import numpy as np
import pytest

from metrics.base import Card, Metric
from metrics.errors import DataError
from metrics.panoptic import PANOPTIC
from metrics.rec import REC
from metrics.res import RES
from results.paired import MCNEMAR, Pair, paired

SHARED = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[2] / "../shared"))
FOLDER = Path(os.environ.get("REFBENCH_GOLDEN", SHARED / "golden/metrics")) / "stats"
golden = pytest.mark.skipif(not FOLDER.is_dir(), reason="golden files are absent")
A, B = "a/toy/test-00000000aa", "b/toy/test-00000000bb"


def rec(ious):
    return [{"iou": float(iou), "missing": 0, "malformed": 0} for iou in ious]


def res(random, count):
    unions = random.integers(1, 300, count)
    return [{"inter": int(random.integers(0, u + 1)), "union": int(u), "missing": 0} for u in unions]


@golden
def test_means_and_shares_have_the_tests_of_the_golden_file(store_run):
    want = json.loads((FOLDER / "expected.json").read_text())
    scores = np.load(FOLDER / "scores.npz")
    a, b = (store_run(REC, rec(scores[name][:16]), folder=place) for name, place in (("a", A), ("b", B)))
    change = paired(a, b, "miou")
    assert change.p == pytest.approx(want["paired_sign_flip_exact_first16_two_sided_p"], abs=1e-10)
    assert change.test == "sign flip, all"
    right = [store_run(REC, rec(scores[f"correct_{name}"]), folder=f"{name}/right") for name in "ab"]
    change = paired(*right, "acc@0.5")
    assert (change.p, change.test) == (pytest.approx(want["mcnemar_exact"]["p"], abs=1e-10), MCNEMAR)


def test_questions_about_one_image_are_no_independent_pairs_so_their_shares_are_not_counted_one_by_one(store_run):
    random = np.random.default_rng(0)
    images = [f"image-{place // 10}" for place in range(300)]
    a, b = (store_run(REC, rec(random.random(300)), images, folder=place) for place in (A, B))
    assert paired(a, b, "acc@0.5").test.startswith("sign flip")


def test_the_interval_is_that_of_differences_over_the_same_draws(store_run):
    random = np.random.default_rng(1)
    rows = res(random, 200)
    better = [row | {"inter": min(row["inter"] + 2, row["union"])} for row in rows]
    a, b = store_run(RES, rows, folder=A), store_run(RES, better, folder=B)
    change = paired(a, b, "ciou")
    assert change.difference == pytest.approx(RES.aggregate(better)["ciou"] - RES.aggregate(rows)["ciou"], abs=1e-12)
    # every image gains, so the difference is far surer than either score
    assert 0 < change.low < change.difference < change.high < 2 * change.difference
    assert change.p == pytest.approx(1 / 10_001)
    same = paired(a, a, "ciou")
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    assert np.isnan(same.detectable)


def test_the_same_seed_gives_the_same_numbers_and_the_order_of_samples_none_other(store_run):
    random = np.random.default_rng(2)
    a, b = (store_run(RES, res(random, 40), folder=place) for place in (A, B))
    assert paired(a, b, "ciou", seed=3) == paired(a, b, "ciou", seed=3)
    assert paired(a, b, "ciou", seed=3).low != paired(a, b, "ciou", seed=4).low
    there, back = paired(a, b, "giou"), paired(b, a, "giou")
    assert (there.low, there.high, there.p) == pytest.approx((-back.high, -back.low, back.p), abs=1e-12)


def test_few_images_are_swapped_in_all_ways(store_run):
    """Four images by hand: PQ of one class, the runs swap sides in 16 ways."""

    def rows(ious):
        return [{"thing/1/tp": 1, "thing/1/iou": iou, "thing/1/fp": 0, "thing/1/fn": 0} for iou in ious]

    a, b = store_run(PANOPTIC, rows([0.6] * 4), folder=A), store_run(PANOPTIC, rows([0.7, 0.8, 0.9, 1.0]), folder=B)
    change = paired(a, b, "pq")
    # only the two ways in which all images are on one side differ as far as the runs
    assert (change.p, change.test) == (2 / 16, "swap of images, all")


def test_a_metric_of_somebodys_own_is_aggregated_again(store_run):
    def aggregate(rows):
        return {"median": float(np.median([row["x"] for row in rows]))}

    own = Metric("median", "toy", "median/1", aggregate, "median", Card("toy", "nobody", (), {}))
    random = np.random.default_rng(4)
    a, b = (store_run(own, [{"x": float(x)} for x in random.normal(m, 1, 60)], folder=p) for m, p in ((0, A), (3, B)))
    [change] = Pair.of(a, b, {"median": own}).changes(resamples=300)
    assert change.low > 2
    assert change.p == pytest.approx(1 / 301)
    with pytest.raises(DataError, match="no metric is called median"):
        Pair.of(a, b)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"split": "val"}, "split is test in one and val in the other"),
        ({"task": "other"}, "task is toy_rec in one and other in the other"),
        ({"data": "sample"}, "data is official in one and sample in the other"),
        ({"protocols": {"rec": "rec/2"}}, "metrics is rec=rec/1 in one and rec=rec/2 in the other"),
        ({"options": {"prompt": "another wording"}}, "prompt is locate_expression"),
    ],
)
def test_runs_of_other_things_are_refused_by_the_field_that_differs(store_run, changes, word):
    a, b = store_run(REC, rec([0.1, 0.9]), folder=A), store_run(REC, rec([0.2, 0.8]), folder=B, **changes)
    with pytest.raises(DataError, match=word):
        paired(a, b, "miou")


def test_other_samples_missing_ones_and_edited_rows_are_refused(store_run, tmp_path):
    a = store_run(REC, rec([0.1, 0.9, 0.4]), folder=A)
    with pytest.raises(DataError, match="samples is"):
        paired(a, store_run(REC, rec([0.2, 0.8]), folder=B), "miou")
    edited = store_run(REC, rec([0.1, 0.9, 0.4]), folder="c/toy/test-1")
    other = store_run(REC, rec([0.1, 0.9, 1.0]), folder="d/toy/test-1")
    (edited.folder / "rows.npz").write_bytes((other.folder / "rows.npz").read_bytes())
    with pytest.raises(DataError, match="was edited"):
        paired(a, edited, "miou")
    (other.folder / "rows.npz").unlink()
    with pytest.raises(DataError, match=r"rows\.npz"):
        paired(a, other, "miou")


def test_numbers_that_do_not_follow_from_the_rows_and_undefined_ones_are_refused(store_run):
    a = store_run(REC, rec([0.1, 0.9]), folder=A)
    wrong = store_run(REC, rec([0.2, 0.8]), folder=B, metrics={"miou": 0.9}, columns=("miou",), headline="miou")
    with pytest.raises(DataError, match="does not follow from its rows"):
        paired(a, wrong, "miou")
    scores = REC.aggregate(rec([0.2, 0.8])) | {"miou": None}
    undefined = store_run(REC, rec([0.2, 0.8]), folder="c/toy/test-1", metrics=scores)
    with pytest.raises(DataError, match="miou is not defined for both"):
        paired(a, undefined, "miou")
    one = store_run(REC, rec([0.5, 0.6]), ["same", "same"], folder="d/toy/test-1")
    with pytest.raises(DataError, match="two are needed"):
        paired(one, one, "miou")


@pytest.mark.slow
def test_intervals_of_differences_cover_the_truth_and_p_is_no_false_alarm():
    """400 pairs of runs of equal quality over 40 images with 3 questions each: a 95 % interval should hold 0 in 380.

    Four standard errors of a share of 400 are 0.044; the percentile method is a little too short at 40 images, so that
    0.90 to 0.99 is accepted, and for the level of the test 0.01 to 0.10.
    """
    from results.intervals import intervals, placed
    from results.statistics import statistics

    random = np.random.default_rng(5)
    images = [f"image-{place // 3:02d}" for place in range(120)]
    units, place = placed(images)
    hits, alarms, inside, repeats = 0, 0, 0, 400
    for number in range(repeats):
        hard = np.repeat(random.normal(0, 0.15, 40), 3)
        unions = random.integers(50, 150, (2, 120))
        shares = np.clip(0.5 + hard + random.normal(0, 0.1, (2, 120)), 0, 1)
        sides = [
            [{"inter": round(s * u), "union": int(u), "missing": 0} for s, u in zip(*each, strict=True)]
            for each in zip(shares, unions, strict=True)
        ]
        low, high = _difference(statistics(RES, sides, [place, place], units), units, number)
        hits += low <= 0 <= high
        alarms += _swapped(statistics(RES, sides, [place, place], units), units, number) < 0.05
        ends = intervals(RES, sides[0], images, resamples=500, seed=number)["ciou"]
        inside += ends[0] <= 0.5 <= ends[1]
    print(
        f"differences covered {hits / repeats:.3f}, scores {inside / repeats:.3f}, false alarms {alarms / repeats:.3f}"
    )
    assert 0.90 <= hits / repeats <= 0.99
    assert 0.90 <= inside / repeats <= 0.99
    assert 0.01 <= alarms / repeats <= 0.10


def _difference(found, units, seed):
    from metrics.stats import percentile, picks

    [ciou] = [every.only(["ciou"]) for every in found if "ciou" in every.scored]
    drawn = [ciou.part(units, 2 * units).resampled(p)["ciou"] - ciou.part(0, units).resampled(p)["ciou"]
             for p in picks(units, 500, seed)]  # fmt: skip
    return percentile(np.concatenate(drawn))


def _swapped(found, units, seed):
    from results.paired import swap_test

    [ciou] = [every.only(["ciou"]) for every in found if "ciou" in every.scored]
    return swap_test(ciou, "ciou", units, (500, seed))[0]
