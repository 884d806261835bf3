"""Pages about task kinds: what is generated is whole, its examples are answers, and what is written by hand stays."""

import json
import re
from dataclasses import replace

import pytest

from benchmarks.errors import ConfigError
from tasks import handed_in
from tasks.kinds import all_kinds
from tasks.reference_kinds import BEGIN, END, generated, page
from tasks.registry import task_files

KINDS = all_kinds()


@pytest.mark.parametrize("name", KINDS)
def test_tasks_metrics_keys_and_rules_are_all_there(name):
    text = generated(KINDS[name]).replace("\\", "")
    for task, content in task_files().items():
        assert (f"| `{task}` |" in text) == (content.kind == name)
    for metric in KINDS[name].metrics:
        assert f"### {metric.name}: `{metric.protocol}`" in text
        for key in metric.card.keys:
            assert f"| `{key}` |" in text
        for rule in metric.card.edge_rules:
            assert f"- {rule}\n" in text


@pytest.mark.parametrize("name", KINDS)
def test_the_examples_are_answers_of_the_unit(name, tmp_path):
    lines = re.findall(r"```json\n(.*)\n```", generated(KINDS[name]))
    assert lines
    for line in lines:
        (tmp_path / "answers.jsonl").write_text(line)
        [answer] = handed_in.read(tmp_path / "answers.jsonl").values()
        units = {group.unit for group in answer.groups}
        assert KINDS[name].wants in units or json.loads(line)[KINDS[name].wants]


def test_what_is_written_by_hand_stays(tmp_path):
    path = tmp_path / "res.md"
    path.write_text(f"# Mine\n{BEGIN}\nold\n{END}\nbelow\n")
    text = page(path, KINDS["res"])
    assert text.startswith(f"# Mine\n{BEGIN}\n\n## Tasks") and text.endswith(f"{END}\nbelow\n")
    assert "\nold\n" not in text
    path.write_text(text)
    assert page(path, KINDS["res"]) == text


@pytest.mark.parametrize("content", [None, "# Mine\n", f"{BEGIN}\n", f"{BEGIN}\n{BEGIN}\n{END}\n"])
def test_a_page_without_its_marks_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "res.md").write_text(content)
    with pytest.raises(ConfigError, match=r"res\.md must be a page about res"):
        page(tmp_path / "res.md", KINDS["res"])


def test_directions_and_open_ranges_are_told():
    metric = KINDS["res"].metrics[0]
    open_ended = replace(metric, higher_is_better=False, card=replace(metric.card, range=(0.0, None), unit="metres"))
    text = generated(replace(KINDS["res"], metrics=(open_ended,)))
    assert "Headline `ciou`, metres, 0 to any, lower is better." in text
