import csv
import io
import json
from dataclasses import replace

from results.leaderboard import machine
from results.leaderboard.board import Line


def test_csv_has_one_unrounded_number_a_line(board):
    entries = list(csv.DictReader(io.StringIO(machine.to_csv([board]))))
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


def test_a_spreadsheet_takes_no_name_for_a_formula(board):
    [best] = board.lines[0].cells
    hostile = replace(board, lines=(Line("=cmd()", "@sum", (replace(best, value=-0.5),)),))
    [entry] = csv.DictReader(io.StringIO(machine.to_csv([hostile])))
    assert (entry["model"], entry["group"], entry["value"]) == ("'=cmd()", "'@sum", "-0.5")


def test_json_holds_everything_and_no_nan(board):
    found = json.loads(json.dumps(machine.to_json([board]), allow_nan=False))
    [told] = found["boards"]
    assert told["columns"][0]["better"] == "higher"
    assert told["lines"][0]["cells"][0]["value"] == 0.5
    assert told["lines"][3]["source"]["title"] == "A paper"
