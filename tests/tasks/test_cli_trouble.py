"""`refbench eval` where something is wrong: data, disk, weights, a user who stops it. One line, and nothing lost."""

import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.schema import Prediction

BUNDLED = Path(__file__).resolve().parents[2] / "refvlm" / "weights" / "tiny"
PHOTO_FOLDER = Path("images") / "train2014"


def photos(root):
    """All photos of a data root, in order."""
    return sorted((root / PHOTO_FOLDER).iterdir())


def truncate_instances(root):
    path = root / "refcocog" / "instances.json"
    path.write_bytes(path.read_bytes()[:-1000])


def put_code_in_refs(root):
    (root / "refcocog" / "refs(umd).p").write_bytes(b"cos\nsystem\n(S'touch executed'\ntR.")


def remove_a_photo(root):
    photos(root)[0].unlink()


def remove_all_photos(root):
    shutil.rmtree(root / PHOTO_FOLDER)


def remove_refs(root):
    (root / "refcocog" / "refs(umd).p").unlink()


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncate_instances, "broken JSON at line 1"),
        (put_code_in_refs, "system; only plain lists"),
        (remove_a_photo, "photos are missing (COCO_train2014_"),
        (remove_all_photos, "put the COCO train2014 photos there"),
        (remove_refs, "refs(umd).p is missing"),
    ],
)
def test_damaged_data_is_one_line_and_nothing_is_written(oracle, unmarked_world, damage, said):
    damage(unmarked_world)
    outcome = oracle("refcocog_res", unmarked_world)
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_a_later_task_that_cannot_run_stops_before_the_first_one_runs(oracle, unmarked_world):
    (unmarked_world / "refcoco" / "instances.json").unlink()
    outcome = oracle("refcocog_res,refcoco_rec", unmarked_world)
    assert outcome.code == 2
    assert list(Path().iterdir()) == []


def test_a_model_that_cannot_answer_is_refused_before_anything_is_opened(refbench, monkeypatch):
    from dataclasses import replace

    from tasks.models import registry

    boxes_only = replace(registry.find("oracle"), units=("box",))
    monkeypatch.setattr(registry, "find", lambda name, include: boxes_only)
    outcome = refbench("eval", "--task", "refcoco_rec,refcoco_res", "--data-root", "nowhere")
    assert outcome.code == 2
    assert "model oracle answers with box, but task refcoco_res needs mask" in outcome.err


class Reader:
    """A model that opens every photo, as real ones do, and answers nothing."""

    def predict(self, queries):
        for query in queries:
            query.image.open_rgb()
        return [Prediction(query.sample_id, "ok") for query in queries]

    def fingerprint(self):
        return "reader/1"


def test_a_corrupt_photo_fails_its_samples_and_the_run_goes_on(refbench, unmarked_world, monkeypatch):
    from benchmarks.registry import benchmark
    from tasks.base import ModelEntry
    from tasks.models import registry

    entry = ModelEntry("reader", "test", ("mask",), lambda options: Reader())
    monkeypatch.setattr(registry, "find", lambda name, include: entry)
    samples = benchmark("refcocog/umd").open(unmarked_world, "test", "official").samples
    broken = samples[0].image.path
    broken.write_bytes(broken.read_bytes()[:200])
    hit = sum(sample.image.path == broken for sample in samples)
    words = ["--task", "refcocog_res", "--data-root", unmarked_world, "--split", "test", "--json"]
    outcome = refbench("eval", *words)
    [row] = outcome.json["rows"]
    assert (row["n"], row["failed"]) == (len(samples), hit)
    assert outcome.code == 3
    assert refbench("eval", *words, "--max-failures", hit).code == 0
    assert refbench("eval", *words, "--max-failures", hit - 1).code == 3
    [failure] = row["failures"]
    assert (failure["n"], failure["reason"][:38]) == (hit, "DataError: FILE cannot be decoded (Tru")
    assert "cannot be decoded" in refbench("eval", *words[:-1]).out
    lines = [json.loads(line) for line in ("runs" / Path(row["run"]) / "predictions.jsonl").read_text().splitlines()]
    assert f"{broken.name} cannot be decoded" in next(line["error"] for line in lines if line["status"] == "failed")
    stopped = refbench("eval", *words, "--max-failures", hit - 1, "--fresh")
    assert (stopped.code, stopped.out) == (3, "")
    assert f"--max-failures allows {hit - 1}" in stopped.err.splitlines()[-1]


