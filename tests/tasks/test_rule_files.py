import fnmatch
import re
from pathlib import Path

import pytest

from benchmarks.errors import ConfigError, UnknownName
from results.regression.rules import KINDS, Absolute, Limit, Significance
from tasks import rule_files, suites

GUIDE = (Path(__file__).parents[2] / "docs" / "ci_gate.md").read_text("utf-8")


@pytest.fixture
def read(tmp_path):
    """Read rules from a text."""

    def of(text):
        (tmp_path / "gate.yaml").write_text(text)
        return rule_files.read(str(tmp_path / "gate.yaml"))

    return of


def test_the_rules_of_the_guide_are_rules(read):
    [block] = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)
    book = read(block)
    assert {rule.kind for rule in book.rules} == set(KINDS)


@pytest.mark.parametrize("path", sorted(rule_files.BUILT_IN.glob("*.yaml")), ids=lambda path: path.stem)
def test_built_in_sets_are_read_by_name_and_say_what_they_do(path):
    book = rule_files.read(path.stem)
    assert book.rules
    assert book.description
    assert all(rule.name for rule in book.rules)


def test_every_rule_for_weights_trained_anew_speaks_of_tasks_in_the_suite():
    tasks = suites.find("sample").tasks
    for rule in rule_files.read("retrained").rules:
        assert all(fnmatch.filter(tasks, pattern) for pattern in rule.tasks), rule.name


def test_a_file_of_ones_own_is_read(read):
    book = read("""
alpha: 0.01
correction: none
missing: skip
directions: {energy_j: lower}
rules:
  - {kind: significance, tasks: ["refcoco*"], max_drop: 0.002}
  - {kind: absolute, metrics: [ciou, giou], slices: ["kind=*"], max_drop: 0.02}
  - {kind: limit, metrics: ["acc@0.5"], at_least: 0.8}
""")
    assert (book.alpha, book.correction, book.missing, dict(book.directions)) == (
        0.01, "none", "skip", {"energy_j": "lower"},
    )  # fmt: skip
    assert [type(rule) for rule in book.rules] == [Significance, Absolute, Limit]
    assert book.rules[1].slices == ("kind=*",)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("rules:\n  - {kind: absolut, max_drop: 0}", r"gate\.yaml: rule 1: .*'absolut'; did you mean absolute\?"),
        ("rules:\n  - {kind: absolute, max_dorp: 0}", r"rule 1 \(absolute\): .*'max_dorp'; did you mean max_drop\?"),
        ("rules:\n  - {kind: absolute, max_drop: 0}\n  - {max_drop: 0}", "rule 2: key 'kind' is missing"),
        ("rules:\n  - {kind: absolute}", r"rule 1 \(absolute\): key 'max_drop' is missing"),
        ("rules:\n  - {kind: absolute, max_drop: much}", "key 'max_drop'.*'much'"),
        ("rules:\n  - {kind: limit}", "a limit needs at_least, at_most or both"),
        ("rules: []", "key 'rules'"),
        ("alhpa: 0.1\nrules:\n  - {kind: latency, max_slowdown: 1}", r"'alhpa'; did you mean alpha\?"),
        ("directions: {x: up}\nrules:\n  - {kind: latency, max_slowdown: 1}", "directions.*'up'"),
        ("- kind: absolute", "must hold keys and values"),
        ("rules: [", "is no YAML"),
    ],
)
def test_mistakes_name_the_file_the_rule_and_the_nearest_key(read, text, complaint):
    with pytest.raises((ConfigError, UnknownName), match=complaint):
        read(text)


def test_a_set_that_is_not_there_is_refused_with_the_nearest_one(tmp_path):
    with pytest.raises(UnknownName, match="did you mean strict"):
        rule_files.read("strickt")
    with pytest.raises(ConfigError, match="cannot be read"):
        rule_files.read(str(tmp_path / "none.yaml"))
