"""CIDEr-D of a domain is what evaluating its images by themselves gives."""

import math

import pytest

from metrics import captions
from metrics.nocaps import aggregate, measure_all

SAID = ["a red bus", "a dog runs", "a cat sleeps on a mat", "two birds", "", "a red dog"]
REFERENCES = [
    ["a red bus stops", "the bus is red"],
    ["a dog runs fast", "one dog is running"],
    ["a cat sleeps", "the cat is on a mat"],
    ["two birds fly", "birds in the sky"],
    ["a boat", "one boat at sea"],
    ["a red dog sits", "the dog is red"],
]
DOMAINS = ["in", "near", "in", "near", "in", "near"]


@pytest.fixture(autouse=True)
def without_meteor(monkeypatch):
    """It takes seconds to start and has no part in domains."""
    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "left out for speed")


def test_a_domain_equals_its_images_evaluated_alone():
    scores = aggregate(measure_all(SAID, REFERENCES, DOMAINS))
    for domain in ("in", "near"):
        chosen = [place for place, own in enumerate(DOMAINS) if own == domain]
        alone = captions.aggregate(captions.measure_all([SAID[k] for k in chosen], [REFERENCES[k] for k in chosen]))
        assert scores[f"cider_{domain}"] == pytest.approx(alone["cider"], abs=1e-12)  # the same arithmetic
    assert math.isnan(scores["cider_out"])


def test_the_entire_set_equals_the_measures_of_captions():
    whole = captions.aggregate(captions.measure_all(SAID, REFERENCES))
    scores = aggregate(measure_all(SAID, REFERENCES, DOMAINS))
    assert {key: scores[key] for key in whole} == whole
    # frequencies of one domain are not those of all: the two ways really differ
    assert scores["cider_in"] != pytest.approx(sum(r["cider"] for r in measure_all(SAID, REFERENCES, DOMAINS)[::2]) / 3)


def test_another_domain_is_refused():
    with pytest.raises(ValueError, match="domains are in, near, out, got 'in-domain'"):
        measure_all(SAID[:1], REFERENCES[:1], ["in-domain"])
