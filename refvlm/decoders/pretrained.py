"""Decoders that are models of transformers: where their weights come from and what their pixels look like."""

import json
from pathlib import Path
from typing import Any, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor

from refvlm.config import PixelConfig, Strict

_MEAN, _SPREAD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""ImageNet's, times 255."""


class PretrainedOptions(Strict):
    """A model of transformers: `folder` with its config.json and weights, or its `architecture` alone, drawn afresh."""

    folder: str = ""
    architecture: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _something_is_named(self) -> Self:
        path = Path(self.folder) / "config.json"
        if not self.architecture and not self.folder:
            raise ValueError("name the folder of the weights")
        if not self.architecture and not path.is_file():
            raise ValueError(f"{path} is missing: folder must hold a model as transformers saves it")
        return self

    def load(self, config_class: Any, model_class: Any) -> Any:
        """Load the folder; draw the architecture where there is none, or where a model is only being shaped."""
        shape = config_class.from_dict(self.architecture or _read(Path(self.folder)))
        if not self.folder or torch.empty(0).device.type == "meta":
            return model_class(shape)
        return model_class.from_pretrained(self.folder, local_files_only=True)


def _read(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return content


def self_contained(given: dict[str, Any], model: Any) -> dict[str, Any]:
    """Options with the architecture in place of the folder."""
    kept = {key: each for key, each in given.items() if key != "folder"}
    return kept | {"architecture": json.loads(model.config.to_json_string(use_diff=False))}


def to_rgb(square: Tensor, how: PixelConfig) -> Tensor:
    """Turn normalised images [B, 3, S, S] into float32 RGB of 0 to 255."""
    mean, spread = (torch.tensor(value, device=square.device)[:, None, None] for value in (how.mean, how.spread))
    return square.float() * spread + mean


def as_imagenet(rgb: Tensor) -> Tensor:
    """Normalise float32 RGB of 0 to 255, [B, 3, H, W]."""
    mean, spread = (torch.tensor(value, device=rgb.device)[:, None, None] for value in (_MEAN, _SPREAD))
    return (rgb - mean) / spread
