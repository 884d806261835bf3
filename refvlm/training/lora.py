"""Low-rank adapters on the language model, by peft while training; checkpoints hold merged weights and need no peft."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor

from benchmarks.errors import ConfigError, unknown
from refvlm.model import RefVLM
from refvlm.training.config import LoraConfig

ADAPTERS = "adapters"
"""Folder, inside that of the checkpoint, of the adapters alone."""
_LLM = "llm."
_A, _B = ".lora_A.default.weight", ".lora_B.default.weight"
_BASE = ".base_layer."


def add_adapters(model: RefVLM, config: LoraConfig) -> None:
    """Put adapters around layers of the language model; they add nothing until they have learnt.

    Raises:
        ConfigError: peft is not installed.
        UnknownName: a target is the name of no layer.
    """
    if importlib.util.find_spec("peft") is None:
        raise ConfigError('lora needs peft, which is not installed: pip install "refbench[lora]"')
    import peft
    from torch import nn

    layers = {name.rpartition(".")[2] for name, part in model.llm.named_modules() if isinstance(part, nn.Linear)}
    for name in config.targets:
        if name not in layers:
            raise unknown("layer of the language model", name, layers)
    own = peft.LoraConfig(
        r=config.r, lora_alpha=config.alpha, target_modules=list(config.targets), lora_dropout=0.0, bias="none"
    )
    peft.inject_adapter_in_model(own, model.llm)


def merge(weights: Mapping[str, Tensor], config: LoraConfig) -> dict[str, Tensor]:
    """Add what the adapters say to the weights that they stand around.

    Args:
        weights: by name, as the model with adapters calls them.
        config: of the adapters.

    Returns:
        Weights by the names of the model without adapters: W + alpha / r * B A.
    """
    merged = {name.replace(_BASE, "."): value for name, value in weights.items() if ".lora_" not in name}
    for name, down in weights.items():
        if name.endswith(_A):
            layer = name.removesuffix(_A)
            change = weights[layer + _B].float() @ down.float()
            merged[f"{layer}.weight"] = merged[f"{layer}.weight"] + config.alpha / config.r * change
    return merged


def save_adapters(folder: Path, weights: Mapping[str, Tensor], config: LoraConfig) -> None:
    """Write the adapters alone as peft does, for a language model of class LlamaForCausalLM."""
    target = folder / ADAPTERS
    target.mkdir(exist_ok=True)
    own = {
        "base_model.model." + name.removeprefix(_LLM).replace(".default.", "."): value.detach().cpu().contiguous()
        for name, value in weights.items()
        if name.startswith(_LLM) and ".lora_" in name
    }
    save_file(own, target / "adapter_model.safetensors", metadata={"format": "pt"})
    content = {
        "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": config.r, "lora_alpha": config.alpha, "lora_dropout": 0.0,
        "target_modules": list(config.targets), "bias": "none", "inference_mode": True,
    }  # fmt: skip
    (target / "adapter_config.json").write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
