"""docs/ becomes a site without a warning and without a network, and every page can be reached from its front page."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
OFFLINE = """
import socket
import sys

def refuse(*words):
    raise RuntimeError(f"a connection was tried: {words}")

socket.socket.connect = socket.getaddrinfo = refuse
from sphinx.cmd.build import main
sys.exit(main(sys.argv[1:]))
"""


def pages():
    """Every page of docs/, as the front page would link it."""
    return {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Build the site strictly, with connections refused."""
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_parser")
    pytest.importorskip("furo")
    folder = tmp_path_factory.mktemp("site")
    words = ["-q", "-W", "--keep-going", "-d", folder / "doctrees", DOCS, folder / "html"]
    done = subprocess.run(
        [sys.executable, "-c", OFFLINE, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder / "html"


def test_every_page_is_in_the_navigation():
    linked = [
        (front.parent / name).resolve().relative_to(DOCS).as_posix()
        for front in DOCS.rglob("README.md")
        for name in re.findall(r"^- \[[^\]]+\]\(([\w/]+\.md)\)", front.read_text("utf-8"), re.MULTILINE)
    ]
    assert {*linked, "README.md"} == pages()
    assert len(linked) == len(set(linked))


def test_the_site_has_every_page_and_a_front_page(site):
    assert {page.removesuffix(".md") for page in pages()} <= {
        path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")
    }
    assert (site / "index.html").read_text("utf-8") == (site / "README.html").read_text("utf-8")


def test_the_sidebar_of_any_page_leads_to_every_other(site):
    sidebar = re.search(r'<div class="sidebar-tree">.*?</div>', (site / "grammar.html").read_text("utf-8"), re.DOTALL)
    assert sidebar is not None
    named = set(re.findall(r'href="([\w/.]+)\.html"', sidebar[0])) | {"grammar"}
    assert named == {page.removesuffix(".md") for page in pages() - {"README.md"}}


def test_the_site_loads_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        assert re.findall(r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)=\"(?:https?:)?//[^\"]*", text) == []
