from collections import Counter

import pytest
import yaml

from metrics.errors import DataError
from metrics.registry import metrics
from results import published
from tasks.registry import task_files


def test_every_number_is_one_row_and_says_where_it_is_printed():
    found = published.numbers()
    assert len(found) == 2466
    named = Counter((n.model, n.task, n.dataset, n.split, n.metric, n.source.key) for n in found)
    assert max(named.values()) == 1
    assert {n.source.key for n in found} == set(published.sources())
    assert all(n.source.title and n.source.place for n in found)


def test_shares_are_shares():
    """Nothing that is a percentage or a ratio may leave [0, 1], else its unit is wrong."""
    shares = [n for n in published.numbers() if n.unit in ("percent", "ratio")]
    assert [n for n in shares if not 0 <= n.value <= 1] == []


def test_a_number_keeps_its_digits_and_becomes_one_of_ours():
    rows = {row.model: row for row in published.beside("refcoco_rec", "testA") if row.source.key == "u-llava"}
    number = rows["OFA-Huge"].numbers["acc@0.5"]
    assert (number.text, number.unit) == ("94.03", "percent")
    assert number.value == pytest.approx(0.9403)


def test_columns_stand_beside_tasks_splits_and_keys_that_there_are():
    files = task_files()
    keys = {key for metric in metrics() for key in metric.card.keys}
    for place in yaml.safe_load((published.FOLDER / "tasks.yaml").read_text()):
        task = files[place["task"]]
        assert {split.partition("[")[0] for split in place["splits"].values()} <= {*task.splits, *task.extra_splits}
        assert set(place["metrics"].values()) <= keys
        of_task = [n for n in published.numbers() if (n.task, n.dataset) == tuple(place["printed"].values())]
        assert set(place["splits"]) <= {n.split for n in of_task}
        assert set(place["metrics"]) & {n.metric for n in of_task}


def test_depth_after_alignment_does_not_stand_beside_metric_depth():
    assert {n.task for row in published.beside("nyu_depth", "test") for n in row.numbers.values()} == {"depth_metric"}


def test_accuracy_follows_from_precision_and_recall_unless_the_slip_is_marked():
    """Half of POPE's adversarial questions have the answer yes; printed to 0.01, what follows is good to 0.05."""
    for row in published.beside("pope", "adversarial"):
        if {"accuracy", "precision", "recall"} <= row.numbers.keys():
            precision, recall = row.numbers["precision"].value, row.numbers["recall"].value
            follows = (recall + 1 - recall * (1 - precision) / precision) / 2
            agrees = abs(follows - row.numbers["accuracy"].value) < 5e-4
            assert agrees == (row.numbers["accuracy"].doubt == ""), row.model


def test_only_the_wanted_keys_are_found():
    assert {key for row in published.beside("nyu_depth", "test", ["rmse"]) for key in row.numbers} == {"rmse"}
    assert published.beside("refcoco_rec", "train") == []


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("m,rec,d,s,acc,1,furlong,x,", "furlong"),
        ("m,rec,d,s,acc,1,ratio,y,", "'y'"),
        ("m,rec,d,s,acc,nan,ratio,x,", "nan"),
    ],
)
def test_a_line_with_an_unknown_unit_source_or_value_is_named(tmp_path, line, place):
    (tmp_path / "sources.yaml").write_text("x: {title: T, place: Table 1}\n")
    (tmp_path / "numbers.csv").write_text(f"model,task,dataset,split,metric,value,unit,source,doubt\n{line}\n")
    with pytest.raises(DataError, match=rf"numbers\.csv:2: .*{place}"):
        published.numbers(tmp_path)


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(DataError, match=r"sources\.yaml is missing"):
        published.numbers(tmp_path)
    (tmp_path / "sources.yaml").write_text("x: [")
    with pytest.raises(DataError, match=r"sources\.yaml: broken YAML"):
        published.sources(tmp_path)
    (tmp_path / "sources.yaml").write_text("x: {place: p}")
    with pytest.raises(DataError, match=r"sources\.yaml does not list sources"):
        published.sources(tmp_path)
