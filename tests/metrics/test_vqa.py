import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.vqa import METRICS, aggregate, measure

TEN = ["red"] * 4 + ["blue"] * 3 + ["green", "Red!", "rose"]


@pytest.mark.parametrize(
    ("answer", "score"),
    [
        ("red", 1.0),  # five annotators after normalisation: four others at least
        ("blue", (3 * 2 / 3 + 7) / 10),  # three of ten: 2/3 where one of them is left out
        ("green", (1 * 0 + 9 * 1 / 3) / 10),
        ("black", 0.0),
        ("The RED.", 1.0),
        (None, 0.0),
    ],
)
def test_score_averages_over_the_annotator_left_out(answer, score):
    assert measure(answer, TEN)["score"] == pytest.approx(score)


@pytest.mark.parametrize(("agreeing", "score"), [(0, 0.0), (1, 0.6), (2, 1.0), (5, 1.0)])
def test_five_annotators_who_stand_twice_as_in_ok_vqa(agreeing, score):
    # One agrees: his two lines see 1 of 3 others, the eight lines of the rest see 2 of 3: (2 / 3 + 8 * 2 / 3) / 10.
    texts = ["race"] * agreeing + [f"other {i}" for i in range(5 - agreeing)]
    annotators = [text for text in texts for _ in range(2)]
    assert measure("race", annotators, identities=range(10))["score"] == pytest.approx(score)


def test_agreement_of_all_switches_normalisation_off():
    assert measure("Yes", ["yes"] * 10)["score"] == 0.0
    assert measure("Yes", ["yes"] * 10, "lavis")["score"] == 1.0
    assert measure("a cat", [*["a cat"] * 9, "cat"])["score"] == 1.0
    assert measure("a cat", [*["a cat"] * 9, "cat"], "lavis")["score"] == pytest.approx(9 / 10 / 3)


def test_annotators_that_nothing_tells_apart_are_left_out_together():
    answers = ["red", "red", "blue"]
    assert measure("red", answers, identities=[1, 2, 3])["score"] == pytest.approx((1 / 3 + 1 / 3 + 2 / 3) / 3)
    assert measure("red", answers, identities=[1, 1, 1])["score"] == pytest.approx((0 + 0 + 2 / 3) / 3)


@given(st.lists(st.sampled_from("pqr"), min_size=1, max_size=10), st.sampled_from("pqr"))
def test_equals_leaving_out_one_by_one(annotators, answer):
    others = [[text for j, text in enumerate(annotators) if j != i] for i in range(len(annotators))]
    want = sum(min(own.count(answer) / 3, 1) for own in others) / len(annotators)
    assert measure(answer, annotators)["score"] == pytest.approx(want)


def test_aggregate_is_the_mean_over_questions_with_missing_ones():
    rows = [measure("yes", ["yes"] * 10), measure(None, ["yes"] * 10)]
    assert aggregate(rows) == {"accuracy": 0.5}
    assert [row["missing"] for row in rows] == [0, 1]
    with pytest.raises(ValueError, match="at least one question"):
        aggregate([])


def test_the_variants_are_metrics_of_their_own():
    protocols = {metric.name: metric.protocol for metric in METRICS}
    assert protocols.pop("vqa") == "vqa/1"
    assert protocols == {f"vqa_{name}": f"vqa/1 variant={name}" for name in ("lavis", "textvqa", "vizwiz")}


@pytest.mark.parametrize(
    ("answer", "annotators", "official", "textvqa", "vizwiz"),
    [
        ("Yes", ["yes"] * 10, 0, 1, 1),  # unanimity switches the official normalisation off, never the others
        ("two", ["2"] * 10, 0, 1, 1),
        ("2", ["two"] * 10, 0, 1, 0),  # VizWiz leaves annotators' answers as they are
        ("a cat", ["a cat"] * 10, 1, 1, 0),
        ("a cat", ["the cat"] * 5 + ["cat"] * 5, 1, 1, 1),
        ("1,000", ["1000"] * 9 + ["x"], 1, 1, 1),
        ("dog,cat", ["dogcat"] * 9 + ["x"], 0, 1, 0),  # TextVQA drops commas, the others make them spaces
        ("joe's", ["joe 's"] * 9 + ["x"], 0, 1, 0),
    ],
)
def test_variants_differ_in_what_they_normalise(answer, annotators, official, textvqa, vizwiz):
    wanted = {"official": official, "textvqa": textvqa, "vizwiz": vizwiz}
    assert {name: measure(answer, annotators, name)["score"] for name in wanted} == wanted
