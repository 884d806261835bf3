import json

import numpy as np
import pytest

from metrics.errors import DataError
from metrics.stats import holm, mcnemar, sign_flip
from results.regression.evidence import Examiner
from results.regression.judge import idle, judge
from results.regression.pairs import Matching, Pair
from results.regression.rules import KINDS, RuleBook

COUNT = 200


def rule(kind, **content):
    return KINDS[kind].model_validate({"kind": kind, **content})


def book(*rules, **settings):
    return RuleBook(rules=rules, **settings)


def right(share):
    """Boxes of which the first part is right."""
    return np.where(np.arange(COUNT) < share * COUNT, 0.9, 0.1)


@pytest.fixture
def pair(write_run, tmp_path):
    """Two runs: overlaps of each, and changes to the second."""

    def make(old, new, name="toy_rec", before=None, **changes):
        folder = tmp_path / name
        return Pair(
            write_run(folder / "a", old, task=name, **(before or {})),
            write_run(folder / "b", new, task=name, **changes),
        )

    return make


@pytest.fixture
def checks():
    """Judge pairs by rules."""

    def of(rules, *pairs, lost=()):
        return judge(Matching(pairs, lost, ()), rules, Examiner(resamples=500))

    return of


@pytest.mark.parametrize(("drop", "status"), [(0.0, "pass"), (0.02, "pass"), (0.025, "fail"), (-0.1, "pass")])
def test_an_absolute_rule_allows_its_drop_and_no_more(checks, pair, drop, status):
    [check] = checks(book(rule("absolute", max_drop=0.02)), pair(right(0.5), right(0.5 - drop)))
    assert (check.status, check.metric) == (status, "acc@0.5")
    assert check.change == pytest.approx(-drop)


@pytest.mark.parametrize(("new", "status"), [(0.49, "pass"), (0.48, "fail"), (0.9, "pass")])
def test_a_relative_rule_allows_a_share_of_the_baseline(checks, pair, new, status):
    [check] = checks(book(rule("relative", max_drop=0.03)), pair(right(0.5), right(new)))
    assert check.status == status


def test_nothing_can_get_worse_than_a_baseline_of_nought(checks, pair):
    [check] = checks(book(rule("relative", max_drop=0.1)), pair(right(0), right(0)))
    assert check.status == "pass"


ERROR = {"headline": "abs_rel", "intervals": {}, "protocols": {"depth": "depth/1"}}


@pytest.mark.parametrize(("new", "status"), [(0.12, "fail"), (0.08, "pass")])
def test_the_direction_is_that_of_the_metric(checks, pair, new, status):
    pairs = pair(right(1), right(1), before={**ERROR, "metrics": {"abs_rel": 0.1}}, **ERROR, metrics={"abs_rel": new})
    for run in (pairs.baseline, pairs.candidate):
        (run.folder / "rows.npz").unlink()
    [check] = checks(book(rule("absolute", max_drop=0.01)), pairs)
    assert check.status == status


def test_a_direction_of_ones_own_is_kept_and_a_number_without_one_is_not_judged(checks, pair):
    odd = {"headline": "yes_ratio", "intervals": {}, "protocols": {"pope": "pope/1"}, "metrics": {"yes_ratio": 0.5}}
    pairs = pair(right(1), right(1), before=odd, **{**odd, "metrics": {"yes_ratio": 0.6}})
    for run in (pairs.baseline, pairs.candidate):
        (run.folder / "rows.npz").unlink()
    [check] = checks(book(rule("absolute", max_drop=0.01)), pairs)
    assert (check.status, "neither direction" in check.reason) == ("skip", True)
    for way, status in (("lower", "fail"), ("higher", "pass")):
        [check] = checks(book(rule("absolute", max_drop=0.01), directions={"yes_ratio": way}), pairs)
        assert check.status == status


def test_significance_is_the_one_sided_p_of_the_exact_test(checks, pair):
    """One question an image, so McNemar's test is the one; it is two-sided, and half of it is that of a drop."""
    random = np.random.default_rng(1)
    old = np.where(random.random(COUNT) < 0.8, 0.9, 0.1)
    new = np.where(random.random(COUNT) < 0.1, 1.0 - old, old)
    images = [f"{place}" for place in range(COUNT)]
    both = pair(old, new)
    for run in (both.baseline, both.candidate):
        run.image_ids[:] = images
    [check] = checks(book(rule("significance"), correction="none"), both)
    two_sided = mcnemar(old > 0.5, new > 0.5)[2]
    assert check.p == pytest.approx(two_sided / 2)
    assert "McNemar" in check.reason
    low, high = check.interval
    assert low < check.change < high


