"""Answers of other programs as a model: every format gives the row that its answers earn, matched by the right ids."""

import json
import os
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
import pytest
from PIL import Image

from benchmarks.errors import ConfigError
from benchmarks.registry import benchmark
from tasks.models import predictions

DATA = Path(os.environ.get("REFBENCH_SHARED", Path(__file__).resolve().parents[3] / "../shared")) / "data"
REAL, RESULTS = DATA / "coco_instances_mini", DATA / "real_predictions/centernet_bbox_coco_instances_mini.json"
real_data = pytest.mark.skipif(not REAL.is_dir() or not RESULTS.is_file(), reason="the real photos are not here")


@pytest.fixture
def questions(small_world):
    """The questions of one split of POPE, in their order."""
    return benchmark("pope/coco").open(small_world, "random", "sample").samples


@pytest.fixture
def phrases(small_world):
    """The expressions of one split of RefCOCOg."""
    return benchmark("refcocog/umd").open(small_world, "test", "sample").samples


@pytest.fixture
def evaluate(refbench, small_world):
    """Run a file of predictions as a model."""

    def run(reference, *words, task="pope", split="random"):
        place = ("eval", "--task", task, "--split", split, "--data-root", small_world)
        return refbench(*place, "--model", f"predictions:{reference}", *words, "--json")

    return run


def number_of(sample):
    return int(sample.id.rpartition("-")[2])


def log_lines(samples, answer, ids=True):
    """What lmms-eval 0.7 logs of a task that generates text."""
    return [
        {
            "doc_id": place,
            "target": "yes",
            "filtered_resps": [answer(sample)] if place % 2 else answer(sample),
            "doc_hash": "f00d",
            "input": f"{sample.question}\nAnswer the question using a single word or phrase.",
            **({"pope_accuracy": {"question_id": str(number_of(sample)), "score": 1.0}} if ids else {}),
        }
        for place, sample in enumerate(samples)
    ]


def truth(sample):
    return sample.target.answers[0]


def write_lines(name, lines):
    Path(name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return name


def write_table(name, rows, separator="\t"):
    cells = [separator.join(rows[0]), *(separator.join(str(value) for value in row.values()) for row in rows)]
    Path(name).write_text("".join(line + "\n" for line in cells))
    return name


def write_workbook(name, rows):
    """A workbook as ECMA-376 has it: texts are shared, numbers stand in the cell."""
    texts = list(dict.fromkeys(str(text) for row in [dict.fromkeys(rows[0]), *rows] for text in (*row, *row.values())))

    def cell(column, number, value):
        kind, inside = ("n", value) if isinstance(value, int) else ("s", texts.index(str(value)))
        return f'<c r="{chr(ord("A") + column)}{number}" t="{kind}"><v>{inside}</v></c>'

    table = [list(rows[0]), *(list(row.values()) for row in rows)]
    lines = "".join(
        f'<row r="{n}">{"".join(cell(c, n, v) for c, v in enumerate(row) if v != "")}</row>'
        for n, row in enumerate(table, start=1)
    )
    space = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr("xl/worksheets/sheet1.xml", f"<worksheet {space}><sheetData>{lines}</sheetData></worksheet>")
        archive.writestr("xl/sharedStrings.xml", f"<sst {space}>{shared}</sst>")
    return name


def rows_of(samples, answer=truth):
    """The table that VLMEvalKit writes."""
    return [
        {"index": place, "question": sample.question, "prediction": answer(sample)}
        for place, sample in enumerate(samples)
    ]


def test_a_samples_log_is_matched_by_question_id_whatever_its_order(evaluate, questions):
    outcome = evaluate(f"llava={write_lines('samples_pope.jsonl', log_lines(questions, truth)[::-1])}")
    row = outcome.json["rows"][0]
    assert (row["model"], row["n"], row["failed"]) == ("predictions:llava", len(questions), 0)
    assert row["metrics"]["accuracy"] == 1.0
    assert f"{len(questions)} answers matched by id" in outcome.err


def test_a_samples_log_without_ids_is_matched_by_order_and_that_is_said(evaluate, questions):
    outcome = evaluate(write_lines("log.jsonl", log_lines(questions, truth, ids=False)[::-1]))
    assert outcome.json["rows"][0]["metrics"]["accuracy"] == 1.0
    assert f"no ids in the file: {len(questions)} answers matched by their order (every question is" in outcome.err


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda lines: lines[:-1], "answers without ids of the benchmark to"),
        (lambda lines: [{**lines[0], "doc_id": 10**6}, *lines[1:]], "not numbered one after the other"),
        (lambda lines: [{**lines[0], "input": "What is it?"}, *lines[1:]], "the order is another one"),
        (lambda lines: [{**lines[0], "doc_id": "a"}, *lines[1:]], "not a whole number"),
    ],
)
def test_order_that_does_not_fit_is_refused(evaluate, questions, spoil, complaint):
    outcome = evaluate(write_lines("log.jsonl", spoil(log_lines(questions, truth, ids=False))))
    assert outcome.code == 2
    assert complaint in outcome.err


