"""A server of chat completions on loopback that can misbehave: it stalls, errs, breaks off, has no time or no sense."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Chat:
    """What the server says, and what it was asked.

    Attributes:
        say: request -> what the model says; None for a message without text.
        models: names that it lists; None for a server without a list.
        key: bearer token that it wants; empty for none.
        moods: what it does to the next completions, one after the other: ("status", code, headers, message, error
            code), ("stall",), ("break off", n bytes), ("reset",), ("nonsense", text), ("length",), ("redirect", url).
        asked: requests for completions, in the order of their coming.
        together: most completions that were under way at once.
        crowd: completions that must be under way before any of them is answered.
    """

    say: Callable[[dict[str, Any]], str | None] = lambda body: "yes"
    models: list[str] | None = field(default_factory=lambda: ["toy"])
    key: str = ""
    moods: list[tuple[Any, ...]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    address: str = ""
    together: int = 0
    crowd: int = 1
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Condition = field(default_factory=threading.Condition)


@contextmanager
def serve(chat: Chat) -> Iterator[Chat]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/v1/models" and chat.models is not None
            if chat.key and self.headers.get("Authorization") != f"Bearer {chat.key}":
                _send(self, 401, {"error": {"message": f"wrong key {self.headers.get('Authorization')}"}})
            else:
                listed = [{"id": name} for name in chat.models or ()]
                _send(self, 200 if known else 404, {"data": listed} if known else {})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with chat.lock:
                chat.asked.append(body)
                mood = chat.moods.pop(0) if chat.moods else ("",)
                _wait_for_crowd(chat)
            _answer(self, chat, body, mood)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    chat.address = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield chat
    finally:
        chat.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _wait_for_crowd(chat: Chat) -> None:
    """Hold an answer back until as many requests are under way as the test says."""
    chat.together += 1
    chat.lock.notify_all()
    if not chat.lock.wait_for(lambda: chat.together >= chat.crowd, timeout=20):
        raise AssertionError(f"only {chat.together} of {chat.crowd} requests came at once")


def _answer(handler: BaseHTTPRequestHandler, chat: Chat, body: dict[str, Any], mood: tuple[Any, ...]) -> None:
    match mood:
        case ("status", code, headers, message, error_code):
            return _send(handler, code, {"error": {"message": message, "code": error_code}}, headers)
        case ("stall",):
            chat.over.wait()
            return None
        case ("reset",):
            return handler.connection.close()
        case ("redirect", url):
            return _send(handler, 302, {}, {"Location": url})
        case ("nonsense", text):
            return _send_bytes(handler, 200, text.encode(), {}, len(text))
    reply = {
        "model": "toy-1",
        "choices": [
            {"message": {"content": chat.say(body)}, "finish_reason": "length" if mood[0] == "length" else "stop"}
        ],
        "usage": {"prompt_tokens": 100, "completion_tokens": 7},
    }
    data = json.dumps(reply).encode()
    _send_bytes(handler, 200, data[: mood[1]] if mood[0] == "break off" else data, {}, len(data))


def _send(handler: BaseHTTPRequestHandler, code: int, content: dict[str, Any], headers: Any = ()) -> None:
    data = json.dumps(content).encode()
    _send_bytes(handler, code, data, dict(headers), len(data))


def _send_bytes(handler: BaseHTTPRequestHandler, code: int, data: bytes, headers: dict[str, str], length: int) -> None:
    handler.send_response(code)
    for name, value in {"Content-Type": "application/json", "Content-Length": str(length), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(data)
