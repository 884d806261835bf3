"""docs/grammar.md says what is so: its blocks are run and compared, and its grammar is that of `refvlm.trp`."""

import doctest
import re
from pathlib import Path

import pytest

from refvlm import trp

GUIDE = (Path(__file__).parents[2] / "docs" / "grammar.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)


def test_every_block_says_what_it_shows():
    parser, runner, known = doctest.DocTestParser(), doctest.DocTestRunner(verbose=False), {}
    said = []
    for number, block in enumerate(BLOCKS):
        test = parser.get_doctest(block, known, f"block {number}", "docs/grammar.md", None)
        assert test.examples
        runner.run(test, out=said.append, clear_globs=False)
        known = test.globs
    assert runner.failures == 0, "".join(said)
    assert len(BLOCKS) >= 6


@pytest.mark.parametrize("rule", ["answer", "plan", "flag", "item", "body", "triplet", "phrase", "ref"])
def test_the_rules_are_those_of_the_parser(rule):
    def line(text):
        [found] = re.findall(rf"^ *{rule} +:= (.+?)(?:   .*)?$", text, re.MULTILINE)
        return re.sub(r"\s+", "", found.replace('"', ""))

    assert line(GUIDE) == line(str(trp.__doc__))
