import math

import numpy as np
import pytest

from metrics.errors import DataError
from metrics.rec import REC
from results.power import Question, power

A, B = "a/toy/test-00000000aa", "b/toy/test-00000000bb"


def rec(ious):
    return [{"iou": float(iou), "missing": 0, "malformed": 0} for iou in ious]


def test_a_mean_has_the_textbook_standard_error_and_sample_size(store_run):
    ious = np.random.default_rng(0).random(400)
    [found] = power(store_run(REC, rec(ious)), ["miou"], Question(effect=0.02, alike=0.0, resamples=4000))
    error = ious.std(ddof=1) / 20
    # a standard deviation from 4,000 draws is within 1.1 % in one standard error; allow five
    assert found.error == pytest.approx(error, rel=0.055)
    # 1.96 + 0.84 standard errors of a difference of two independent means: Cohen, Statistical Power Analysis, 1988
    assert found.detectable == pytest.approx((1.959964 + 0.841621) * math.sqrt(2) * found.error, rel=1e-6)
    assert found.needed_n == math.ceil(400 * (found.detectable / 0.02) ** 2)
    [alike] = power(store_run(REC, rec(ious), folder=A), ["miou"], Question(alike=0.75, resamples=4000))
    assert alike.detectable == pytest.approx(found.detectable / 2)


def test_a_second_run_tells_how_alike_answers_are(store_run):
    random = np.random.default_rng(1)
    ious = random.uniform(0.2, 0.8, 300)
    near = np.clip(ious + random.normal(0, 0.05, 300), 0, 1)
    a, b = store_run(REC, rec(ious), folder=A), store_run(REC, rec(near), folder=B)
    [found] = power(a, ["miou"], Question(resamples=2000), b)
    assert found.alike == pytest.approx(np.corrcoef(ious, near)[0, 1], abs=0.05)
    assert found.difference_error == pytest.approx((near - ious).std(ddof=1) / math.sqrt(300), rel=0.08)


def test_the_detectable_difference_is_found_as_often_as_promised(store_run):
    """Planted differences of just that size: 80 of 100 times; 4 standard errors of 300 tries are 0.09."""
    random = np.random.default_rng(2)
    [found] = power(store_run(REC, rec(random.normal(0.5, 0.1, 100))), ["miou"], Question(alike=0.0))
    seen = [
        abs(random.normal(0.5 + found.detectable, 0.1, 100).mean() - random.normal(0.5, 0.1, 100).mean())
        > 1.96 * found.difference_error
        for _ in range(300)
    ]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.12)


def test_unknown_scores_and_lone_images_are_refused(store_run):
    with pytest.raises(DataError, match="has no ciou"):
        power(store_run(REC, rec([0.1, 0.9])), ["ciou"])
    with pytest.raises(DataError, match="two are needed"):
        power(store_run(REC, rec([0.1, 0.9]), ["same"] * 2, folder=A))


def test_scores_that_never_vary_tell_nothing(store_run):
    [found] = power(store_run(REC, rec([0.1] * 20)), ["acc@0.5"], Question(effect=0.01))
    assert math.isnan(found.detectable)
    assert found.needed_n is None
