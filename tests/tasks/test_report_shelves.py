"""Which samples a report shows."""

from types import SimpleNamespace

from benchmarks.schema import Prediction
from tasks.report_shelves import choose, gain


def run(values, failed=(), higher=True):
    ids = [f"toy/{at:03d}" for at in range(len(values))]
    said = {each: Prediction(each, "failed" if at in failed else "ok") for at, each in enumerate(ids)}
    metric = SimpleNamespace(higher_is_better=higher, headline="x")
    return SimpleNamespace(
        ids=ids, samples=dict.fromkeys(ids), answers=said, metric=metric, sample_key="x",
        values=dict(zip(ids, values, strict=True)),
    )  # fmt: skip


def numbers(shelves):
    return {shelf.title: [int(each[-3:]) for each in shelf.ids] for shelf in shelves}


def test_worst_and_best_are_at_the_ends_and_failures_apart():
    shown = numbers(choose([run([at / 100 for at in range(100)], failed=(3, 50))], 12))
    assert sorted(shown["No usable answer"]) == [3, 50]
    assert shown["Worst"] == [0, 1, 2] and shown["Best"] == [99, 98, 97]
    assert len(shown["At random"]) == 3


def test_of_errors_the_largest_is_the_worst():
    shown = numbers(choose([run([at / 100 for at in range(100)], higher=False)], 12))
    assert shown["Worst"] == [99, 98, 97]


def test_no_sample_is_shown_twice_and_few_samples_are_all_shown():
    shown = numbers(choose([run([0.5] * 5)], 40))
    assert sorted(place for places in shown.values() for place in places) == [0, 1, 2, 3, 4]


def test_undefined_values_are_neither_worst_nor_best():
    shown = numbers(choose([run([None, 0.1, 0.2, None])], 8))
    assert set(shown["Worst"] + shown.get("Best", [])) == {1, 2}


def test_two_runs_show_what_changed_most():
    first, second = run([0.5] * 20), run([0.5] * 18 + [0.9, 0.1])
    shown = numbers(choose([first, second], 24))
    assert shown["Most improved"] == [18] and shown["Most worsened"] == [19]
    assert gain([first, second], "toy/018") == 0.4
    assert numbers(choose([run([0.5, 0.5], higher=False), run([0.9, 0.5], higher=False)], 12))["Most worsened"] == [0]


def test_none_wanted_none_chosen():
    assert choose([run([0.1])], 0) == []