def test_what_a_log_answers_twice_or_not_at_all_is_told_and_counted(evaluate, questions):
    lines = log_lines(questions, truth)
    twice = evaluate(write_lines("twice.jsonl", [*lines, lines[0]]))
    assert twice.code == 2
    assert "is answered a second time" in twice.err
    strange = {**lines[0], "pope_accuracy": {"question_id": "99999"}}
    part = evaluate(write_lines("part.jsonl", [strange, *lines[1:]]))
    assert (part.code, part.json["rows"][0]["failed"]) == (3, 1)
    assert "1 answers belong to no sample of the split (first: '99999')" in part.err
    none = evaluate(write_lines("none.jsonl", [strange]))
    assert none.code == 2
    assert "no id is of this split" in none.err


@pytest.mark.parametrize("name", ["toy_POPE.xlsx", "toy_POPE.tsv", "toy_POPE.json"])
def test_a_table_of_predictions_in_every_format(evaluate, questions, name):
    rows = rows_of(questions)
    if name.endswith("json"):
        Path(name).write_text(json.dumps(rows))
    else:
        (write_workbook if name.endswith("xlsx") else write_table)(name, rows)
    row = evaluate(name).json["rows"][0]
    assert (row["model"], row["failed"], row["metrics"]["accuracy"]) == ("predictions:toy_POPE", 0, 1.0)


def test_a_table_with_ids_is_matched_by_them(evaluate, questions):
    rows = [{**row, "question_id": number_of(q)} for row, q in zip(rows_of(questions), questions, strict=True)]
    assert evaluate(write_workbook("t.xlsx", rows[::-1])).json["rows"][0]["metrics"]["accuracy"] == 1.0


def test_score_reads_them_too(refbench, small_world, questions):
    path = write_lines("log.jsonl", log_lines(questions, truth))
    words = (
        "score",
        "--task",
        "pope",
        "--split",
        "random",
        "--data-root",
        small_world,
        "--predictions",
        path,
        "--json",
    )
    assert refbench(*words).json["metrics"]["accuracy"] == 1.0


@pytest.mark.parametrize("spoken", ["unit", "0-999", "0-1000", "pixel"])
def test_boxes_in_words_need_a_declaration_and_follow_it(evaluate, phrases, spoken):
    from tasks.models import box_text
    from tasks.models.coordinates import Convention, Picture

    convention = Convention(space="pixel_orig" if spoken == "pixel" else spoken, digits=4)

    def say(sample):
        return "It is " + box_text.write(sample.target.box_xyxy, convention, Picture(sample.image.size_hw))

    path = write_lines("log.jsonl", log_lines(phrases, say, ids=False))
    refused = evaluate(path, task="refcocog_rec", split="test")
    assert refused.code == 2
    assert "declare how they are spoken" in refused.err
    read = evaluate(path, "--model-arg", f"boxes={spoken}", task="refcocog_rec", split="test").json["rows"][0]
    assert (read["unparsable"], read["metrics"]["acc@0.75"]) == (0, 1.0)
    wrong = "pixel" if spoken == "unit" else "unit"
    other = evaluate(path, "--model-arg", f"boxes={wrong}", task="refcocog_rec", split="test").json["rows"][0]
    assert other["unparsable"] == len(phrases)