def test_a_large_drop_fails_and_an_equally_large_rise_passes(checks, pair):
    rules = book(rule("significance"))
    assert checks(rules, pair(right(0.9), right(0.7), "worse"))[0].status == "fail"
    [better] = checks(rules, pair(right(0.7), right(0.9), "better"))
    assert (better.status, better.p > 0.99) == ("pass", True)
    [same] = checks(rules, pair(right(0.7), right(0.7), "same"))
    assert (same.status, same.p) == ("pass", pytest.approx(0.5))


def test_a_drop_within_the_tolerance_passes_however_sure_it_is(checks, pair):
    both = pair(right(0.9), right(0.8))
    assert checks(book(rule("significance", max_drop=0.11)), both)[0].status == "pass"
    assert checks(book(rule("significance", max_drop=0.09)), both)[0].status == "fail"


def test_the_p_values_of_all_tests_are_adjusted_together(checks, pair):
    pairs = [pair(right(0.8), right(0.8 - drop), f"task{at}") for at, drop in enumerate((0.01, 0.02, 0.05, 0.2))]
    raw = [check.p for check in checks(book(rule("significance"), correction="none"), *pairs)]
    adjusted = [check.p for check in checks(book(rule("significance")), *pairs)]
    assert adjusted == pytest.approx(holm(raw))
    assert adjusted != pytest.approx(raw)


def test_without_rows_the_stored_intervals_are_compared(checks, pair):
    both = pair(right(0.9), right(0.6))
    (both.baseline.folder / "rows.npz").unlink()
    [check] = checks(book(rule("significance")), both)
    assert (check.status, "unpaired" in check.reason) == ("fail", True)
    bare = pair(right(0.9), right(0.6), "bare", before={"intervals": {}})
    (bare.baseline.folder / "rows.npz").unlink()
    [check] = checks(book(rule("significance")), bare)
    assert (check.status, "no rows to pair" in check.reason) == ("skip", True)


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_a_number_that_became_undefined_fails_and_one_that_was_so_before_is_skipped(checks, pair, value):
    rules = book(rule("absolute", max_drop=1), rule("limit", at_least=0))
    both = pair(right(1), right(1))
    undefined = pair(right(1), right(1), "undefined", metrics={"acc@0.5": value}, columns=("acc@0.5",))
    (undefined.candidate.folder / "rows.npz").unlink()
    assert [check.status for check in checks(rules, Pair(both.baseline, undefined.candidate))] == ["fail", "fail"]
    first = checks(rules, Pair(undefined.candidate, both.candidate))[0]
    assert (first.status, first.reason) == ("skip", "undefined in the baseline")


LIMITS = [
    ({"at_least": 0.6}, "fail"),
    ({"at_least": 0.5}, "pass"),
    ({"at_most": 0.4}, "fail"),
    ({"at_least": 0.1, "at_most": 0.9}, "pass"),
]


@pytest.mark.parametrize(("ends", "status"), LIMITS)
def test_a_limit_looks_at_the_candidate_alone(checks, pair, ends, status):
    [check] = checks(book(rule("limit", **ends)), pair(right(0.1), right(0.5)))
    assert check.status == status


def test_slices_are_judged_one_by_one(checks, pair, sliced):
    both = pair(right(1), right(1), before={"slices": sliced(kind={"even": 0.5, "odd": 0.5, "gone": 0.5})},
                slices=sliced(kind={"even": 0.5, "odd": 0.3, "new": 0.1}))  # fmt: skip
    found = checks(book(rule("absolute", slices=["kind=*"], max_drop=0.1)), both)
    assert {check.part: check.status for check in found} == {
        "kind=even": "pass",
        "kind=odd": "fail",
        "kind=new": "skip",
    }


