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
    ours = load_config(CONFIGS / "ours.yaml").model.decoder
    changed = {}
    for path in FILES:
        config = load_config(path)
        if path.stem not in ("published", "ours", "ours_again") and not config.data.dense:
            decoder = config.model.decoder
            differs = {key: value for key, value in decoder.model_dump().items() if value != getattr(ours, key)}
            assert len(differs) == 1, path
            changed |= differs
    published = load_config(CONFIGS / "published.yaml").model.decoder
    assert published == ours.model_copy(update=changed)
    assert len(changed) == 8
    assert answering(load_config(CONFIGS / "joints_slots.yaml").model)["keypoint"] == "slots"


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
