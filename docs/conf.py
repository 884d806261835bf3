"""How docs/ becomes a site: `sphinx-build -W docs build/site`, without any network.

The pages are plain Markdown, readable where they lie. Their order in the navigation is that of the lists in README.md.
"""

import re
import shutil
from importlib.metadata import version as installed_version
from pathlib import Path

from sphinx.application import Sphinx

project = "refbench"
version = release = installed_version("refbench")
extensions = ["myst_parser"]
root_doc = "README"
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"refbench {version}"
html_show_sphinx = False
html_copy_source = False

_SECTION = re.compile(r"^## (?P<title>.+)\n(?P<body>(?:(?!## ).*\n?)*)", re.MULTILINE)
_ENTRY = re.compile(r"^- \[[^\]]+\]\((?P<page>[\w/]+)\.md\)", re.MULTILINE)


def setup(app: Sphinx) -> None:
    """Hook both steps of ours into the build."""
    app.connect("source-read", add_navigation)
    app.connect("build-finished", write_front_page)


def add_navigation(app: Sphinx, page: str, source: list[str]) -> None:
    """Give the front page of a folder a hidden table of contents per section, made of the links of its lists."""
    if Path(page).name == root_doc:
        source[0] += "".join(
            "\n".join(["", "```{toctree}", ":hidden:", f":caption: {section['title']}", "", *pages, "```", ""])
            for section in _SECTION.finditer(source[0])
            if (pages := _ENTRY.findall(section["body"]))
        )


def write_front_page(app: Sphinx, failure: Exception | None) -> None:
    """A web server shows index.html for a folder, a code host README.md."""
    if failure is None:
        shutil.copyfile(Path(app.outdir) / f"{root_doc}.html", Path(app.outdir) / "index.html")
