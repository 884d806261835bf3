"""`refbench regress` from end to end, on runs of the sample world that are made worse on purpose."""

import json
import shlex
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from tasks.cli import COMMANDS
from tasks.commands import regress
from tasks.parser import of_command

IMAGES = 6
"""Scenes of the small world's test split."""
EXAMPLES = Path(__file__).parents[2] / "examples" / "ci"


def spoil(source, target, share):
    """Copy answers; every so-and-so-manieth box is put into a corner."""
    lines = []
    for place, line in enumerate(source.read_text("utf-8").splitlines()):
        answer = json.loads(line)
        if place % share == 0:
            for group in answer["groups"]:
                for instance in group["instances"]:
                    instance["box_xyxy"] = [0.0, 0.0, 2.0, 2.0]
        lines.append(json.dumps(answer))
    target.write_text("\n".join(lines) + "\n", "utf-8")


@pytest.fixture
def runs(refbench, small_world, monkeypatch):
    """Runs of the oracle in `main`, and of the same answers with every third box spoilt in `worse`."""
    monkeypatch.delenv(regress.SUMMARY, raising=False)
    words = ("--task", "refcocog_rec", "--split", "test", "--data-root", small_world)
    assert refbench("eval", *words, "--model", "oracle", "--out", "main").code == 0
    [answers] = Path("main").rglob("predictions.jsonl")
    for name, share in (("worse", 3), ("equal", 10**9)):
        spoil(answers, Path(f"{name}.jsonl"), share)
        done = refbench("eval", *words, "--model", f"predictions:ours={name}.jsonl", "--out", name)
        assert done.code == 0, done.err
    return refbench


def test_the_same_answers_pass_and_worse_ones_break_the_gate(runs):
    equal = runs("regress", "--candidate", "equal", "--baseline", "main", "--json")
    assert equal.code == 0
    assert equal.json["passed"] is True
    worse = runs("regress", "--candidate", "worse", "--baseline", "main")
    assert worse.code == 1
    assert worse.out.splitlines()[-1].startswith("REGRESSION")
    assert "acc@0.5" in worse.out


def test_a_drop_of_the_planted_size_is_reported(runs):
    answer = runs("regress", "--candidate", "worse", "--baseline", "main", "--json").json
    [check] = [each for each in answer["checks"] if each["kind"] == "significance"]
    lines = Path("worse.jsonl").read_text().splitlines()
    spoilt = len(range(0, len(lines), 3)) / len(lines)
    assert check["status"] == "fail"
    assert check["change"] == pytest.approx(-spoilt)
    assert check["interval"][0] - 1e-9 <= -spoilt <= check["interval"][1] + 1e-9


@pytest.mark.parametrize("form", ["baseline file", "archive", "run", "best"])
def test_every_form_of_a_baseline_finds_the_same_change(runs, form):
    if form == "baseline file":
        assert runs("regress", "--candidate", "main", "--write-baseline", "b.json").code == 0
        words = ("--baseline", "b.json")
    elif form == "archive":
        words = ("--baseline", shutil.make_archive("artifact", "gztar", "main"))
    elif form == "run":
        words = ("--baseline", next(Path("main").rglob("result.json")).parent)
    else:
        shutil.copytree("equal", "store/equal")
        shutil.copytree("worse", "store/worse")
        words = ("--baseline", "best", "--runs", "store")
    answer = runs("regress", "--candidate", "worse", *words, "--json")
    assert answer.code == 1
    [check] = [each for each in answer.json["checks"] if each["kind"] == "significance"]
    assert check["p"] == pytest.approx(1 / 2**IMAGES)  # every image got worse: one of all sign changes
    assert "unpaired" not in check["reason"]


def test_all_files_are_written_and_can_be_read(runs, monkeypatch, tmp_path):
    (summary := tmp_path / "summary.md").write_text("before\n")
    monkeypatch.setenv(regress.SUMMARY, str(summary))
    words = ("--junit", "out/j.xml", "--markdown", "out/m.md", "--badge", "out/b.svg", "--history", "out/h.svg")
    assert runs("regress", "--candidate", "worse", "--baseline", "main", *words).code == 1
    for name in ("j.xml", "b.svg", "h.svg"):
        ElementTree.parse(Path("out") / name)
    assert summary.read_text() == "before\n" + Path("out/m.md").read_text()
    assert "❌" in Path("out/m.md").read_text()
    assert "regressed" in Path("out/b.svg").read_text()


