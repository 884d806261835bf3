"""`refbench report` on real runs of a small sample world, and on what is left of runs after accidents."""

import json
import re
import shutil
from types import SimpleNamespace

import pytest

from tasks.cli import main

TASKS = "refcoco_rec,coco_detection,nyu_depth,vqav2"


@pytest.fixture(scope="module")
def made(small_world, tmp_path_factory):
    """Runs of the oracle and the constant model, and the world they were made on: read only."""
    root = tmp_path_factory.mktemp("made")
    shutil.copytree(small_world, root / "world")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REFBENCH_CACHE", str(root / "cache"))
        for model in ("oracle", "constant"):
            words = ["--model", model, "--data-root", str(root / "world"), "--out", str(root / "runs"), "--json"]
            assert main(["eval", "--task", TASKS, *words]) == 0
    return SimpleNamespace(root=root, runs=root / "runs", world=root / "world")


@pytest.fixture
def copy(made, tmp_path):
    """Runs of one task, free to be damaged: {model: run directory}."""

    def take(task="refcoco_rec"):
        found = {}
        for model in ("oracle", "constant"):
            folder = sorted((made.runs / model / task).iterdir())[0]
            found[model] = tmp_path / "runs" / model / task / folder.name
            shutil.copytree(folder, found[model])
        return found

    return take


@pytest.fixture
def report(refbench, tmp_path):
    """Write a report; returns the page's text and what the command said."""

    def write(*words):
        out = tmp_path / "page.html"
        told = refbench("report", "--pictures", 8, *words, "--out", out, "--json")
        return SimpleNamespace(told=told, text=out.read_text("utf-8") if out.exists() else "", out=out)

    return write


def data_of(text):
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])


def change(path, edit):
    content = json.loads(path.read_text("utf-8"))
    edit(content)
    path.write_text(json.dumps(content), "utf-8")


@pytest.mark.parametrize("task", TASKS.split(","))
def test_every_sample_is_in_the_list_and_the_headline_on_a_card(copy, report, task):
    run = copy(task)["oracle"]
    page = report(run)
    record = json.loads((run / "result.json").read_text("utf-8"))
    assert page.told.code == 0
    assert len(data_of(page.text)["entries"]) == record["n"] == page.told.json["samples"]
    assert f"<h3>{record['headline']}</h3>" in page.text
    assert f"<strong>{100 * record['metrics'][record['headline']]:.2f}</strong>" in page.text
    assert page.told.json["pictured"] > 0
    assert "data:image/webp;base64," in page.text
    assert page.told.json["bytes"] == page.out.stat().st_size


def test_a_depth_report_has_truth_answer_error_and_their_scales(copy, report):
    [entry, *_] = [each for each in data_of(report(copy("nyu_depth")["oracle"]).text)["entries"] if each[5]]
    assert [picture[1] for picture in entry[5]] == ["image", "truth", "answer", "error"]
    assert [bool(picture[4]) for picture in entry[5]] == [False, True, True, True]


def test_two_runs_stand_side_by_side(copy, report):
    runs = copy()
    page = report(runs["constant"], runs["oracle"])
    content = data_of(page.text)
    assert content["runs"] == ["constant", "oracle"]
    assert all(len(entry[3]) == 2 for entry in content["entries"])
    assert all(entry[3][1][0] == 1 for entry in content["entries"])  # the oracle's IoU
    pictured = next(entry for entry in content["entries"] if entry[5])
    assert [picture[1] for picture in pictured[5]] == ["truth", "constant", "oracle"]
    assert "Most improved" in page.text and "Most worsened" not in page.text
    assert re.search(r'class="change better">\+[\d.]+ better \(\+[\d.]+ to \+[\d.]+; p', page.text)


def test_a_run_beside_itself_has_no_difference(copy, report):
    run = copy()["oracle"]
    page = report(run, run)
    assert page.told.code == 0
    assert "no difference" in page.text and "Most improved" not in page.text


def test_two_runs_of_different_tasks_are_refused(copy, report):
    page = report(copy("refcoco_rec")["oracle"], copy("vqav2")["oracle"])
    assert page.told.code == 2
    assert "task is refcoco_rec in one and vqav2 in the other" in page.told.err
    assert not page.out.exists()


def test_no_run_of_that_name_names_the_nearest(copy, report, tmp_path):
    copy()
    page = report("oracel/refcoco_rec", "--runs", tmp_path / "runs")
    assert page.told.code == 2
    assert "did you mean oracle/refcoco_rec" in page.told.err


def test_no_runs_at_all_says_what_to_do(report, tmp_path):
    page = report("anything", "--runs", tmp_path / "none")
    assert page.told.code == 2
    assert "refbench eval" in page.told.err