def test_words_are_no_masks(evaluate, phrases):
    outcome = evaluate(write_lines("l.jsonl", log_lines(phrases, truth_box)), task="refcocog_res", split="test")
    assert outcome.code == 2
    assert "the task needs mask" in outcome.err


def truth_box(sample):
    return str(list(sample.target.box_xyxy))


def test_a_run_handed_in_again_is_the_same_row(refbench, evaluate, small_world):
    words = ("eval", "--task", "refcocog_res", "--split", "test", "--data-root", small_world, "--model", "constant")
    row = refbench(*words, "--json").json["rows"][0]
    again = evaluate(Path("runs") / row["run"] / "predictions.jsonl", task="refcocog_res", split="test").json["rows"][0]
    assert (again["metrics"], again["intervals"]) == (row["metrics"], row["intervals"])
    limited = evaluate(
        f"part={Path('runs') / row['run'] / 'predictions.jsonl'}", "--limit", "4", task="refcocog_res", split="test"
    )
    assert (limited.code, limited.json["rows"][0]["n"]) == (0, 4)


def test_answers_to_another_split_are_told(evaluate, phrases):
    path = write_lines("boxes.jsonl", [{"sample_id": phrases[0].id, "box_xyxy": [0, 0, 9, 9]}])
    outcome = evaluate(path, task="refcocog_rec", split="val")
    assert outcome.code == 2
    assert "answers nothing of refcocog/umd val" in outcome.err


def test_official_formats_become_runs(refbench, evaluate, small_world):
    """COCO results and a panoptic folder, made of the truth: perfect."""
    images = json.loads((small_world / "coco/annotations/instances_val2017.json").read_text())
    boxes = [
        {"image_id": a["image_id"], "category_id": a["category_id"], "bbox": a["bbox"], "score": 1.0}
        for a in images["annotations"]
        if not a["iscrowd"]
    ]
    Path("detections.json").write_text(json.dumps(boxes))
    found = evaluate("detector=detections.json", task="coco_detection", split="val2017").json["rows"][0]
    assert (found["model"], found["metrics"]["ap"]) == ("predictions:detector", pytest.approx(1.0))
    folder = small_world / "coco/annotations"
    Path("segments").mkdir()
    Path("segments/pngs").symlink_to(folder / "panoptic_val2017")
    Path("segments/pngs.json").write_bytes((folder / "panoptic_val2017.json").read_bytes())
    maps = evaluate("segments", task="coco_panoptic", split="val2017").json["rows"][0]
    words = ("score", "--task", "coco_panoptic", "--data-root", small_world, "--predictions", "segments", "--json")
    scored = refbench(*words).json["metrics"]
    assert {key: maps["metrics"][key] for key in scored} == scored
    assert (maps["failed"], scored["pq"]) == (0, 1.0)


def test_a_folder_of_labels_becomes_a_run(refbench, evaluate, small_world):
    Path("labels").mkdir()
    for sample in benchmark("coco/semantic").open(small_world, "val2017", "sample").samples:
        ids = np.array([*(category.id for category in sample.target.categories), 255], dtype=np.uint8)
        places = sample.target.load().astype(int)
        shifted = np.roll(np.where(places < len(ids), places, len(ids) - 1), 9, axis=1)
        Image.fromarray(ids[shifted]).save(f"labels/{sample.image.path.stem}.png")
    assert_same(refbench, evaluate, small_world, "coco_semantic", "val2017", "labels")


