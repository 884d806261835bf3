"""The bundled weights came from the files of configs/train/tiny, and come from them again."""

import json
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

import configs
from refvlm.predictor import BUNDLED
from refvlm.training.config import load_config
from refvlm.training.launch import Job
from refvlm.training.stages import stages_of

FOLDER = Path(configs.__file__).parent / "train" / "tiny"
STAGES = stages_of(FOLDER, lambda path: Path("checkpoints") / f"tiny-{path.stem}")
CONFIGS = [load_config(stage.config) for stage in STAGES]
STEPS = 20


def log_of(number):
    """Lines of the log that stage `number` left, the first being 1."""
    name = "train_log.jsonl" if number == len(STAGES) else f"train_log_stage{number}.jsonl"
    return [json.loads(line) for line in (BUNDLED / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize("number", range(1, len(STAGES) + 1))
def test_every_stage_left_its_whole_log(number):
    config, steps = CONFIGS[number - 1], [line["step"] for line in log_of(number)]
    assert steps == list(range(config.log_every, config.optim.end + 1, config.log_every))


def test_each_stage_says_that_it_starts_from_the_one_before():
    assert CONFIGS[0].start_from == ""
    assert [each.start_from for each in CONFIGS[1:]] == [str(stage.out) for stage in STAGES[:-1]]


def test_every_stage_meets_scenes_that_none_before_it_met():
    for earlier, later in pairwise(CONFIGS):
        assert earlier.data.first_scene + earlier.optim.end * earlier.data.images_per_step <= later.data.first_scene


def test_the_bundled_sizes_are_those_of_the_last_stage():
    stored = json.loads((BUNDLED / "config.json").read_text(encoding="utf-8"))
    sizes = CONFIGS[-1].model.model_dump(mode="json")
    assert {key: stored[key] for key in sizes} == sizes


@pytest.mark.slow
def test_the_first_steps_come_out_again(tmp_path):
    content = yaml.safe_load(STAGES[0].config.read_text(encoding="utf-8"))
    content["optim"]["last_step"] = STEPS
    (tmp_path / "stage.yaml").write_text(yaml.safe_dump(content))
    Job(tmp_path / "stage.yaml", tmp_path / "out").run()
    again = json.loads((tmp_path / "out" / "train_log.jsonl").read_text().splitlines()[-1])
    before = log_of(1)[STEPS // CONFIGS[0].log_every - 1]
    assert again.keys() == before.keys()
    # 5 %: other processors and numbers of processes sum in other orders, and bfloat16 lets that grow from step to step
    for name in again.keys() - {"seconds"}:
        assert again[name] == pytest.approx(before[name], rel=0.05), name
