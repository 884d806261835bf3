"""Fill a model with converted weights; what the conversion lacks keeps its fresh start."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from benchmarks.errors import ModelError
from refvlm.convert.write import INDEX
from refvlm.fingerprint import WEIGHTS


@torch.no_grad()
def fill(model: nn.Module, folder: Path) -> list[str]:
    """Copy the weights of a converted folder, one shard at a time, in the model's own type and place.

    Returns:
        Names of the weights that stay as they were, sorted.

    Raises:
        ModelError: a file is missing or damaged, or a tensor has no place in the model or another shape there.
    """
    own = model.state_dict()
    filled: set[str] = set()
    for file in _files(folder):
        try:
            given = load_file(file)
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{file} cannot be read ({error}): convert again") from None
        for name, value in given.items():
            if name not in own or own[name].shape != value.shape:
                place = list(own[name].shape) if name in own else "no place"
                raise ModelError(f"{file}: {name} is {list(value.shape)}, the model has {place} for it: "
                                 "build it from the config.json beside it")  # fmt: skip
            own[name].copy_(value)
            filled.add(name)
    return sorted(own.keys() - filled)


def _files(folder: Path) -> list[Path]:
    if not (folder / INDEX).is_file():
        return [folder / WEIGHTS]
    try:
        names = json.loads((folder / INDEX).read_text(encoding="utf-8"))["weight_map"].values()
        return [folder / Path(name).name for name in sorted(set(names))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{folder / INDEX} cannot be read ({error}): convert again") from None
