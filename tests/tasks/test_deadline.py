import signal
import threading

import pytest

from benchmarks.errors import ConfigError
from tasks import deadline


@pytest.fixture
def clock():
    """No alarm of the test runner in between; it gets its own back."""
    handler, before = signal.getsignal(signal.SIGALRM), signal.setitimer(signal.ITIMER_REAL, 0)
    yield
    signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, *before)


@pytest.mark.usefixtures("clock")
def test_the_alarm_stops_python_and_waiting_and_is_gone_afterwards():
    with pytest.raises(deadline.TimedOut), deadline.limit(0.01):
        while True:
            pass
    with pytest.raises(deadline.TimedOut), deadline.limit(0.01):
        threading.Event().wait(60)
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.usefixtures("clock")
def test_what_is_in_time_passes_and_an_older_alarm_goes_on():
    signal.setitimer(signal.ITIMER_REAL, 1000)
    before = signal.getsignal(signal.SIGALRM)
    with deadline.limit(500):
        pass
    assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_model_cannot_swallow_it():
    assert not issubclass(deadline.TimedOut, Exception)


def test_a_thread_that_cannot_be_interrupted_is_refused():
    refused = []

    def check():
        try:
            deadline.check()
        except ConfigError as error:
            refused.append(str(error))

    thread = threading.Thread(target=check)
    thread.start()
    thread.join()
    assert refused and "main thread" in refused[0]
