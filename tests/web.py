"""A publisher's server on loopback that can misbehave: it truncates, stalls, redirects, refuses or forgets its ETag."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Site:
    """What the server serves, and what it saw.

    Attributes:
        files: path -> content.
        etags: path -> ETag; a path without one gets none.
        moods: path -> what it does to the next requests, one after the other: ("truncate", n) ends after n bytes,
            ("stall", n) sends n bytes and then nothing, ("status", code), ("redirect", url), ("ignore range", 0).
        asked: (path, Range header) of every request, in order.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    moods: dict[str, list[tuple[str, object]]] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    over: threading.Event = field(default_factory=threading.Event)

    def url(self, path: str) -> str:
        """The address of a path."""
        return f"{self.address}{path}"


@contextmanager
def serve(site: Site) -> Iterator[Site]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, site)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        site.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _answer(handler: BaseHTTPRequestHandler, site: Site) -> None:
    wanted = handler.headers.get("Range", "")
    site.asked.append((handler.path, wanted))
    mood, value = site.moods[handler.path].pop(0) if site.moods.get(handler.path) else ("", 0)
    if mood == "status":
        return handler.send_error(int(str(value)))
    if mood == "redirect":
        handler.send_response(302)
        handler.send_header("Location", str(value))
        return handler.end_headers()
    body, etag = site.files.get(handler.path), site.etags.get(handler.path, "")
    if body is None:
        return handler.send_error(404)
    start = 0
    if wanted and mood != "ignore range" and handler.headers.get("If-Range", "") == etag:
        start = int(wanted.removeprefix("bytes=").rstrip("-"))
        if start >= len(body):
            return handler.send_error(416)
    handler.send_response(206 if start else 200)
    if start:
        handler.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
    if etag:
        handler.send_header("ETag", etag)
    handler.send_header("Content-Length", str(len(body) - start))
    handler.end_headers()
    rest = body[start:]
    handler.wfile.write(rest[: int(str(value))] if mood in ("truncate", "stall") else rest)
    if mood == "stall":
        handler.wfile.flush()
        site.over.wait()
