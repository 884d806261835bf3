"""Writes the pages of docs/ that are made from the code: `python -m tasks.reference`, in a checkout.

A test fails while one of them is not what the code would write.
"""

import json
import sys
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks.files import write_atomic

DOCS = Path(__file__).parents[1] / "docs"


def pages(docs: Path = DOCS) -> Mapping[Path, Callable[[], str]]:
    """List every page with what writes it: file -> its content when called.

    Args:
        docs: folder of the pages; the text of ours around a generated part is read from there.
    """
    from tasks import kinds, reference_commands, reference_kinds, road

    found = {
        docs / "cli.md": reference_commands.page,
        docs / "architecture.svg": _architecture,
        docs / "road.svg": road.draw,
    }
    for name, kind in kinds.all_kinds().items():
        path = docs / "kinds" / f"{name}.md"
        found[path] = partial(reference_kinds.page, path, kind)
    return found


def _architecture() -> str:
    from refvlm.config import read_config
    from refvlm.figure import draw
    from refvlm.predictor import BUNDLED

    path = BUNDLED / "config.json"
    return draw(read_config(json.loads(path.read_text("utf-8")), path), "REF-VLM, the bundled preset tiny")


def main() -> int:
    """Write the pages that have changed, and name them."""
    for path, write in pages().items():
        content = write()
        if not path.is_file() or path.read_text("utf-8") != content:
            path.parent.mkdir(exist_ok=True)
            write_atomic(path, content.encode())
            sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