def test_a_folder_of_depth_becomes_a_run(refbench, evaluate, small_world):
    Path("maps").mkdir()
    for place, sample in enumerate(benchmark("nyu").open(small_world, "test", "sample").samples):
        height, width = sample.image.size_hw
        path = Path("maps", sample.target.names[0]).with_suffix(".npy")
        path.parent.mkdir(exist_ok=True)
        np.save(path, np.linspace(1, 4 + place, height * width).reshape(height, width))
    assert_same(refbench, evaluate, small_world, "nyu_depth", "test", "maps")


def assert_same(refbench, evaluate, root, task, split, folder):
    """The run has the numbers of `refbench score`, which never leaves the official format."""
    words = ("score", "--task", task, "--data-root", root, "--split", split, "--predictions", folder, "--json")
    scored = refbench(*words).json["metrics"]
    row = evaluate(folder, task=task, split=split).json["rows"][0]
    assert row["failed"] == 0
    assert {key: row["metrics"][key] for key in scored} == scored
    assert 0 < next(iter(scored.values())) < 1


def test_grey_maps_are_sent_to_score(evaluate, small_world):
    Path("grey").mkdir()
    for sample in benchmark("ecssd").open(small_world, "test", "sample").samples:
        Image.new("L", sample.image.size_hw[::-1], 90).save(f"grey/{sample.image_id}.png")
    outcome = evaluate("grey", task="ecssd_salient", split="test")
    assert (outcome.code, list(Path("runs").rglob("run.json"))) == (2, [])
    assert "score them by `refbench score --task`" in outcome.err


@real_data
def test_a_real_detector_gets_its_published_figures_as_a_run(refbench, tmp_path):
    """The figures are those of pycocotools 2.0.11, with six digits."""
    (tmp_path / "coco").mkdir()
    for name in ("annotations", "train2017"):
        (tmp_path / "coco" / name).symlink_to(REAL / name)
    words = ("--data-root", tmp_path, "--split", "train2017", "--task", "coco_detection", "--json")
    done = refbench("eval", "--model", f"predictions:centernet={RESULTS}", *words)
    expected = json.loads((RESULTS.parent / "expected_stats.json").read_text())[RESULTS.name]["stats"]
    row = done.json["rows"][0]
    assert row["model"] == "predictions:centernet"
    ours = [row["metrics"][key] for key in ("ap", "ap50", "ap75", "ar100")]
    assert ours == pytest.approx([expected[key] for key in ("AP", "AP50", "AP75", "AR100")], abs=1e-6)


def test_names_of_files(tmp_path):
    (tmp_path / "a=b.jsonl").write_text("")
    assert predictions.of_reference(str(tmp_path / "a=b.jsonl")).name == "predictions:a=b"
    assert predictions.of_reference(f"label={tmp_path / 'a=b.jsonl'}").name == "predictions:label"
    for wrong in ("nowhere.jsonl", f"two/parts={tmp_path / 'a=b.jsonl'}"):
        with pytest.raises(ConfigError):
            predictions.of_reference(wrong)
    one = predictions.of_reference(str(tmp_path / "a=b.jsonl")).fingerprint(None)
    (tmp_path / "a=b.jsonl").write_text("{}")
    assert predictions.of_reference(str(tmp_path / "a=b.jsonl")).fingerprint(None) != one


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.xlsx", b"PK no zip"), ("a.tsv", b"\xff\xfe"), ("a.tsv", b""), ("a.csv", b'index,"prediction\n1,2'),
     ("a.tsv", b"index\tquestion\n0\twhat"), ("a.tsv", b"index\tprediction\nx\tyes"),
     ("a.tsv", b"index\tprediction\n0\tyes\tno")],
)  # fmt: skip
def test_a_broken_table_is_named(evaluate, name, content):
    Path(name).write_bytes(content)
    outcome = evaluate(name)
    assert outcome.code == 2
    assert name in outcome.err and "Traceback" not in outcome.err
