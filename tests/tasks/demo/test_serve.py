"""How the demo is opened: on this machine alone, on a port that is free, with what it needs."""

import importlib.util
import socket
import sys

import pytest

from benchmarks.errors import ConfigError
from tasks.demo import serve


def test_without_the_extra_the_command_says_how_to_get_it(refbench, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "gradio" else found(name, *more)
    )
    monkeypatch.delitem(sys.modules, "gradio", raising=False)
    done = refbench("demo")
    assert (done.code, done.err) == (2, 'the demo needs gradio: pip install "refbench[demo]"\n')


def test_a_busy_port_is_named(refbench):
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} of 127.0.0.1 cannot be had .* --port 0"):
            serve.free_port("127.0.0.1", port)


def test_port_0_finds_a_free_one():
    port = serve.free_port("127.0.0.1", 0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", port))
        assert probe.getsockname()[1] == port


def test_an_address_of_another_machine_is_refused():
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1 cannot be had"):
        serve.free_port("192.0.2.1", 0)


def test_a_port_that_is_none_is_refused():
    with pytest.raises(ConfigError, match="port 70000"):
        serve.free_port("127.0.0.1", 70_000)
