import json

import pytest

from tasks.balance import Assignment
from tasks.blame import Blame
from tasks.run import Interrupted

LOST = Assignment(1).after_loss(None, "ended").after_loss(None, "ended")


@pytest.fixture
def run(tmp_path):
    """A run directory."""
    (tmp_path / "predictions").mkdir()
    return tmp_path


def test_one_loss_is_forgotten_with_its_launch_and_two_are_kept(run):
    Blame(run).note(Assignment(1).after_loss(None, "ended"))
    assert Blame(run).of(Assignment(1)) == Assignment(1)
    Blame(run).note(LOST)
    assert Blame(run).of(Assignment(1)) == LOST
    assert Blame(run).of(Assignment(2)) == Assignment(2)


def test_what_several_ranks_know_of_a_batch_adds_up(run):
    Blame(run, "0").note(LOST.after_loss(2, "ended"))
    Blame(run, "1").note(LOST.after_loss(0, "hung"))
    assert Blame(run, "2").of(Assignment(1, losses=1)) == Assignment(1, 3, ((0, "hung"), (2, "ended")))


@pytest.mark.parametrize("torn", [b'{"number": 1, "losses": 7, "gui', b"no JSON\n", b"{}\n", b"[]\n"])
def test_a_line_that_cannot_be_read_is_passed_over(run, torn):
    Blame(run).note(LOST)
    with (run / "predictions" / "losses-0.jsonl").open("ab") as file:
        file.write(torn)
    assert Blame(run).of(Assignment(1)) == LOST


def test_one_process_does_not_ask_what_ended_others_either(go, toy, tmp_path):
    def stop(number):
        raise KeyboardInterrupt

    with pytest.raises(Interrupted):
        go(model=toy.Steady(stop))
    folder = toy.folder_of(tmp_path / "runs")
    (folder / "predictions").mkdir(exist_ok=True)
    Blame(folder).note(LOST.after_loss(2, "ended its process"))
    model = toy.Steady()
    assert go(model=model).failed == 1
    names = [[f"toy/test/{k}" for k in part] for part in ((0, 1, 2), (3,), (4,), (6, 7, 8), (9,))]
    assert model.asked == names
    rows = [json.loads(line) for line in (folder / "predictions.jsonl").read_text().splitlines()]
    assert {row["sample_id"]: row["error"] for row in rows if row["error"]} == {"toy/test/5": "ended its process"}
