import os
import signal
from contextlib import suppress

import pytest

from tasks.stopping import Hold, Terminated, code_of, terminable


def send(number):
    """Send a signal to this process; its handler has run when this returns."""
    os.kill(os.getpid(), number)


def test_a_signal_waits_for_the_end_of_the_piece(capsys):
    done = []
    with Hold("finishing") as hold:
        hold.begin()
        send(signal.SIGINT)
        done.append("rest")
        with pytest.raises(KeyboardInterrupt) as stop:
            hold.end()
    assert done == ["rest"]
    assert capsys.readouterr().err == "finishing\n"
    assert code_of(stop.value) == 130


def test_a_second_signal_ends_it_at_once():
    with Hold() as hold:
        hold.begin()
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)


def test_between_two_pieces_a_signal_does_what_it_did_before(capsys):
    with Hold("finishing") as hold:
        hold.begin()
        hold.end()
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
    assert capsys.readouterr().err == ""


def test_sigterm_stops_like_ctrl_c_with_a_code_of_its_own():
    before = signal.getsignal(signal.SIGTERM)
    with terminable(), Hold() as hold:
        hold.begin()
        send(signal.SIGTERM)
        with pytest.raises(Terminated) as stop:
            hold.end()
    assert code_of(stop.value) == 143
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("error", [None, ValueError])
def test_handlers_are_as_before_however_it_ends(error):
    before = signal.getsignal(signal.SIGINT)
    with suppress(ValueError), Hold() as hold:
        hold.begin()
        assert signal.getsignal(signal.SIGINT) != before
        if error is not None:
            raise error
    assert signal.getsignal(signal.SIGINT) == before
