"""How the demo is opened: on this machine alone, on a port that is free, with what it needs."""

import importlib.util
import socket
import sys
from pathlib import Path

import pytest

from benchmarks.errors import ConfigError
from tasks.base import LoadOptions
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


@pytest.mark.parametrize(
    ("host", "password", "is_open"),
    [("127.0.0.1", "", False), ("::1", "", False), ("localhost", "", False), ("0.0.0.0", "", True),
     ("::", "", True), ("lab.example", "", True), ("0.0.0.0", "tulip", False)],
)  # fmt: skip
def test_a_page_that_anybody_can_reach_is_told_from_others(host, password, is_open):
    assert offer(host, password).is_open == is_open


def offer(host, password):
    return serve.Offer(host, 0, ("oracle",), LoadOptions(), None, Path("runs"), password=password)


def test_without_the_password_nothing_is_served(serving, small_world, tmp_path, monkeypatch):
    """Every road that the page itself uses is closed to strangers."""
    pytest.importorskip("gradio")
    httpx = pytest.importorskip("httpx")
    monkeypatch.setenv(serve.PASSWORD, "tulip 1637 ü")
    with serving(tmp_path, "--data-root", small_world, "--model", "oracle") as served, httpx.Client() as friend:
        for road in ("config", "gradio_api/info", "gradio_api/file=x", "gradio_api/queue/data?session_hash=1"):
            assert httpx.get(served.address + road).status_code == 401, road
        for road in ("gradio_api/queue/join", "gradio_api/upload"):
            assert httpx.post(served.address + road, json={}).status_code == 401, road
        assert '"dependencies":[]' in httpx.get(served.address).text  # the page is the one that asks for the password
        for password, code in (("rose", 400), ("", 422), ("tulip 1637 ü", 200)):
            said = friend.post(served.address + "login", data={"username": "me", "password": password})
            assert said.status_code == code, password
        assert friend.get(served.address + "config").json()["dependencies"]
    assert "tulip" not in repr(offer("0.0.0.0", "tulip"))
