import os
import signal

import pytest

from tasks.stopping import Terminated, code_of, held, terminable


def send(number):
    """Send a signal to this process; its handler has run when this returns."""
    os.kill(os.getpid(), number)


def test_a_signal_waits_for_the_end_of_what_is_held(capsys):
    done = []
    with pytest.raises(KeyboardInterrupt) as stop, held("finishing"):
        send(signal.SIGINT)
        done.append("rest")
    assert done == ["rest"]
    assert capsys.readouterr().err == "finishing\n"
    assert code_of(stop.value) == 130


def test_a_second_signal_ends_it_at_once():
    done = []
    with pytest.raises(KeyboardInterrupt), held():
        send(signal.SIGINT)
        send(signal.SIGINT)
        done.append("never")
    assert done == []


def test_sigterm_stops_like_ctrl_c_with_a_code_of_its_own():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Terminated) as stop, terminable(), held():
        send(signal.SIGTERM)
    assert code_of(stop.value) == 143
    assert signal.getsignal(signal.SIGTERM) == before


def test_handlers_are_as_before_when_nothing_came():
    before = signal.getsignal(signal.SIGINT)
    with held():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
