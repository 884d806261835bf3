"""A headless Chromium for tests of pages: it notes what a page complains about and which addresses it asks for."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@contextmanager
def launch() -> Iterator[Any]:
    """Start the browser for as long as the block lasts."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(browser: Any, address: str, **look: Any) -> Iterator[SimpleNamespace]:
    """Open a page in a profile of its own.

    Args:
        browser: as `launch` gives it.
        address: what to open.
        look: of the window: `viewport={"width": …, "height": …}`, `color_scheme="dark"`, `java_script_enabled=False`, …

    Yields:
        `page`; `complaints`, texts of console errors, warnings and uncaught exceptions; `asked`, addresses of requests.
    """
    context = browser.new_context(**look)
    seen = SimpleNamespace(page=context.new_page(), complaints=[], asked=[])
    seen.page.set_default_timeout(60_000)
    seen.page.on(
        "console", lambda told: seen.complaints.append(told.text) if told.type in ("error", "warning") else None
    )
    seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    seen.page.on("request", lambda request: seen.asked.append(request.url))
    try:
        seen.page.goto(address)
        yield seen
    finally:
        context.close()
