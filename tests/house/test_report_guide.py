"""The guide to reports: its code runs, its commands parse, its picture is small."""

import re
import shlex
from pathlib import Path

from PIL import Image

from tasks.commands import report
from tasks.parser import Parser

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "report.md").read_text("utf-8")


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_the_code_runs_as_it_stands(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL):
        exec(block, names)  # noqa: S102
    assert "a point outside the picture is left out" in capsys.readouterr().out
    assert size_of(Path("overlay.png")) == (480, 360)
    assert size_of(Path("sheet.png"))[0] > 900
    assert (tmp_path / "plots.html").read_text("utf-8").count("<svg") == 3


def test_commands_parse():
    parser = Parser("report", "", report.EXAMPLES)
    report.arguments(parser)
    lines = [line for line in GUIDE.splitlines() if line.startswith("refbench report ")]
    assert len(lines) == 3
    for line in lines:
        assert parser.read(shlex.split(line)[2:]).run


def test_the_picture_is_there_and_small():
    picture = DOCS / "report.webp"
    assert picture.stat().st_size < 200_000
    assert size_of(picture)[0] >= 1000
