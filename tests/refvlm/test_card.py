"""The model card: every number in it stands in a file, and the scores of other weights are refused."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from benchmarks.errors import DataError, ModelError
from refvlm import checkpoint
from refvlm.card import Words, read_weights, write_card
from refvlm.fingerprint import fingerprint
from refvlm.predictor import BUNDLED


@pytest.fixture
def folder(tmp_path, nano, tokenizer):
    checkpoint.save(tmp_path / "model", nano, tokenizer, nano.state_dict(), torch.float16)
    lines = [{"step": 20, "seconds": 1.0, "box": 9.25}, {"step": 1700, "seconds": 120.0, "box": 0.5, "mask": 0.125}]
    (tmp_path / "model" / "train_log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path / "model"


@pytest.fixture
def result(tmp_path, folder):
    """Write a result.json as a run writes it."""

    def write(name="a.json", **changes):
        content = {
            "schema": 1, "model": "refvlm", "task": "refcocog_rec", "kind": "rec", "dataset": "refcocog/umd",
            "split": "test", "data": "sample", "limit": None, "n": 1472, "available": 1472, "expected": None,
            "failed": 0, "unparsable": 8, "missing": 0, "headline": "acc@0.5", "columns": ["miou", "acc@0.5"],
            "metrics": {"miou": 0.81239, "acc@0.5": 0.93071}, "units": {"miou": "fraction", "acc@0.5": "fraction"},
            "intervals": {"acc@0.5": [0.918, 0.9427]}, "protocols": {"rec": "rec/1"}, "refbench": "0.1.0",
            "options": {"prompt": "locate_expression"}, "digests": {"model": fingerprint(folder)}, "slices": {},
        }  # fmt: skip
        path = tmp_path / name
        path.write_text(json.dumps(content | changes))
        return path

    return write


def front_of(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_scores_are_those_of_the_records(folder, result):
    depth = {
        "task": "nyu_depth",
        "headline": "rmse",
        "metrics": {"rmse": 0.25, "d1": None},
        "units": {"rmse": "metres"},
    }
    part = {"n": 10, "expected": 654, "data": "official", "intervals": {}, "unparsable": 0}
    text = write_card(folder, [result(), result("b.json", **depth, **part)], Words("Nano")).read_text()
    rows = [line for line in text.splitlines() if line.startswith("| refcocog_rec") or line.startswith("| nyu")]
    assert rows == [
        "| refcocog_rec (locate_expression) | refcocog/umd | test | sample | 1,472 | acc@0.5 | 0.9307 | "
        "0.9180 to 0.9427 | 99.5% | rec/1 |",
        "| refcocog_rec (locate_expression) | refcocog/umd | test | sample | 1,472 | miou | 0.8124 |  | 99.5% | "
        "rec/1 |",
        "| nyu_depth (locate_expression) | refcocog/umd | test | official | 10 of 654 | rmse | 0.2500 metres |  | "
        "100.0% | rec/1 |",
        "| nyu_depth (locate_expression) | refcocog/umd | test | official | 10 of 654 | d1 | undefined |  | 100.0% | "
        "rec/1 |",
    ]
    assert "never comparable to published numbers" in text
    assert "a part of the split only" in text


def test_the_front_matter_is_what_model_hubs_read(folder, result):
    front = front_of(write_card(folder, [result()], Words("Nano")).read_text())
    assert front["library_name"] == "transformers"
    [model] = front["model-index"]
    assert model["name"] == "Nano"
    [found] = model["results"]
    assert found["dataset"] == {"name": "refcocog/umd (sample)", "type": "refcocog/umd", "split": "test"}
    assert {each["type"]: each["value"] for each in found["metrics"]} == {"miou": 0.81239, "acc@0.5": 0.93071}


def test_sizes_are_those_of_the_files(folder, nano):
    stored = {name: value for name, value in nano.state_dict().items() if name != "llm.lm_head.weight"}
    weights = read_weights(folder)
    assert weights.values == sum(value.numel() for value in stored.values())
    assert set(weights.formats) == {"F16"}
    text = write_card(folder, []).read_text()
    assert f"{weights.values:,} stored values (F16)" in text
    assert "letterboxed to 64 pixels" in text
    assert fingerprint(folder) in text
    assert "Step 1,700 after 2 minutes" in text
    assert "| loss | step 20 | step 1,700 |\n| --- | --- | --- |\n| box | 9.25 | 0.5 |\n| mask |  | 0.125 |" in text
    assert "None measured." in text
    assert "model-index" not in front_of(text)


def test_a_record_of_other_weights_is_refused(folder, result):
    with pytest.raises(DataError, match=r"a\.json was made by another model \(constant"):
        write_card(folder, [result(digests={"model": "constant/1"})])


def test_a_part_of_a_run_is_no_score(folder, result):
    with pytest.raises(DataError, match="stopped early: run it again without --early-stop"):
        write_card(folder, [result(stopped_early={"key": "ciou"})])


@pytest.mark.parametrize("content", ["[", "[]", '{"schema": 0}', '{"schema": 1, "task": "a"}'])
def test_what_is_no_result_is_refused(folder, tmp_path, content):
    path = tmp_path / "broken.json"
    path.write_text(content)
    with pytest.raises(DataError, match=r"broken\.json"):
        write_card(folder, [path])


def test_a_folder_that_is_no_checkpoint_is_refused(folder):
    (folder / "model.safetensors").write_bytes(b"\x01")
    with pytest.raises(ModelError, match=r"model\.safetensors cannot be read"):
        write_card(folder, [])
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"config\.json"):
        write_card(folder, [])


def test_the_bundled_weights_have_a_card(tmp_path):
    shutil.copytree(BUNDLED, tmp_path / "tiny")
    text = write_card(tmp_path / "tiny", [], Words("REF-VLM tiny")).read_text()
    assert text.startswith("---\nlicense: apache-2.0\n")
    assert "letterboxed to 128 pixels" in text


def test_the_record_of_a_run_fits_the_weights_that_ran(refbench, small_world, tmp_path):
    copy = shutil.copytree(BUNDLED, tmp_path / "copy")
    asked = ("eval", "--task", "refcocog_rec", "--split", "val", "--data-root", small_world, "--limit", 2)
    [row] = refbench(*asked, "--weights", copy, "--json").json["rows"]
    text = write_card(copy, [Path("runs") / row["run"] / "result.json"]).read_text()
    score = row["metrics"]["acc@0.5"]
    assert f"| acc@0.5 | {score:.4f} |" in text
    assert "| val | sample | 2 of " in text
    weights = load_file(copy / "model.safetensors")
    weights["query_trunk.norm.weight"][0] += 1
    save_file(weights, copy / "model.safetensors")
    with pytest.raises(DataError, match="made by another model"):
        write_card(copy, [Path("runs") / row["run"] / "result.json"])


def test_the_training_configuration_is_shown_as_it_was_read(folder, tmp_path):
    config = tmp_path / "stage1.yaml"
    config.write_text("seed: 3  # a remark\noptim: {steps: 40}\n")
    text = write_card(folder, [], Words(training=config)).read_text()
    shown = text.split("Configuration (`stage1.yaml`):\n\n```yaml\n")[1].split("```")[0]
    assert yaml.safe_load(shown) == {"seed": 3, "optim": {"steps": 40}}
    config.write_text("- a list")
    with pytest.raises(DataError, match=r"stage1\.yaml holds no settings"):
        write_card(folder, [], Words(training=config))


def test_names_cannot_break_the_markdown(folder, result):
    odd = {"dataset": "a|b\n<script>`x`[y](z)*"}
    text = write_card(folder, [result(**odd)], Words("A\n# B <b>")).read_text()
    assert "# A # B &lt;b>" in text.splitlines()
    [row] = [line for line in text.splitlines() if "acc@0.5 |" in line]
    assert "a\\|b &lt;script>\\`x\\`\\[y\\](z)\\*" in row
    assert front_of(text)["model-index"][0]["results"][0]["dataset"]["type"] == odd["dataset"]


def test_a_log_that_is_none_is_told(folder):
    (folder / "train_log.jsonl").write_text("[1]\n")
    with pytest.raises(DataError, match="is no training log"):
        write_card(folder, [])


def test_the_command_writes_the_card_of_runs_with_these_weights(refbench, folder, result, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    result("run/result.json")
    done = refbench("card", run, "--weights", folder, "--title", "Nano", "--out", tmp_path / "card.md", "--json")
    assert done.json["card"] == str(tmp_path / "card.md")
    text = (tmp_path / "card.md").read_text()
    assert "# Nano" in text
    assert "| refcocog_rec (locate_expression) | refcocog/umd | test | sample | 1,472 | acc@0.5 | 0.9307 |" in text
    assert refbench("card", "--weights", folder).out == f"wrote {folder / 'README.md'}\n"
    other = refbench("card", result("b.json", digests={"model": "x"}), "--weights", folder)
    assert other.code == 2
    assert "made by another model" in other.err
    assert refbench("card", "--weights", folder, "--out", tmp_path / "no" / "card.md").code == 2