def test_an_out_folder_that_cannot_be_is_one_line(oracle, small_world):
    Path("file").touch()
    outcome = oracle("refcocog_rec", small_world, "--out", "file")
    assert (outcome.code, outcome.out) == (2, "")
    assert "file" in outcome.err.splitlines()[-1]


def test_a_disk_that_takes_no_more_is_one_line_and_no_result(small_world, tmp_path):
    words = ["eval", "--task", "refcocog_res", "--model", "oracle", "--data-root", str(small_world), "--quiet"]
    done = subprocess.run(
        [sys.executable, "-m", "tasks.cli", *words],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2048, 2048)),
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert "runs" in done.stderr
    assert not list(tmp_path.rglob("result.json"))


def test_a_run_directory_of_another_version_is_one_line_and_fresh_helps(oracle, small_world):
    words = ("refcocog_rec", small_world, "--split", "val")
    assert oracle(*words).code == 0
    [path] = Path("runs").rglob("run.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"schema": 99}))
    outcome = oracle(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert "run schema 99" in outcome.err
    assert "--fresh" in outcome.err
    assert oracle(*words, "--fresh").code == 0


def test_another_number_of_processes_than_a_launcher_started_is_refused(oracle, small_world, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    outcome = oracle("refcocog_rec", small_world, "--num-processes", "4")
    assert outcome.code == 2 and "started as 2 processes (WORLD_SIZE) but --num-processes says 4" in outcome.err


def test_weights_that_are_not_there_leave_nothing_behind(refbench, small_world):
    outcome = refbench("eval", "--task", "refcocog_rec", "--data-root", small_world, "--weights", "nowhere")
    assert (outcome.code, outcome.out) == (2, "")
    assert "nowhere" in outcome.err
    assert list(Path().iterdir()) == []


def test_weights_of_another_shape_leave_nothing_behind(refbench, small_world, tmp_path):
    folder = tmp_path / "weights"
    shutil.copytree(BUNDLED, folder)
    config = json.loads((folder / "config.json").read_text())
    config["llm"]["width"] //= 2
    (folder / "config.json").write_text(json.dumps(config))
    words = ["--task", "refcocog_rec", "--data-root", small_world, "--weights", folder, "--device", "cpu"]
    outcome = refbench("eval", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert str(folder) in outcome.err
    assert outcome.err.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_ctrl_c_keeps_what_is_done_and_the_same_command_goes_on(refbench, small_world, monkeypatch):
    from tasks.base import ModelEntry
    from tasks.models import registry

    class Impatient(Reader):
        """The user presses Ctrl-C at the second batch."""

        calls = 0

        def predict(self, queries):
            Impatient.calls += 1
            if Impatient.calls == 2:
                raise KeyboardInterrupt
            return super().predict(queries)

    entry = ModelEntry("reader", "test", ("box",), lambda options: Impatient())
    monkeypatch.setattr(registry, "find", lambda name, include: entry)
    words = ["--task", "refcocog_rec", "--data-root", small_world, "--split", "test", "--batch-size", "4"]
    stopped = refbench("eval", *words, "--quiet")
    assert (stopped.code, stopped.out) == (130, "")
    assert "4 of " in stopped.err
    assert "the same command goes on from there" in stopped.err
    resumed = refbench("eval", *words)
    assert resumed.code == 0
    assert "resuming, 4 of " in resumed.err
