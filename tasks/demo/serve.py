"""Runs the page: on this machine alone unless told otherwise, its files in a temporary folder, without calls home."""

import hmac
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.errors import ConfigError
from tasks import given_photo
from tasks.base import LoadOptions
from tasks.network import is_here

if TYPE_CHECKING:
    from tasks.demo.page import Page

QUIET = {
    "GRADIO_ANALYTICS_ENABLED": "False", "GRADIO_CACHE_EXAMPLES": "False", "GRADIO_SHARE": "False",
    "HF_HUB_DISABLE_TELEMETRY": "1", "DO_NOT_TRACK": "1",
}  # fmt: skip
"""Environment in which the page's library asks nobody for anything; it reads that when it is imported."""
PASSWORD = "REFBENCH_DEMO_PASSWORD"
"""Environment variable with what people must know to use the page."""
_FOLDER = "GRADIO_TEMP_DIR"
_LAST_PORT = 65_535


@dataclass(frozen=True)
class Offer:
    """What the demo offers, and where.

    Attributes:
        host: address to listen on.
        port: 0 for any free one.
        models: names of the models to choose from; none for those of the registry.
        load: how models are loaded.
        data_root: official files; None for the sample world.
        runs: root of run directories.
        include: folder with tasks and models of the user's.
        waiting: questions that may wait at once.
        is_offline: no model may ask a server.
        password: what people must know to use the page; "" lets in whoever reaches it.
    """

    host: str
    port: int
    models: tuple[str, ...]
    load: LoadOptions
    data_root: Path | None
    runs: Path
    include: Path | None = None
    waiting: int = 16
    is_offline: bool = False
    password: str = field(default="", repr=False)

    def lets_in(self, _name: str, password: str) -> bool:
        """Whether somebody, of any name, knows the password."""
        return hmac.compare_digest(password.encode(), self.password.encode())

    @property
    def is_open(self) -> bool:
        """Whether other machines may reach the page and need no password."""
        return not (is_here(self.host) or self.password)


@contextmanager
def serving(offer: Offer) -> Iterator[str]:
    """Run the page while the block lasts; yields its address.

    Raises:
        ConfigError: the extra is not installed, or the port is taken.
        ModelError: a model cannot be offered.
        UnknownName: there is no model of a name.
    """
    check_extra()
    port = free_port(offer.host, offer.port)
    with tempfile.TemporaryDirectory(prefix="refbench-demo-") as folder:
        os.environ.update({**QUIET, _FOLDER: folder})
        page = _page(offer, Path(folder))
        from tasks.demo.page import look

        try:
            _, address, _ = page.blocks.launch(
                server_name=offer.host, server_port=port, prevent_thread_lock=True, quiet=True, share=False,
                inbrowser=False, footer_links=[], run_history=False, ssr_mode=False, pwa=False, mcp_server=False,
                enable_monitoring=False, max_file_size=given_photo.MOST_BYTES, max_threads=16, show_error=False,
                auth=offer.lets_in if offer.password else None,
                auth_message="Any name will do; the password is the one that refbench demo was started with.",
                **look(),
            )  # fmt: skip
        except OSError as error:
            raise ConfigError(f"the page cannot listen on {offer.host} port {port}: {error}") from None
        try:
            yield address
        finally:
            page.blocks.close(verbose=False)


def wait() -> None:
    """Wait until the process is told to stop."""
    threading.Event().wait()


def check_extra() -> None:
    """Check that the page's library is here, without importing it.

    Raises:
        ConfigError: it is not.
    """
    from importlib.util import find_spec

    if "gradio" not in sys.modules and find_spec("gradio") is None:
        raise ConfigError('the demo needs gradio: pip install "refbench[demo]"')


def free_port(host: str, port: int) -> int:
    """Check that a port can be had, or find one where it is 0.

    Raises:
        ConfigError: it is taken, or there is no such address on this machine.
    """
    if port > _LAST_PORT:
        raise ConfigError(f"port {port} does not exist: give one up to {_LAST_PORT}, or --port 0 for any free one")
    try:
        family, kind, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            return int(probe.getsockname()[1])
    except OSError as error:
        raise ConfigError(
            f"port {port} of {host} cannot be had ({error.strerror or error}): give another with --port N, or --port 0 "
            "for any free one"
        ) from None


def _page(offer: Offer, folder: Path) -> "Page":
    from tasks.demo.answering import Counter
    from tasks.demo.bench import Bench
    from tasks.demo.desk import Desk
    from tasks.demo.page import Page
    from tasks.demo.scenes import Shelf

    bench = Bench(offer.models, offer.load, offer.include, offer.is_offline)
    pictures, answers = folder / "pictures", folder / "answers"
    pictures.mkdir()
    answers.mkdir()
    shelf = Shelf(offer.data_root, offer.runs, offer.include, pictures)
    return Page(Desk(shelf, bench, Counter(bench), answers), offer.waiting)
