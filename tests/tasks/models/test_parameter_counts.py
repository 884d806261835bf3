"""How large presets say their models are, against the architectures built with their published sizes."""

import runpy
from pathlib import Path

import pytest
import torch
import yaml

from tasks.models.families import PRESETS

BUILT = runpy.run_path(str(Path(__file__).with_name("published_sizes.py")))["BUILT"]
TOLD = {
    f"{path.parent.name}:{path.stem}": content["millions"]
    for path in sorted(PRESETS.glob("*/*.yaml"))
    if "millions" in (content := yaml.safe_load(path.read_text()))
}


def test_every_preset_that_tells_a_size_is_built_here():
    assert set(TOLD) == set(BUILT)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILT)
@pytest.mark.filterwarnings("ignore")  # of transformers, about settings that change no size
def test_it_is_the_size_of_the_architecture(name):
    """On the meta device, where nothing has values. Shared weights count once. Half of the last digit told is allowed:
    presets tell millions, or tenths of them."""
    with torch.device("meta"):
        network = BUILT[name]()
    count = sum(weight.numel() for weight in network.parameters()) / 1e6
    digit = 0.1 if isinstance(TOLD[name], float) else 1.0
    assert abs(count - TOLD[name]) <= digit / 2
