"""Reports found and linked by what compares two runs."""

import json
from pathlib import Path
from urllib.parse import unquote

import pytest

from results.record import Record
from results.run import Run
from tasks import report_file
from tasks.cli import main

PAIR = ("constant/refcocog_rec/val", "oracle/refcocog_rec/val")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    out = tmp_path_factory.mktemp("runs")
    words = ["--task", "refcocog_rec", "--split", "val", "--limit", "12", "--out", str(out), "--seed", "1"]
    for model in ("constant", "oracle"):
        assert main(["eval", *words, "--model", model]) == 0
    return out


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def moved(told):
    return json.loads(told.out)["moved"]


def entries(page):
    data = page.read_text("utf-8").split('id="data">')[1].split("</script>")[0]
    return {entry[0]: entry for entry in json.loads(data)["entries"]}


def test_compare_writes_a_report_in_which_every_named_sample_opens_with_pictures(refbench, runs):
    told = refbench("compare", *PAIR, "--runs", runs, "--report", "sub/pair.html", "--samples", "9", "--json")
    assert told.code == 0
    shown = entries(Path("sub/pair.html"))
    assert len(moved(told)) == 9
    for each in moved(told):
        file, _, sample_id = each["report"].partition("#sample=")
        assert (file, unquote(sample_id)) == ("sub/pair.html", each["sample_id"])
        assert shown[each["sample_id"]][5], "pictures"


def test_a_report_that_is_here_is_found_in_either_order_and_only_for_these_runs(refbench, runs):
    words = ("compare", *PAIR, "--runs", runs, "--samples", "2", "--json")
    assert [each["report"] for each in moved(refbench(*words))] == [None, None]
    assert refbench("report", *PAIR[::-1], "--runs", runs, "--pictures", "0").code == 0
    [file] = Path().glob("report-*.html")
    assert all(each["report"].startswith(f"{file}#sample=refcocog/umd/val/") for each in moved(refbench(*words)))
    file.write_text(
        file.read_text("utf-8").replace('name="refbench-runs" content="', 'name="refbench-runs" content="0')
    )
    assert [each["report"] for each in moved(refbench(*words))] == [None, None]


def test_a_table_for_people_has_links_and_markdown_makes_them_clickable(refbench, runs):
    words = ("compare", *PAIR, "--runs", runs, "--samples", "1", "--report", "pair.html")
    told = refbench(*words)
    [link] = [word for word in told.out.split() if word.startswith("pair.html#sample=refcocog/umd/val/")]
    assert f"[open]({link})" in refbench(*words, "--format", "markdown").out


def test_a_report_of_two_models_is_refused_in_one_line(refbench, runs):
    told = refbench("compare", "constant", "oracle", "--runs", runs, "--report", "pair.html")
    assert (told.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert "name one run of each" in told.err
    assert not Path("pair.html").exists()


def test_addresses_hold_whatever_ids_hold():
    ids = ["a b#c", "ü/1", "100%"]
    for sample_id, link in report_file.links(Path("my report.html"), ids).items():
        file, sign, rest = link.partition("#sample=")
        assert (unquote(file), sign, unquote(rest)) == ("my report.html", "#sample=", sample_id)
        assert not set(' "<>#') & set(file + rest)


def test_names_of_models_cannot_lead_out_of_the_folder():
    record = Record(
        model="../../x", task="t", kind="rec", dataset="d", split="val", data="official", limit=None, n=1, available=1,
        expected=None, failed=0, unparsable=0, missing=0, headline="k", columns=("k",), metrics={"k": 0.0}, units={},
        intervals={}, protocols={}, refbench="0",
    )  # fmt: skip
    assert report_file.usual_place([Run(record, Path("somewhere"))]).parent == Path()