def test_three_runs_are_too_many(report):
    page = report("a", "b", "c")
    assert page.told.code == 2 and "one run or two, not 3" in page.told.err


@pytest.mark.parametrize("content, words", [(None, "photos are missing"), (b"no photo", "could not be drawn")])
def test_photos_that_are_gone_or_broken_are_said_and_the_page_is_written(made, copy, report, content, words):
    run = copy()["oracle"]
    world = run.parent / "world"
    shutil.copytree(made.world, world)
    for photo in (world / "images").rglob("*.jpg"):
        photo.unlink() if content is None else photo.write_bytes(content)
    page = report(run, "--data-root", world)
    assert page.told.code == 0
    assert page.told.json["pictured"] == 0
    assert any(words in note for note in page.told.json["notes"])
    assert 'id="gallery"' not in page.text
    assert "<strong>100.00</strong>" in page.text


def test_data_that_is_gone_is_said_and_answers_and_numbers_stay(copy, report, tmp_path):
    run = copy()["oracle"]
    change(run / "run.json", lambda content: content["opens"].update(data_root=str(tmp_path / "nowhere")))
    change(run / "run.json", lambda content: content["identity"]["split"].update(origin="official"))
    change(run / "result.json", lambda content: content.update(data="official"))
    page = report(run)
    assert page.told.code == 0
    assert any("the data is not here any more" in note for note in page.told.json["notes"])
    entries = data_of(page.text)["entries"]
    assert entries and all(entry[1] == "" and entry[3][0][0] == 1 for entry in entries)


def test_samples_without_an_answer_are_missing_and_counted(copy, report):
    run = copy()["oracle"]
    lines = (run / "predictions.jsonl").read_text("utf-8").splitlines(keepends=True)
    (run / "predictions.jsonl").write_text("".join(lines[2:]), "utf-8")
    page = report(run)
    lost = [entry for entry in data_of(page.text)["entries"] if entry[3][0][1] == "missing"]
    assert [entry[0] for entry in lost] == [json.loads(line)["sample_id"] for line in lines[:2]]
    assert any(f"2 of {len(lines)} samples have not an answer" in note for note in page.told.json["notes"])


@pytest.mark.parametrize("name", ["rows.npz", "predictions.jsonl", "run.json"])
def test_a_run_without_one_of_its_files_still_has_a_report(made, copy, report, name):
    run = copy()["oracle"]
    (run / name).unlink()
    page = report(run, "--data-root", made.world, "--pictures", 4)
    assert page.told.code == 0
    assert name == "run.json" or any(name in note for note in page.told.json["notes"])
    assert "<strong>100.00</strong>" in page.text


def test_answers_that_were_edited_after_the_run_are_told(copy, report):
    run = copy()["oracle"]
    answers = run / "predictions.jsonl"
    lines = answers.read_text("utf-8").splitlines(keepends=True)
    first = json.loads(lines[0])
    answers.write_text(json.dumps({**first, "text": "an answer of my own"}) + "\n" + "".join(lines[1:]), "utf-8")
    assert "predictions.jsonl was edited: it does not hold the answers that were scored" in report(run).text


def test_a_number_that_is_none_is_undefined(copy, report):
    run = copy()["oracle"]
    change(run / "result.json", lambda content: content["metrics"].update({"acc@0.5": float("nan"), "miou": None}))
    change(run / "result.json", lambda content: content["intervals"].update({"acc@0.5": [float("nan"), 1.0]}))
    page = report(run)
    assert page.told.code == 0
    assert page.text.count('<strong class="none">undefined</strong>') == 2
    assert "NaN" not in page.text and ">nan" not in page.text


def test_hostile_names_and_answers_stay_words(copy, report):
    hostile = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
    run = copy()["oracle"]
    change(run / "result.json", lambda content: content.update(model=hostile))
    lines = [json.loads(line) for line in (run / "predictions.jsonl").read_text("utf-8").splitlines()]
    for line in lines:
        line["text"] = hostile
    (run / "predictions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    page = report(run)
    assert page.told.code == 0
    assert page.text.count("<script") == 2 and "<img" not in page.text
    assert data_of(page.text)["entries"][0][3][0][2] == hostile


def test_the_same_runs_give_the_same_file(copy, report):
    run = copy()["constant"]
    first = report(run).out.read_bytes()
    assert report(run).out.read_bytes() == first


def test_without_pictures_there_is_no_gallery(copy, report):
    page = report(copy()["oracle"], "--pictures", 0)
    assert page.told.json["pictured"] == 0 and 'id="gallery"' not in page.text


def test_the_file_has_a_name_of_its_own_and_the_command_says_where_it_lies(copy, refbench):
    told = refbench("report", copy()["oracle"], "--pictures", 0)
    assert told.out.startswith("report-oracle-refcoco_rec-") and "open it in a browser" in told.out
