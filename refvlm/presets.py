"""Named sizes of the reference model: one YAML file each in `configs/refvlm`, the same classes for all of them."""

from pathlib import Path
from typing import Any

import yaml

from benchmarks.errors import unknown
from refvlm.config import RefVLMConfig, read_config

FOLDER = Path(__file__).parents[1] / "configs" / "refvlm"


def preset_names() -> list[str]:
    """All presets, sorted."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def preset(name: str, vocab_size: int | None = None) -> RefVLMConfig:
    """Read a preset.

    Args:
        name: "tiny" or "7b".
        vocab_size: size of the tokenizer; None takes the preset's own, which "tiny" has not.

    Raises:
        UnknownName: there is no such preset.
        ConfigError: the preset has no vocabulary of its own and none was given.
    """
    path = FOLDER / f"{name}.yaml"
    if name not in preset_names():
        raise unknown("preset", name, preset_names())
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read_config(content if vocab_size is None else content | {"vocab_size": vocab_size}, path)
