"""Every block of code and every command of the pages is run, or says above it in a comment what it needs.

    <!-- run -->                        run below, page by page in the order of the page, in one folder a page
    <!-- run by: tests/…/test_….py -->  run by that test
    <!-- needs: data -->                cannot be run here; its commands are parsed
    <!-- first: refbench … -->          no block: a command that is run before those of the page

A block that starts with `# some/file` is written to that file; other Python is executed; a line with `# exit code 1`
must end so. Blocks without a language, or of language text, are what a program printed.
"""

import doctest
import json
import re
import shlex
import tomllib
from dataclasses import dataclass
from pathlib import Path
from runpy import run_path

import pytest
import yaml

from tasks import own_benchmarks
from tasks.cli import COMMANDS
from tasks.parser import of_command

ROOT = Path(__file__).parents[2]
NEEDS = {
    "data", "files of yours", "finished runs", "weights", "network", "GPU", "minutes", "hours", "several machines",
    "a browser",
}  # fmt: skip
"""What a block may need."""
CODE = {"console", "bash", "python", "yaml", "json", "toml"}
FIRST = re.compile(r"^<!-- first: (?P<command>.*?) -->$", re.MULTILINE)
FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^\n]*?) -->\n)?^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE
)
FILE = re.compile(r"# (?P<path>[\w./-]+\.\w+)\n")
LIMIT = ("--limit", "4")


@dataclass(frozen=True)
class Block:
    """A fenced block: its page, line, language, mark above it, and text."""

    page: str
    line: int
    language: str
    mark: str
    text: str

    @property
    def commands(self):
        """Lines of a console, with continuations joined."""
        if self.language not in ("console", "bash"):
            return []
        return [line for line in self.text.replace("\\\n", "").splitlines() if line.strip()]


def blocks(path):
    """Every fenced block of a page."""
    text = path.read_text("utf-8")
    return [
        Block(path.relative_to(ROOT).as_posix(), text[: each.start("text")].count("\n"), each["language"],
              each["mark"] or "", each["text"])
        for each in FENCE.finditer(text)
    ]  # fmt: skip


PAGES = {path.relative_to(ROOT).as_posix(): blocks(path) for path in sorted((ROOT / "docs").rglob("*.md"))}
BLOCKS = [block for found in PAGES.values() for block in found]
README = blocks(ROOT / "README.md")


def label(block):
    return f"{block.page}:{block.line}"


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.language in CODE], ids=label)
def test_a_block_is_run_or_says_what_it_needs(block):
    kind, _, rest = block.mark.partition(": ")
    if kind == "needs":
        assert {need.strip() for need in rest.split(",")} <= NEEDS
    elif kind == "run by":
        test = (ROOT / rest).read_text("utf-8")
        assert Path(block.page).name in test, f"{rest} does not read {block.page}"
    else:
        assert kind == "run", f"{label(block)} needs one of the three comments in the line above it"


@pytest.mark.parametrize("block", BLOCKS, ids=label)
def test_the_language_of_a_block_is_a_known_one(block):
    assert block.language in CODE | {"", "text", "mermaid"}
    assert block.language in CODE or not re.search(r"^refbench ", block.text, re.MULTILINE)


def called():
    """Every command of ours in a block that is not run below: (place, words)."""
    for block in [*BLOCKS, *README]:
        for line in block.commands if block.mark != "run" else ():
            if found := re.search(r"(?:^|[\s/])refbench (?P<words>.*)", line):
                words = found["words"]
                words = words.removesuffix("'") if words.count("'") % 2 else words  # the end of what bash -c got
                yield pytest.param(words, id=f"{label(block)} {line[:60]}")


@pytest.mark.parametrize("line", list(called()))
def test_a_command_that_is_not_run_parses(line):
    words = shlex.split(line, comments=True)
    stops = [place for place, word in enumerate(words) if word in ("&&", "|", ">", "||", ";", "&")]
    words = words[: stops[0]] if stops else words
    name = next(name for name in (" ".join(words[:2]), words[0]) if name in COMMANDS)
    _, parser = of_command(name, COMMANDS[name])
    assert parser.read(words[len(name.split()) :])


def test_every_flag_that_running_names_is_one():
    text = re.sub(r"```.*?```", "", (ROOT / "docs" / "running.md").read_text("utf-8"), flags=re.DOTALL)
    known = {flag for name in ("eval", "verify") for flag in of_command(name, "")[1].flags}
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= known


class Reader:
    """Does what a page says, in the order of the page."""

    def __init__(self, refbench, monkeypatch):
        self.refbench, self.monkeypatch = refbench, monkeypatch
        self.names = {"__name__": "page"}

    def do(self, block):
        """Run a block; whatever does not end as the page says fails."""
        if found := FILE.match(block.text):
            path = Path(found["path"])
            assert not path.is_absolute() and ".." not in path.parts
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "json":
            assert all(json.loads(line) for line in block.text.splitlines())
        elif block.language == "python":
            self.python(block)
        for line in block.commands:
            self.command(line)
        {"yaml": yaml.safe_load, "toml": tomllib.loads}.get(block.language, str)(block.text)

    def python(self, block):
        """Execute a program, or compare what a session printed."""
        if ">>> " not in block.text:
            exec(compile(block.text, label(block), "exec"), self.names)  # noqa: S102
            return
        session = doctest.DocTestParser().get_doctest(block.text, {}, label(block), block.page, block.line)
        session.globs = self.names
        options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert doctest.DocTestRunner(verbose=False, optionflags=options).run(session, clear_globs=False).failed == 0

    def command(self, line):
        """Run one line of a console."""
        expected = re.search(r"# exit code (\d)", line)
        words = shlex.split(line, comments=True)
        if words[0] == "refbench":
            short = LIMIT if words[1] == "eval" and not {"--limit", "--help"} & set(words) else ()
            outcome = self.refbench(*words[1:], *short)
            assert outcome.code == int(expected[1] if expected else 0), f"{line}: {outcome.err}"
        elif words[0] == "export":
            self.monkeypatch.setenv(*words[1].split("=", 1))
        elif words[0] == "python":
            self.monkeypatch.setattr("sys.argv", words[1:])
            run_path(words[1], run_name="__main__")
        else:
            assert words[:2] == ["mkdir", "-p"], f"this test cannot run {line}"
            Path(words[2]).mkdir(parents=True, exist_ok=True)


LONG = {"docs/running.md", "docs/refvlm.md", "docs/compare.md"}
"""Pages that load the reference model and ask it."""
RUN = [
    pytest.param(page, marks=pytest.mark.slow if page in LONG else ())
    for page, found in PAGES.items()
    if any(block.mark == "run" for block in found)
]


@pytest.fixture
def without_strangers(monkeypatch):
    """Forget the benchmarks that a page adds."""
    monkeypatch.setattr("benchmarks.registry._added", {})
    yield
    own_benchmarks.load.cache_clear()


@pytest.mark.usefixtures("without_strangers")
@pytest.mark.parametrize("page", RUN)
def test_what_a_page_says_is_run_from_its_top_to_its_end(page, refbench, small_world, monkeypatch):
    monkeypatch.setattr("benchmarks.world.write.ensure_world", lambda root, progress=None: small_world)
    reader = Reader(refbench, monkeypatch)
    for found in FIRST.finditer((ROOT / page).read_text("utf-8")):
        reader.command(found["command"])
    for block in PAGES[page]:
        if block.mark == "run":
            reader.do(block)