TAGS = [{"side": "left" if place < COUNT // 2 else "right", "name": str(place)} for place in range(COUNT)]


def test_a_slice_that_only_the_rows_tell_is_tested_by_its_own_samples(checks, pair):
    """All drops lie on the right: the left does not change, and the whole drops by half of what the right does."""
    new = np.where((np.arange(COUNT) >= COUNT // 2) & (np.arange(COUNT) % 4 == 0), 0.1, 0.9)
    both = pair(right(1), new, before={"tags": TAGS}, tags=TAGS)
    found = checks(
        book(rule("significance", slices=["side=*"]), rule("absolute", slices=["side=*"], max_drop=0.2)), both
    )
    status = {(check.kind, check.part): (check.status, round(check.change, 9)) for check in found}
    assert status == {
        ("significance", "side=left"): ("pass", 0.0), ("significance", "side=right"): ("fail", -0.25),
        ("absolute", "side=left"): ("pass", 0.0), ("absolute", "side=right"): ("fail", -0.25),
    }  # fmt: skip
    at_right = np.arange(COUNT // 2, COUNT) % 4 == 0
    exact = sign_flip(-at_right.astype(float).reshape(-1, 2).sum(axis=1), 500, 0)
    [check] = [each for each in found if (each.kind, each.part) == ("significance", "side=right")]
    assert check.p == pytest.approx(min(1.0, 2 * exact / 2))


def test_a_slice_of_rows_without_tags_is_not_tested_and_says_why(checks, pair, sliced):
    slices = {"slices": sliced(kind={"even": 0.5})}
    [check] = checks(
        book(rule("significance", slices=["kind=even"])), pair(right(1), right(1), before=slices, **slices)
    )
    assert (check.status, check.p) == ("skip", None)
    assert "do not say which samples" in check.reason


def test_a_slice_that_nothing_has_is_refused_with_the_nearest(checks, pair):
    both = pair(right(1), right(1), before={"tags": TAGS}, tags=TAGS)
    with pytest.raises(DataError, match=r"no task it speaks of has a slice 'side=lift'; did you mean side=left\?"):
        checks(book(rule("significance", slices=["side=lift"])), both)
    with pytest.raises(DataError, match=r"has a slice 'name=\*'; there are side=left, side=right"):
        checks(book(rule("limit", at_least=0, slices=["side=*", "name=*"])), both)


@pytest.mark.parametrize(
    ("content", "status"),
    [({"max_rate": 0.05}, "fail"), ({"max_rate": 0.06}, "pass"), ({"max_increase": 0.04}, "fail"),
     ({"max_increase": 0.05}, "pass"), ({"max_rate": 0.5, "max_increase": 0.01}, "fail")],
)  # fmt: skip
def test_failures_count_every_answer_that_cannot_be_used(checks, pair, content, status):
    both = pair(right(1), right(1), before={"failed": 2}, failed=4, unparsable=5, missing=3)
    [check] = checks(book(rule("failures", **content)), both)
    assert (check.status, check.baseline, check.candidate) == (status, pytest.approx(0.01), pytest.approx(0.06))
    assert "4 failed, 5 unparsable, 3 missing of 200" in check.reason


@pytest.mark.parametrize(("scale", "status"), [(1.0, "pass"), (1.4, "pass"), (2.0, "fail")])
def test_latency_fails_where_it_is_surely_beyond_what_is_allowed(checks, pair, scale, status):
    seconds = np.repeat(np.linspace(0.1, 0.2, COUNT // 4), 4)
    both = pair(right(1), right(1), before={"seconds": seconds}, seconds=seconds * scale)
    [check] = checks(book(rule("latency", max_slowdown=0.5)), both)
    assert (check.status, check.unit) == (status, "seconds")


def test_latency_of_another_machine_is_skipped_with_the_reason(checks, pair):
    [check] = checks(book(rule("latency", max_slowdown=0.5)), pair(right(1), right(1), facts={"accelerator": "H200"}))
    assert (check.status, "accelerator none and H200" in check.reason) == ("skip", True)


@pytest.mark.parametrize("missing", ["fail", "skip"])
def test_a_row_that_the_candidate_lost_breaks_the_gate_unless_told_otherwise(checks, pair, missing):
    both = pair(right(1), right(1))
    found = checks(book(rule("absolute", max_drop=0), missing=missing), both, lost=(both.baseline,))
    assert [(check.kind, check.status) for check in found] == [("absolute", "pass"), ("missing", missing)]


def test_a_metric_that_no_row_has_is_an_error_with_the_nearest_one(checks, pair):
    with pytest.raises(DataError, match=r"no task it speaks of has a metric 'acc@05'; did you mean acc@0\.5\?"):
        checks(book(rule("absolute", max_drop=0, metrics=["acc@05"])), pair(right(1), right(1)))


def test_a_rule_that_speaks_of_no_row_is_named(pair):
    both = pair(right(1), right(1))
    [note] = idle(
        Matching((both,), (), ()), book(rule("absolute", max_drop=0, tasks=["toy_re"]), rule("latency", max_slowdown=1))
    )
    assert "toy_re" in note
    assert "did you mean toy_rec?" in note


@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_a_record_that_was_edited_is_found(checks, pair, side):
    both = pair(right(0.9), right(0.5))
    folder = getattr(both, side).folder
    content = json.loads((folder / "result.json").read_text())
    content["metrics"]["acc@0.5"] = 0.95
    (folder / "result.json").write_text(json.dumps(content))
    edited = type(both.candidate).open(folder, folder.parent)
    changed = Pair(edited, both.candidate) if side == "baseline" else Pair(both.baseline, edited)
    with pytest.raises(DataError, match=r"acc@0\.5 = 0\.95 of result\.json does not follow from its rows"):
        checks(book(rule("absolute", max_drop=0.01)), changed)


def test_rows_that_were_edited_are_found(checks, pair):
    both = pair(right(0.9), right(0.5))
    (both.candidate.folder / "rows.npz").write_bytes((both.baseline.folder / "rows.npz").read_bytes())
    with pytest.raises(DataError, match=r"rows\.npz was edited"):
        checks(book(rule("absolute", max_drop=1)), both)