def test_a_baseline_is_renewed_by_a_candidate_that_passed_and_by_no_other(runs):
    assert runs("regress", "--candidate", "worse", "--baseline", "main", "--write-baseline", "b.json").code == 1
    assert not Path("b.json").exists()
    assert runs("regress", "--candidate", "equal", "--baseline", "main", "--write-baseline", "b.json").code == 0
    assert json.loads(Path("b.json").read_text())["runs"][0]["paired"] is True


def test_other_data_is_refused_and_the_field_is_named(runs, small_world):
    words = ("--task", "refcocog_rec", "--split", "test", "--data-root", small_world, "--limit", 5)
    assert runs("eval", *words, "--model", "oracle", "--out", "part").code == 0
    outcome = runs("regress", "--candidate", "part", "--baseline", "main")
    assert outcome.code == 2
    assert "refcocog_rec test cannot be compared: samples is" in outcome.err


def test_an_edited_answer_is_refused(runs):
    [answers] = Path("equal").rglob("predictions.jsonl")
    answers.write_text(answers.read_text("utf-8").replace('"status":"ok"', '"status": "ok"', 1), "utf-8")
    done = runs("regress", "--candidate", "equal", "--baseline", "main")
    assert (done.code, done.out) == (2, "")
    assert "predictions.jsonl was edited" in done.err


def test_an_edited_number_is_refused(runs):
    [path] = Path("worse").rglob("result.json")
    content = json.loads(path.read_text())
    content["metrics"]["acc@0.5"] = 1.0
    path.write_text(json.dumps(content))
    outcome = runs("regress", "--candidate", "worse", "--baseline", "main")
    assert outcome.code == 2
    assert "does not follow from its rows.npz" in outcome.err


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ((), "--baseline B"),
        (("--baseline", "x", "--rows-limit", "5"), "--rows-limit goes with --write-baseline"),
        (("--baseline", "none", "--candidate", "empty"), "empty holds no finished run"),
        (("--baseline", "x", "--rules", "defalt"), "did you mean default"),
        (("--basline", "x"), "did you mean --baseline"),
    ],
)
def test_mistakes_are_one_line_and_exit_code_2(refbench, words, complaint):
    Path("empty").mkdir()
    outcome = refbench("regress", *words)
    assert outcome.code == 2
    assert complaint in outcome.err
    assert outcome.err.count("\n") == 1


def scripts(content):
    """Every command line of ours in a CI file, its continuation lines joined."""
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        return [line for each in content for line in scripts(each)]
    lines = str(content).replace("\\\n", " ").splitlines() if isinstance(content, str) else []
    return [line.strip() for line in lines if line.strip().startswith("refbench ")]


def commands_of(path):
    return scripts(yaml.safe_load(path.read_text("utf-8")))


@pytest.mark.parametrize("name", ["github_actions.yml", "gitlab.yml"])
def test_the_examples_of_ci_are_yaml_whose_commands_parse(name):
    found = commands_of(EXAMPLES / name)
    assert {shlex.split(line)[1] for line in found} == {"eval", "regress"}
    for line in found:
        command, *words = shlex.split(line)[1:]
        assert of_command(command, COMMANDS[command])[1].read(words)


def test_the_github_example_has_the_shape_of_a_workflow():
    content = yaml.safe_load((EXAMPLES / "github_actions.yml").read_text("utf-8"))
    assert set(content) == {"name", True, "permissions", "jobs"}  # YAML 1.1 reads the key `on` as true
    assert set(content[True]) == {"push", "pull_request"}
    for step in content["jobs"]["gate"]["steps"]:
        assert ("uses" in step) != ("run" in step)
        assert set(step) <= {"name", "if", "uses", "with", "env", "run"}


def test_the_gitlab_example_hands_in_the_junit_file_that_the_command_writes():
    content = yaml.safe_load((EXAMPLES / "gitlab.yml").read_text("utf-8"))
    [line] = [line for line in scripts(content["gate"]["script"]) if " regress " in line]
    words = shlex.split(line)
    assert words[words.index("--junit") + 1] == content["gate"]["artifacts"]["reports"]["junit"]
    assert set(content["stages"]) == {content["evaluate"]["stage"], content["gate"]["stage"]}
    assert content["gate"]["needs"] == ["evaluate"]
