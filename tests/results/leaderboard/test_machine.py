import csv
import io
import json
from dataclasses import replace

from results.leaderboard import machine
from results.leaderboard.board import Board, Cell, Column, Line
from results.published import Source

COLUMN = Column("toy_rec", "val", "acc@0.5", "fraction", "higher", "0123abcd", 8)
BEST = Cell("number", 0.5, (0.25, 0.75), 8, 1, 2, 0, "0123abcd", "aaaaaaaaaa", mark="best")
LOW = replace(BEST, value=0.25, interval=None, mark="second", notes=("limit: 4 of 8 samples",), state="partial")
SOURCE = Source("k", "A paper", "Table 1")
BOARD = Board(
    "toy_rec val",
    (COLUMN,),
    (
        Line("one", "family", (BEST,)),
        Line("two", "family", (LOW,)),
        Line("three", "family", (Cell("undefined", n=8),)),
        Line("peer", "published, not run here", (Cell("number", 0.9, text="90.0 percent"),), False, SOURCE),
    ),
    ("about all of it",),
)


def test_csv_has_one_unrounded_number_a_line():
    entries = list(csv.DictReader(io.StringIO(machine.to_csv([BOARD]))))
    assert [entry["model"] for entry in entries] == ["one", "two", "three", "peer"]
    first, second, third, peer = entries
    assert (first["value"], first["low"], first["high"], first["mark"], first["n"]) == (
        "0.5",
        "0.25",
        "0.75",
        "best",
        "8",
    )
    assert (first["better"], first["protocol"], first["run"]) == ("higher", "0123abcd", "aaaaaaaaaa")
    assert (second["state"], second["notes"]) == ("partial", "limit: 4 of 8 samples")
    assert (third["state"], third["value"]) == ("undefined", "")
    assert (peer["measured"], peer["source"], peer["n"]) == ("no", "A paper, Table 1", "")


def test_a_spreadsheet_takes_no_name_for_a_formula():
    board = replace(BOARD, lines=(Line("=cmd()", "@sum", (replace(BEST, value=-0.5),)),))
    [entry] = csv.DictReader(io.StringIO(machine.to_csv([board])))
    assert (entry["model"], entry["group"], entry["value"]) == ("'=cmd()", "'@sum", "-0.5")


def test_json_holds_everything_and_no_nan():
    found = json.loads(json.dumps(machine.to_json([BOARD]), allow_nan=False))
    [board] = found["boards"]
    assert board["columns"][0]["better"] == "higher"
    assert board["lines"][0]["cells"][0]["value"] == 0.5
    assert board["lines"][3]["source"]["title"] == "A paper"
