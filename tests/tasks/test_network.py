import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.errors import ModelError
from tasks.network import NetworkRefused, sealed

ELSEWHERE = "192.0.2.1"
"""Reserved for documentation (RFC 5737): nobody answers there."""


def test_other_machines_are_refused_and_this_one_is_not():
    with socket.create_server(("127.0.0.1", 0)) as server, sealed(True):
        with socket.create_connection(server.getsockname()):
            pass
        first, second = socket.socketpair()
        first.close()
        second.close()
        with pytest.raises(NetworkRefused, match=f"--offline forbids a connection to {ELSEWHERE} port 80"):
            socket.create_connection((ELSEWHERE, 80), timeout=1)
        with pytest.raises(NetworkRefused, match=r"a look-up of example\.com"):
            socket.getaddrinfo("example.com", 443)
        with pytest.raises(NetworkRefused), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
            datagrams.sendto(b"x", (ELSEWHERE, 53))


def test_it_is_an_error_that_libraries_and_the_command_line_both_know():
    assert issubclass(NetworkRefused, OSError) and issubclass(NetworkRefused, ModelError)


def test_a_seal_ends_with_its_block_and_none_is_none():
    with sealed(True), sealed(False):
        pass
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("0.0.0.0", 0))
    with sealed(True), pytest.raises(NetworkRefused), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("0.0.0.0", 0))


LEAKY = """
import os, socket
from benchmarks.schema import Prediction
from tasks.base import ModelEntry

class Leaky:
    def predict(self, queries):
        number = sum(map(ord, queries[0].sample_id)) % 3
        if number == 0:
            raise PermissionError("401 for " + os.environ["HF_TOKEN"])
        if number == 1:
            socket.create_connection(("192.0.2.1", 80), timeout=1)
        return [Prediction(query.sample_id, "ok", "words") for query in queries]

    def fingerprint(self):
        return "leaky"

MODELS = [ModelEntry(name="leaky", kind="toy", units=("mask",), load=lambda options: Leaky(),
                     fingerprint=lambda options: "leaky")]
"""


def test_no_secret_and_no_socket_leaves_a_run_of_several_processes(tmp_path, small_world, monkeypatch):
    """The model leaks on purpose: its errors name a token, and it calls a machine elsewhere."""
    (include := tmp_path / "mine").mkdir()
    (include / "leaky.py").write_text(LEAKY)
    secrets = {"HF_TOKEN": "canary-hf-1", "AWS_SECRET_ACCESS_KEY": "canary-aws-2", "ANYTHING": "canary-any-3"}
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    words = [
        "eval", "--task", "refcocog_res", "--split", "test", "--data-root", str(small_world), "--model", "leaky",
        "--include", str(include), "--offline", "--num-processes", "2", "--batch-size", "1", "--out", "runs",
        "--log-json", "-v", "--max-failures", "100%",
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tasks.cli", *words], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "PermissionError: N for ***" in done.stdout
    assert "NetworkRefused: --offline forbids a connection to" in done.stdout
    assert '"reason": "PermissionError: 401 for ***"' in done.stderr
    files = [path for path in (tmp_path / "runs").rglob("*") if path.is_file()]
    assert {"run.json", "result.json", "predictions.jsonl"} <= {path.name for path in files}
    written = [done.stdout.encode(), done.stderr.encode(), *(path.read_bytes() for path in files)]
    assert not [value for value in secrets.values() for content in written if value.encode() in content]
