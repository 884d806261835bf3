"""`refbench export`: tables from real runs, and a paper held against them."""

import csv
import io

import pytest


@pytest.fixture
def runs(refbench, small_world, tmp_path):
    """A folder with runs of two models."""
    for model in ("oracle", "constant"):
        words = ("--task", "refcocog_rec", "--model", model, "--data-root", small_world, "--out", tmp_path / "runs")
        assert refbench("eval", *words, "--limit", "8").code == 0
    return tmp_path / "runs"


def test_a_table_is_written_checked_and_found_wrong_once_changed(refbench, runs, tmp_path):
    paper = tmp_path / "paper.tex"
    words = ("export", "--table", "rec", "--no-published", "--runs", runs)
    assert refbench(*words, "--format", "latex", "--standalone", "--output", paper).code == 0
    assert refbench("export", "--check", paper, "--runs", runs).code == 0
    paper.write_text(paper.read_text().replace("100.00", "99.99"))
    outcome = refbench("export", "--check", paper, "--runs", runs, "--json")
    assert outcome.code == 1
    assert {finding["verdict"] for finding in outcome.json["findings"]} == {"wrong"}
    assert outcome.json["numbers"] > outcome.json["ok"]


def test_csv_tells_what_is_missing(refbench, runs):
    text = refbench("export", "--table", "rec", "--no-published", "--runs", runs, "--format", "csv").out
    lines = list(csv.DictReader(io.StringIO(text)))
    assert {line["row"] for line in lines} == {"oracle", "constant"}
    assert {line["state"] for line in lines} == {"number", "missing", "incomplete"}


def test_printed_numbers_need_no_runs(refbench, tmp_path):
    (tmp_path / "empty").mkdir()
    outcome = refbench("export", "--table", "rec", "--runs", tmp_path / "empty", "--format", "json")
    assert outcome.code == 0
    assert any(row["row"] == "Shikra-7B" for row in outcome.json["tables"][0]["rows"])


def test_printed_numbers_of_a_part_of_a_split_stand_below_it(refbench, tmp_path):
    """Table 1 of LISA: OVSeg on ReasonSeg test, short and long queries."""
    done = refbench("export", "--table", "gres_reasoning", "--runs", tmp_path, "--format", "csv")
    lines = [line for line in csv.DictReader(io.StringIO(done.out)) if line["row"] == "OVSeg" and line["shown"] != "–"]
    shown = {line["column"]: line["shown"] for line in lines}
    assert shown["ReasonSeg test, short gIoU"] == "18.0" and shown["ReasonSeg test, short cIoU"] == "15.5"
    assert shown["ReasonSeg test, long gIoU"] == "28.7" and shown["ReasonSeg test, long cIoU"] == "22.5"


def test_mistakes_end_in_one_line(refbench, tmp_path):
    (tmp_path / "empty").mkdir()
    empty = refbench("export", "--table", "rec", "--no-published", "--runs", tmp_path / "empty")
    assert (empty.code, empty.out) == (2, "")
    assert "would be empty" in empty.err
    for words in (("export",), ("export", "--table", "nothing_such"), ("export", "--check", tmp_path / "no.tex")):
        outcome = refbench(*words)
        assert outcome.code == 2
        assert len(outcome.err.strip().splitlines()) == 1
