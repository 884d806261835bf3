"""Weights of others: safetensors, or PyTorch files that hold tensors and nothing else. No other pickle is ever read."""

import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from benchmarks.errors import ModelError
from refvlm.convert.rules import FOLDERS

_TORCH_SUFFIXES = (".pth", ".pt", ".bin", ".ckpt")
_INDICES = ("model.safetensors.index.json", "adapter_model.safetensors.index.json", "pytorch_model.bin.index.json")
_SINGLE = (
    "model.safetensors", "adapter_model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin",
    "adapter_model.bin", "open_clip_pytorch_model.bin",
)  # fmt: skip
"""In order of preference: where a folder holds both formats, safetensors is read."""
_WRAPPERS = ("state_dict", "model")
"""Keys under which trainers keep the tensors beside their own state; LAVIS writes the second."""
_DEEPSPEED = ("zero_to_fp32.py", "latest", "global_step*", "*_optim_states.pt", "mp_rank_*_model_states.pt")


@dataclass(frozen=True)
class Stored:
    """A tensor in a file: its shape and type without reading it, and how to read it."""

    shape: tuple[int, ...]
    bytes: int
    file: Path
    read: Callable[[], Tensor]


def open_weights(path: Path) -> dict[str, Stored]:
    """List the tensors of a file or folder under the names that a training checkpoint gives them.

    A file is `.safetensors`, or a PyTorch file with a flat dict of tensors, itself or under `state_dict` or
    `model`. A folder holds shards as transformers or open_clip write them, and folders of the parts of an export (see
    `FOLDERS`).

    Raises:
        ModelError: it is missing, damaged, of another format, of DeepSpeed, or names a tensor twice.
    """
    found: dict[str, Stored] = {}
    for file, prefix in _files(path):
        for name, stored in (_safetensors(file) if file.suffix == ".safetensors" else _torch(file)).items():
            if prefix + name in found:
                raise ModelError(f"{prefix + name} is in {found[prefix + name].file} and in {file}: keep one of them")
            found[prefix + name] = stored
    return found


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    """Weight files with what to put in front of their names."""
    if not path.exists():
        raise ModelError(f"{path} is missing: name a checkpoint file or folder")
    if path.is_file():
        if path.suffix not in (".safetensors", *_TORCH_SUFFIXES):
            raise ModelError(f"{path} is no checkpoint: {', '.join(('.safetensors', *_TORCH_SUFFIXES))} can be read")
        yield path, ""
        return
    if any(True for pattern in _DEEPSPEED for _ in path.glob(pattern)):
        raise ModelError(
            f"{path} is a DeepSpeed checkpoint, whose weights are cut into pieces for the processes that trained it: "
            f"join them with `python {path / 'zero_to_fp32.py'} {path} JOINED` (DeepSpeed puts that script beside a "
            "checkpoint, and has it as deepspeed.utils.zero_to_fp32), then convert JOINED"
        )
    named = [(path, ""), *((path / folder, prefix) for folder, prefix in FOLDERS.items() if (path / folder).is_dir())]
    files = [(file, prefix) for folder, prefix in named for file in _shards(folder)]
    if not files:
        raise ModelError(f"{path} holds no weights: expected {', '.join(_SINGLE)}, an index, or folders of an export")
    yield from files


def _shards(folder: Path) -> list[Path]:
    for index in _INDICES:
        if (folder / index).is_file():
            return _indexed(folder / index)
    return [folder / name for name in _SINGLE if (folder / name).is_file()][:1]


def _indexed(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        shards = [index.parent / name for name in names]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{index} cannot be read ({error}): copy the checkpoint again") from None
    for shard in shards:
        if shard.parent != index.parent or not shard.is_file():
            raise ModelError(f"{index} names {shard.name}, which is not beside it: copy the whole checkpoint")
    return shards


def _safetensors(file: Path) -> dict[str, Stored]:
    try:
        opened: Any = safe_open(file, framework="pt")
        names: list[str] = opened.keys()
        return {name: _lazy(opened, name, file) for name in names}
    except (SafetensorError, OSError) as error:
        raise ModelError(f"{file} cannot be read ({error}): copy it again") from None


def _lazy(opened: Any, name: str, file: Path) -> Stored:
    piece = opened.get_slice(name)
    shape = tuple(piece.get_shape())
    bits = int("".join(c for c in piece.get_dtype().split("_")[0] if c.isdigit()) or 8)
    size = bits // 8
    for length in shape:
        size *= length

    def read() -> Tensor:
        out: Tensor = opened.get_tensor(name)
        return out

    return Stored(shape, size, file, read)


def _torch(file: Path) -> dict[str, Stored]:
    try:
        content = torch.load(file, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(file))
    except UnpicklingError:
        raise ModelError(
            f"{file} holds other Python objects beside tensors, which could run code when read, or is damaged: "
            "save its state_dict alone where you trust it, and convert that"
        ) from None
    except (RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, struct.error) as error:
        raise ModelError(f"{file} cannot be read ({error}): copy it again") from None
    for key in _WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(key), dict):
            content = content[key]
    if not isinstance(content, dict) or not content:
        raise ModelError(f"{file} holds no weights: expected a dict of tensors, itself or under 'state_dict'")
    odd = [str(name) for name, value in content.items() if not isinstance(value, Tensor)]
    if odd:
        raise ModelError(
            f"{file}: {', '.join(odd[:3])} is no tensor: expected a flat dict of them, or one in 'state_dict'"
        )
    return {str(name): _held(value, file) for name, value in content.items()}


def _held(value: Tensor, file: Path) -> Stored:
    return Stored(tuple(value.shape), value.numel() * value.element_size(), file, lambda: value)
