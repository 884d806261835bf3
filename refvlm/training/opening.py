"""Opens the real data that a training file names, before the first step."""

import os
from collections.abc import Mapping
from pathlib import Path

from benchmarks.errors import ConfigError, DataError
from refvlm.config import SizesConfig
from refvlm.tokenizer import Tokenizer
from refvlm.training.config import DataConfig
from refvlm.training.mixture import Mixture
from refvlm.training.pictures import Frame
from refvlm.training.room import Room
from refvlm.training.sources import open_sources

ROOT_VARIABLE = "REFBENCH_DATA"


def open_mixture(
    data: DataConfig, sizes: SizesConfig, tokenizer: Tokenizer, environ: Mapping[str, str] = os.environ
) -> Mixture | None:
    """Open every source and look at all its samples; None where there are none.

    Args:
        data: what is named.
        sizes: of the model.
        tokenizer: the model's.
        environ: environment variables.

    Raises:
        ConfigError: no data root is named, or a source cannot be taught to this model.
        DataError: the data root or files are missing or broken.
        UnknownName: a benchmark has no such split.
    """
    if not data.sources:
        return None
    root = _root(data, environ)
    room = Room(tokenizer, sizes)
    opened = [each for source in data.sources for each in open_sources(source, root, room, data.questions_per_image)]
    return Mixture(tuple(opened), data, room, Frame.of(sizes))


def _root(data: DataConfig, environ: Mapping[str, str]) -> Path:
    named = data.root or environ.get(ROOT_VARIABLE, "")
    if not named:
        raise ConfigError(
            f"data.sources need files: name their folder by data.root or {ROOT_VARIABLE} (`refbench data status` says "
            "what belongs there; `refbench data sample` writes a small world in its place)"
        )
    root = Path(named).expanduser()
    if not root.is_dir():
        raise DataError(f"data root {root} is no folder: correct data.root or {ROOT_VARIABLE}")
    return root
