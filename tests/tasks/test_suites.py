"""Suite files: ours name tasks that there are, a user's own join them."""

import pytest

from benchmarks.errors import ConfigError, UnknownName
from tasks import registry
from tasks.registry import task_files
from tasks.suites import find, suite_files


@pytest.mark.parametrize("name", suite_files())
def test_every_suite_of_ours_names_tasks_that_resolve(name):
    suite = find(name)
    assert suite.description
    assert all(registry.find(task).name == task for task in suite.tasks)


def test_the_sample_suite_is_every_task_there_is():
    suite = find("sample")
    assert suite.tasks == tuple(task_files())
    assert (suite.splits, suite.data) == ("one", "sample")


def test_every_kind_of_task_is_in_a_suite_besides_sample():
    files = task_files()
    listed = {files[task].kind for name in suite_files() if name != "sample" for task in find(name).tasks}
    lost = {content.kind for content in files.values()} - listed
    assert not lost, f"no suite has a task of kind {', '.join(sorted(lost))}: add one to configs/suites"


@pytest.fixture
def include(tmp_path):
    """Write a suite `mine.yaml` into the folder of suites and return the folder of tasks."""

    def write(content, name="mine"):
        (tmp_path / "suites").mkdir(exist_ok=True)
        (tmp_path / "suites" / f"{name}.yaml").write_text(content)
        return tmp_path

    return write


def test_a_users_suite_may_hold_the_users_tasks(include):
    folder = include("description: mine\ntasks: [my_boxes, refcoco_rec]\n")
    (folder / "my_boxes.yaml").write_text(
        "kind: rec\nbenchmark: refcoco/unc\nsplits: [testB]\nprompt: locate_expression\ndescription: mine\n"
    )
    assert find("mine", folder).tasks == ("my_boxes", "refcoco_rec")
    assert "mine" in suite_files(folder)
    assert "my_boxes" in find("sample", folder).tasks


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("description: x\ntasks: [refcoco_recc]\n", "no task is called 'refcoco_recc'; did you mean refcoco_rec?"),
        ("description: x\ntasks: [pope, pope]\n", "a task is listed twice"),
        ("description: x\ntasks: []\n", "must name a task or more"),
        ("description: x\ntasks: some\n", "must be a list of tasks, or all"),
        ("description: x\ntask: all\n", "no key is called 'task'; did you mean tasks?"),
        ("description: x\ntasks: all\nsplit: one\n", "did you mean splits?"),
        ("description: x\ntasks: all\ndata: official\n", "key 'data'"),
    ],
)
def test_a_wrong_suite_is_told_with_its_file(include, content, said):
    folder = include(content)
    with pytest.raises((ConfigError, UnknownName)) as caught:
        find("mine", folder)
    assert said in str(caught.value)
    assert str(folder / "suites" / "mine.yaml") in str(caught.value)


def test_a_users_suite_may_not_take_the_name_of_ours(include):
    with pytest.raises(ConfigError, match="a built-in suite is called 'dense': rename the file"):
        suite_files(include("description: x\ntasks: all\n", "dense"))


def test_an_unknown_suite_gets_the_nearest_name():
    with pytest.raises(UnknownName, match="did you mean grounding"):
        find("groundin")


def test_the_command_lists_suites_and_shows_one(refbench):
    entries = refbench("suites", "--json").json
    assert [entry["name"] for entry in entries] == list(suite_files())
    lines = refbench("suites").out.splitlines()
    assert [line.split()[0] for line in lines[2:]] == list(suite_files())
    assert "- refcocog_res" in refbench("suites", "grounding").out
    [entry] = refbench("suites", "grounding", "--json").json
    assert "reasonseg" in entry["tasks"]
    assert refbench("suites", "nowhere").code == 2
