import pytest
from pydantic import ValidationError

from results.regression.rules import KINDS, Absolute, Failures, Limit, RuleBook, Significance, titles


@pytest.fixture
def record(make_record, sliced):
    return make_record(slices=sliced(kind={"even": 0.5, "odd": 0.25}, size={"small": 0.1}))


def test_a_rule_covers_the_tasks_that_match_one_of_its_patterns(make_record):
    rule = Absolute(kind="absolute", max_drop=0, tasks=["refcoco*_res", "pope"])
    found = [
        task for task in ("refcoco_res", "refcocog_res", "refcoco_rec", "pope") if rule.covers(make_record(task=task))
    ]
    assert found == ["refcoco_res", "refcocog_res", "pope"]


def test_headline_stands_for_the_first_number_and_patterns_for_several(record):
    assert Absolute(kind="absolute", max_drop=0).keys(record) == ["acc@0.5"]
    assert Absolute(kind="absolute", max_drop=0, metrics=["acc@*"]).keys(record) == ["acc@0.25", "acc@0.5"]
    assert Absolute(kind="absolute", max_drop=0, metrics=["depth_m", "headline"]).keys(record) == ["acc@0.5", "depth_m"]


def test_only_exact_names_can_be_unknown(record):
    rule = Absolute(kind="absolute", max_drop=0, metrics=["acc@0.6", "headline", "none*", "depth_m"])
    assert rule.unknown_keys([record]) == ["acc@0.6"]


def test_slices_are_chosen_by_tag_and_value(record):
    known = [(tag, value) for tag, values in record.slices.items() for value in values]

    def parts(*slices):
        return Absolute(kind="absolute", max_drop=0, slices=slices).parts(known)

    assert parts() == [("", "")]
    assert parts("kind=*") == [("kind", "even"), ("kind", "odd")]
    assert parts("*=small", "kind=odd") == [("kind", "odd"), ("size", "small")]
    assert parts("nothing=*") == []


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("absolute", {}),
        ("absolute", {"max_drop": -0.1}),
        ("absolute", {"max_drop": float("nan")}),
        ("relative", {"max_drop": float("inf")}),
        ("significance", {"alpha": 0.05}),
        ("limit", {}),
        ("latency", {"max_slowdown": "fast"}),
        ("failures", {}),
        ("failures", {"max_rate": 2}),
        ("absolute", {"max_drop": 0.1, "tasks": []}),
        ("absolute", {"max_drop": 0.1, "metrics": []}),
    ],
)
def test_rules_that_mean_nothing_are_refused(kind, content):
    with pytest.raises(ValidationError):
        KINDS[kind].model_validate({"kind": kind, **content})


def test_every_kind_is_registered_under_the_name_it_takes():
    assert all(rule.model_fields["kind"].annotation.__args__ == (kind,) for kind, rule in KINDS.items())


@pytest.mark.parametrize("alpha", [0, 0.5, -1, 2])
def test_alpha_is_a_small_chance(alpha):
    with pytest.raises(ValidationError):
        RuleBook(rules=(), alpha=alpha)


def test_rules_are_told_apart_by_name_then_kind_then_place():
    rules = [Significance(kind="significance"), Limit(kind="limit", at_least=0, name="floor"),
             Failures(kind="failures", max_rate=0), Failures(kind="failures", max_increase=0)]  # fmt: skip
    assert titles(rules) == ["significance", "floor", "failures #3", "failures #4"]
