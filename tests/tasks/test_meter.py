import json
import pickle
import re

import pytest

from results.record import Record
from tasks import meter
from tasks.live import Estimate
from tasks.meter import BarMeter, JsonMeter, LineMeter, Meter, duration
from tasks.progress import say

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


RECORD = Record(
    model="m", task="first", kind="rec", dataset="toy", split="val", data="sample", limit=None, n=10, available=10,
    expected=None, failed=1, unparsable=0, missing=0, headline="acc", columns=("acc",), metrics={"acc": 0.5}, units={},
    intervals={}, protocols={}, refbench="1", run="m/first/val",
)  # fmt: skip


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self):
        return self.now


def drive(kind, clock):
    """Two rows: 6 of 10 samples were done before, then 4 and later 5 of 5 are answered; loading takes 1,000 s."""
    with kind(clock) as shown:
        shown.expect(2, 15)
        clock.now = 1000.0
        shown.begin_row("m · first · val", 10, 6)
        clock.now = 1040.0
        shown.batch(4, 1)
        shown.end_row(RECORD, 0)
        shown.begin_row("m · second · val", 5, 0)
        shown.estimate(Estimate("acc", 0.5, 0.25, 0.75, 8, "fraction"))
        clock.now = 1080.0
        shown.batch(5, 0)
        say("by the way")
    return shown


def test_counts_go_over_all_rows_and_what_was_done_before_has_no_rate():
    clock = Clock()
    shown = drive(Meter, clock)
    assert (shown.done, shown.samples, shown.failed, shown.row) == (15, 15, 1, 2)
    assert shown.rate == pytest.approx(9 / 80)
    assert shown.left_s == 0


def test_lines_come_now_and_then_without_control_characters(capsys):
    drive(LineMeter, Clock())
    out, err = capsys.readouterr()
    assert out == ""
    assert CONTROL.search(err) is None
    assert err.splitlines() == [
        "10 of 15 samples (67%), 0.1/s, about 50 s left, 1 failed; row 1 of 2 m · first · val",
        "15 of 15 samples (100%), 0.1/s, about 0 s left, 1 failed; row 2 of 2 m · second · val, "
        "acc 50.0 [25.0, 75.0] so far",
        "by the way",
    ]


def test_a_bar_shows_the_row_failures_and_the_number_so_far(capsys):
    drive(BarMeter, Clock())
    out, err = capsys.readouterr()
    assert out == ""
    assert "row 2 of 2 m · second · val" in err and "15/15" in err
    assert "1 failed, acc 50.0 [25.0, 75.0] so far" in err
    assert "by the way\n" in err


def test_json_lines_are_objects_with_an_event_and_a_time(capsys):
    drive(JsonMeter, Clock())
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    names = [event["event"] for event in events]
    assert names == ["started", "row_started", "batch", "row_done", "row_started", "estimate", "batch", "note", "ended"]
    assert all(event["at"].endswith("+00:00") for event in events)
    assert events[2] | {"at": ""} == {
        "event": "batch", "at": "", "row": "m · first · val", "samples": 4, "failed": 1, "done": 10, "of": 15,
        "per_second": 0.1, "left_s": 50.0,
    }  # fmt: skip


def test_a_meter_shows_nothing_in_another_process(capsys):
    assert type(pickle.loads(pickle.dumps(JsonMeter()))) is Meter


def test_durations_are_said_as_roughly_as_they_are_known():
    assert [duration(seconds) for seconds in (4.4, 600, 7200)] == ["4 s", "10 min", "2.0 h"]


def test_the_run_loop_tells_rows_batches_failures_and_ends(go, toy, capsys):
    class Odd(toy.Steady):
        def predict(self, queries):
            if any(query.sample_id == "toy/test/4" for query in queries):
                raise ValueError("no")
            return super().predict(queries)

    with meter.JsonMeter() as shown:
        go(model=Odd(), meter=shown)
        go(model=Odd(), meter=shown)
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (failure,) = [event for event in events if event["event"] == "failure"]
    assert (failure["sample_id"], failure["reason"]) == ("toy/test/4", "ValueError: no")
    assert sum(event["samples"] for event in events if event["event"] == "batch") == 10
    first, second = [event for event in events if event["event"] == "row_done"]
    assert (first["n"], first["failed"], first["run"]) == (10, 1, second["run"])
    assert events[-1]["event"] == "ended" and events[-1]["done"] == 20
