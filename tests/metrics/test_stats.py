import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.stats import bootstrap, holm, mcnemar, sign_flip, unit_sums, wilson

stats = pytest.importorskip("scipy.stats")


def test_clusters_are_summed_before_they_are_drawn():
    sums = unit_sums([1, 2, 3, 4], clusters=["cat.jpg", "dog.jpg", "cat.jpg", "dog.jpg"])
    assert (sums.over.tolist(), sums.under.tolist(), sums.value()) == ([4, 6], [2, 2], 2.5)


def test_questions_about_one_image_widen_the_interval():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.random(30), 10)
    alone, together = bootstrap(unit_sums(values)), bootstrap(unit_sums(values, clusters=np.arange(300) // 10))
    assert together[0] < alone[0] < values.mean() < alone[1] < together[1]


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_bootstrap_of_a_skewed_ratio_equals_scipy(method):
    rng = np.random.default_rng(1)
    over, under = rng.exponential(1, 80) ** 2, rng.uniform(1, 5, 80)

    def ratio(x, y, axis=-1):
        return x.sum(axis=axis) / y.sum(axis=axis)

    peer = stats.bootstrap(
        (over, under), ratio, paired=True, vectorized=True, method=method, n_resamples=20_000,
        rng=np.random.default_rng(2),
    ).confidence_interval  # fmt: skip
    # Two sets of 20,000 draws: their tail quantiles differ by about one percent of the interval.
    near = 0.03 * (peer.high - peer.low)
    assert bootstrap(unit_sums(over, under), method, resamples=20_000) == pytest.approx(tuple(peer), abs=near)


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_equal_values_have_an_interval_of_one_point(method):
    assert bootstrap(unit_sums([0.5] * 4), method, resamples=50) == (0.5, 0.5)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(case):
    hits, n = case
    peer = stats.binomtest(hits, n).proportion_ci(method="wilson")
    assert wilson(hits, n) == pytest.approx((peer.low, peer.high), abs=1e-12)


@given(st.lists(st.integers(-5, 5), min_size=2, max_size=9))
def test_all_sign_changes_equal_scipy(differences):
    peer = stats.permutation_test(
        (differences, [0] * len(differences)), lambda x, y, axis=-1: np.mean(x - y, axis=axis), vectorized=True,
        permutation_type="samples", n_resamples=np.inf,
    )  # fmt: skip
    assert sign_flip(differences) == pytest.approx(peer.pvalue, abs=1e-12)


def test_drawn_sign_changes_come_near_all_of_them():
    differences = np.random.default_rng(3).normal(0.3, 1, 20)
    # 20,000 draws: the standard error of p is at most 0.0036.
    drawn = sign_flip([*differences, 0.0], resamples=20_000)
    assert drawn == pytest.approx(sign_flip(differences), abs=0.012)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_mcnemar_is_a_binomial_test_of_the_units_that_differ(pairs):
    first, second = zip(*pairs, strict=True)
    only_first, only_second, p = mcnemar(first, second)
    both = only_first + only_second
    assert both == sum(a != b for a, b in pairs)
    assert p == pytest.approx(stats.binomtest(only_first, both).pvalue if both else 1.0, abs=1e-12)


def test_holm_multiplies_the_smallest_most_and_never_turns_the_order():
    # Holm 1979 by hand: 0.01 * 3, max(0.03, 0.02 * 2), max(0.04, 0.03 * 1).
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: unit_sums([]), "at least one"),
        (lambda: unit_sums([1.0], [1.0, 2.0]), "one value per sample"),
        (lambda: unit_sums([float("nan")]), "not finite"),
        (lambda: unit_sums([1.0, 2.0], clusters=["a"]), "1 clusters for 2 samples"),
        (lambda: wilson(3, 2), "3 hits of 2"),
        (lambda: mcnemar([True], [True, False]), "same units"),
    ],
)
def test_what_cannot_be_compared_is_named(call, text):
    with pytest.raises(ValueError, match=text):
        call()
