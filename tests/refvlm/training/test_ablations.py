"""Ablations: every file builds a model that differs as it says, and a table comes from checkpoints alone."""

import json
import re

import numpy as np
import pytest
import torch
import yaml

from benchmarks.errors import ConfigError
from refvlm.config import RefVLMConfig
from refvlm.decoders.registry import answering
from refvlm.model import RefVLM
from refvlm.training.ablations import CONFIGS, Figure, main, page
from refvlm.training.config import load_config
from refvlm.training.train import train

FILES = sorted(CONFIGS.glob("*.yaml"))
AS_OURS = ("ours", "ours_again", "phrase_peers", "joints_maps", "joints_slots", "prompts_grid", "prompts_bands")
"""Runs whose decoders of boxes and masks are ours: they differ in nothing, in the seed, or in another part."""
NANO = {
    "model": {
        "trunk": {"stem_width": 8, "widths": [8, 8, 16, 16]},
        "encoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32},
        "llm": {"width": 32, "layers": 1, "heads": 2, "mlp_width": 48},
        "decoder": {"width": 16, "layers": 1, "heads": 2, "mlp_width": 32, "pixel_width": 8},
        "regions": {},
        "decoders": {"slots": {}},
    },
    "data": {"images_per_step": 2, "questions_per_image": 2, "dense": {"keypoints": 1.0}, "dense_share": 0.5},
    "optim": {"steps": 2, "warmup_steps": 1, "precision": "fp32"},
}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_builds_a_model(path):
    config = load_config(path)
    with torch.device("meta"):
        RefVLM(RefVLMConfig(**config.model.model_dump(), vocab_size=10))
    assert config.optim.steps == 300
    assert re.match(r"# .+\. From scratch; .+\.\n", path.read_text("utf-8"))


def test_published_is_every_flag_at_once():
    configs = {path.stem: load_config(path).model for path in FILES}
    ours, published = configs["ours"].decoder, configs.pop("published").decoder
    changed = {}
    for name, model in configs.items():
        differs = {key: value for key, value in model.decoder.model_dump().items() if value != getattr(ours, key)}
        assert len(differs) == (name not in AS_OURS), name
        changed |= differs
    assert published == ours.model_copy(update=changed)
    assert len(changed) == 8
    assert answering(configs["joints_slots"])["keypoint"] == "slots"


def test_every_run_has_one_of_ours_on_the_same_data():
    ours = [load_config(path) for path in FILES if path.read_text("utf-8").startswith("# Ours")]
    for path in FILES:
        config = load_config(path)
        assert any(base.data == config.data and base.optim == config.optim for base in ours), path


def test_a_page_is_written_from_the_runs_that_are_there(tmp_path):
    for name in ("first", "second", "untrained"):
        content = f"# Run {name}. From scratch; people.\n" + yaml.safe_dump(NANO | {"seed": len(name)})
        (tmp_path / f"{name}.yaml").write_text(content)
    with pytest.raises(ConfigError, match="holds no run"):
        main(["--configs", str(tmp_path), "--runs", str(tmp_path / "runs")])
    for name in ("first", "second"):
        train(tmp_path / f"{name}.yaml", tmp_path / "runs" / name)
    out = tmp_path / "docs" / "page.md"
    words = ["--configs", str(tmp_path), "--runs", str(tmp_path / "runs"), "--out", str(out), "--batches", "2"]
    main(words)
    lines = [line for line in out.read_text().splitlines() if line.startswith("| `")]
    assert [line.split(" | ")[:2] for line in lines] == [["| `first`", "Run first."], ["| `second`", "Run second."]]
    measured = json.loads((tmp_path / "runs" / "measured.json").read_text())
    assert set(measured["first"]) == {"boxes", "acc", "masks", "oks"}
    figures = [figure for values in measured.values() for figure in values.values()]
    assert all(0 <= figure["mean"] <= 1 and figure["margin"] >= 0 and figure["count"] > 0 for figure in figures)
    before = out.read_text()
    main(words)
    assert out.read_text() == before


def test_runs_stand_by_their_data_ours_first_and_what_is_not_measured_is_a_dash():
    boxes, oks = {"boxes": Figure(0.5, 0.01, 9)}, {"oks": Figure(0.25, 0.02, 9)}
    measured = {"bare": boxes, "ours": boxes, "maps": boxes | oks, "slots": boxes}
    says = {
        "bare": "Bare. From scratch; shapes.",
        "ours": "Ours. From scratch; shapes.",
        "maps": "Ours: maps. From scratch; people.",
        "slots": "Slots. From scratch; people.",
    }
    lines = [line for line in page(measured, says).splitlines() if line.startswith(("## ", "| "))]
    assert lines == [
        "## Shapes",
        "| run | what it is | box IoU |",
        "| --- | --- | ---: |",
        "| `ours` | Ours. | 0.500 ± 0.010 |",
        "| `bare` | Bare. | 0.500 ± 0.010 |",
        "## People",
        "| run | what it is | box IoU | OKS |",
        "| --- | --- | ---: | ---: |",
        "| `maps` | Ours: maps. | 0.500 ± 0.010 | 0.250 ± 0.020 |",
        "| `slots` | Slots. | 0.500 ± 0.010 | - |",
    ]


def test_the_margin_is_that_of_scenes_drawn_again():
    """Compared with 4,000 bootstrap samples of whole scenes; tolerance 6 %: 3 % for their number, the rest for skew."""
    draw = np.random.default_rng(0)
    scenes = np.repeat(np.arange(120), draw.integers(1, 6, 120))
    values = np.clip(draw.normal(0.6, 0.1, 120)[scenes] + draw.normal(0, 0.1, len(scenes)), 0, 1)
    figure = Figure.of(torch.tensor(values), torch.tensor(scenes + 7))
    drawn = [np.concatenate([values[scenes == each] for each in draw.integers(0, 120, 120)]) for _ in range(4000)]
    assert figure.mean == pytest.approx(values.mean(), abs=1e-12)
    assert figure.margin == pytest.approx(1.96 * np.std([each.mean() for each in drawn]), rel=0.06)
    assert np.isnan(Figure.of(torch.tensor([0.5, 0.7]), torch.tensor([3, 3])).margin)
