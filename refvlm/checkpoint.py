"""Checkpoints: a folder with config.json, tokenizer.json, model.safetensors and maybe habits.json; never a pickle."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from benchmarks.errors import ModelError
from refvlm.config import MODEL_TYPE, read_config
from refvlm.fingerprint import CONFIG, TOKENIZER, WEIGHTS, weight_files
from refvlm.habits import Habits
from refvlm.model import RefVLM
from refvlm.tokenizer import Tokenizer, load_tokenizer


def save(folder: Path, model: RefVLM, tokenizer: Tokenizer, weights: dict[str, Tensor], dtype: torch.dtype) -> None:
    """Write a checkpoint; `weights` may be the model's own or their moving average."""
    folder.mkdir(parents=True, exist_ok=True)
    content = model.config.model_dump(mode="json") | {"model_type": MODEL_TYPE}
    (folder / CONFIG).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    tokenizer.save(folder / TOKENIZER)
    kept = {name: value.to(dtype).contiguous() for name, value in weights.items() if name not in tied(model)}
    save_file(kept, folder / WEIGHTS)


def load(folder: Path, device: str = "cpu", dtype: torch.dtype = torch.float32) -> tuple[RefVLM, Tokenizer]:
    """Read a checkpoint, ready to evaluate.

    Raises:
        ModelError: a file is missing or damaged, or weights lack, exceed or differ in shape from the configuration.
    """
    try:
        content = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        weights = {name: value for path in weight_files(folder) for name, value in load_file(path).items()}
    except FileNotFoundError as error:
        raise ModelError(f"{error.filename or folder / WEIGHTS} is missing: a checkpoint folder holds "
                         f"{CONFIG}, {TOKENIZER} and {WEIGHTS}") from None  # fmt: skip
    except (ValueError, OSError, SafetensorError) as error:
        raise ModelError(f"{folder} cannot be read ({error}): copy the checkpoint again") from None
    config = read_config(content, folder / CONFIG)
    with torch.device("meta"):  # a large model is never in memory twice, nor drawn at random first
        model = RefVLM(config)
    _check(model, weights, folder / WEIGHTS)
    model.load_state_dict({name: value.to(dtype) for name, value in weights.items()}, strict=False, assign=True)
    model.llm.tie_weights()
    model.fill()
    left = [name for name, value in (*model.named_parameters(), *model.named_buffers()) if value.is_meta]
    assert not left, f"{left} are neither stored nor filled: give their part a method fill"
    tokenizer = load_tokenizer(folder / TOKENIZER)
    model.habits = Habits.load(folder, len(tokenizer))
    return model.to(device).eval(), tokenizer


def tied(model: RefVLM) -> frozenset[str]:
    """Names that share storage with another and are therefore not stored."""
    return frozenset({"llm.lm_head.weight"} if model.config.llm.tie_embeddings else ())


def _check(model: RefVLM, weights: dict[str, Tensor], path: Path) -> None:
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items() if name not in tied(model)}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    wrong = [
        f"{n} is {list(found[n])} but should be {list(wanted[n])}"
        for n in wanted
        if n in found and found[n] != wanted[n]
    ]
    missing, extra = sorted(wanted.keys() - found.keys()), sorted(found.keys() - wanted.keys())
    if wrong or missing or extra:
        parts = [
            *wrong[:2],
            *(f"{n} is missing" for n in missing[:2]),
            *(f"{n} is not part of the model" for n in extra[:2]),
        ]
        total = len(wrong) + len(missing) + len(extra)
        raise ModelError(f"{path} does not fit {CONFIG} beside it ({total} tensors): {'; '.join(parts)}")
