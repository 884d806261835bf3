"""Checkpoint folders in the layout of the Hugging Face hub: finding them, hashing them, loading them strictly.

Weights come from safetensors, or from pickles that torch reads with `weights_only`. Code beside the weights runs only
where a preset says so. A weight that is missing, of another shape, or left over is an error, never a warning.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.errors import ModelError
from tasks.base import LoadOptions

_WEIGHTS = ("*.safetensors", "*.bin")
_SETTINGS = ("*.json", "*.jinja", "*.txt", "*.model")
_BLOB = re.compile(r"[0-9a-f]{64}")
_OTHER_BACKEND = "torchvision"
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError)
"""What transformers raises for a folder that it cannot use."""


def checked(folder: Path) -> Path:
    """Return a folder that holds a whole checkpoint.

    Raises:
        ModelError: something is missing.
    """
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} holds no config.json: name the folder of a checkpoint")
    if not _weights(folder):
        raise ModelError(f"{folder} holds no weights (*.safetensors): copy the checkpoint again")
    for index in sorted(folder.glob("*.index.json")):
        for name in sorted(set(_read_json(index).get("weight_map", {}).values())):
            if not (folder / name).is_file():
                raise ModelError(f"{folder} lacks {name}, which {index.name} names: copy the checkpoint again")
    return folder


def in_hub_cache(hub_id: str, revision: str = "main") -> Path:
    """Find a checkpoint in the local hub cache; never asks the network.

    Raises:
        ModelError: it is not there whole; the text says the command that fetches it.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    command = f"hf download {hub_id}" + (f" --revision {revision}" if revision != "main" else "")
    remedy = f"fetch it with `{command}`, or name a folder that holds it with --weights FOLDER"
    try:
        return checked(Path(snapshot_download(hub_id, revision=revision, local_files_only=True)))
    except (LocalEntryNotFoundError, HFValidationError):
        raise ModelError(
            f"{hub_id} is not in the local hub cache, and nothing is downloaded unasked: {remedy}"
        ) from None
    except ModelError as error:
        raise ModelError(f"{hub_id} is in the local hub cache only in part ({error}): {remedy}") from None


def fingerprint(folder: Path, settings: Mapping[str, object]) -> str:
    """Hash a checkpoint and how it is used: SHA-256 over settings, configuration, vocabulary and weights, hex.

    The same files give the same hash wherever they lie. Python files count where the settings let them run.

    Raises:
        ModelError: a file cannot be read.
    """
    patterns = (*_SETTINGS, "*.py") if settings.get("trust_remote_code") else _SETTINGS
    files = sorted({*_weights(folder), *(path for pattern in patterns for path in folder.glob(pattern))})
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in files:
        try:
            digest.update(f"{path.name}\0{_digest(path, path.stat().st_mtime_ns)}\0".encode())
        except OSError as error:
            raise ModelError(f"{path} cannot be read ({error.strerror}): copy the checkpoint again") from None
    return digest.hexdigest()


def model(
    folder: Path,
    auto_class: Any,
    options: LoadOptions,
    spare_keys: Sequence[str] = (),
    trust_remote_code: bool = False,
    absent_keys: Sequence[str] = (),
) -> Any:
    """Load a model ready to answer: in its number format, on its device, without gradients.

    Args:
        folder: of the checkpoint.
        auto_class: a class of transformers with `from_pretrained`, such as `AutoModelForDepthEstimation`.
        options: device and number format.
        spare_keys: patterns of stored weights that may be left unused.
        trust_remote_code: run Python code of the folder.
        absent_keys: patterns of weights that need not be stored, since the network never uses them.

    Raises:
        ModelError: it cannot be loaded, weights are missing, of another shape or left over, or the device is not there.
    """
    import torch

    with readable(folder):
        loaded, info = auto_class.from_pretrained(
            folder, local_files_only=True, trust_remote_code=trust_remote_code, dtype=getattr(torch, options.dtype),
            output_loading_info=True,
        )  # fmt: skip
    _accounted(folder, info, spare_keys, absent_keys)
    try:
        return loaded.to(options.device).eval()
    except (RuntimeError, AssertionError) as error:
        raise ModelError(
            f"the model cannot run on {options.device} ({str(error).splitlines()[0]}): try --device cpu"
        ) from None


def part(folder: Path, auto_class: Any, trust_remote_code: bool = False, **kwargs: Any) -> Any:
    """Load what goes with a model: a processor, an image processor (`backend="pil"`), a tokenizer.

    Raises:
        ModelError: it cannot be loaded; says so where it needs torchvision.
    """
    with readable(folder):
        return auto_class.from_pretrained(folder, local_files_only=True, trust_remote_code=trust_remote_code, **kwargs)


def image_processor(folder: Path, trust_remote_code: bool = False) -> Any:
    """Load the image processor on Pillow, so that pixels do not depend on whether torchvision is installed.

    Raises:
        ModelError: it has none for Pillow, or cannot be loaded.
    """
    from transformers import AutoImageProcessor

    return part(folder, AutoImageProcessor, trust_remote_code, backend="pil")


@contextmanager
def readable(folder: Path) -> Iterator[None]:
    """Turn what transformers raises for a folder into one line that names it.

    Raises:
        ModelError: something was raised.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (*_BROKEN, SafetensorError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        if needs_torchvision(error):
            raise ModelError(
                f"the processor of {folder} needs torchvision, which is not installed: pip install torchvision, in the "
                "build that belongs to the installed torch"
            ) from error
        raise ModelError(f"{folder} cannot be loaded ({reason[:300]}): is it a whole checkpoint?") from error


def needs_torchvision(error: Exception) -> bool:
    """Tell whether transformers failed for want of torchvision, which it words in several ways."""
    from transformers.utils import is_torchvision_available

    words = str(error)
    confusing = isinstance(error, AttributeError) and "VIDEO_PROCESSOR_MAPPING" in words
    return not is_torchvision_available() and (confusing or _OTHER_BACKEND in words.lower())


def _accounted(
    folder: Path, info: Mapping[str, Any], spare_keys: Sequence[str], absent_keys: Sequence[str] = ()
) -> None:
    troubles = {
        "lacks": _unlisted(info["missing_keys"], absent_keys),
        "has in another shape": sorted(str(each[0]) for each in info["mismatched_keys"]),
        "has besides": _unlisted(info["unexpected_keys"], spare_keys),
    }
    for what, keys in troubles.items():
        if keys:
            some = ", ".join(keys[:3]) + (", …" if len(keys) > 3 else "")
            raise ModelError(
                f"{folder} {what} {len(keys)} weights of its architecture ({some}): take a checkpoint that fits its "
                "config.json, or list patterns of rightly unused weights as spare_keys in a preset"
            )


def _unlisted(keys: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """Names of weights that none of the patterns finds, sorted."""
    return sorted(key for key in keys if not any(re.search(pattern, key) for pattern in patterns))


def _weights(folder: Path) -> list[Path]:
    """Files of weights: safetensors, or pickles where there are none."""
    for pattern in _WEIGHTS:
        if found := sorted(folder.glob(pattern)):
            return found
    return []


@cache
def _digest(path: Path, modified_ns: int) -> str:
    """SHA-256 of a file, read once a process. The hub cache names large files by it, which spares reading them."""
    blob = path.resolve()
    if path.is_symlink() and blob.parent.name == "blobs" and _BLOB.fullmatch(blob.name):
        return blob.name
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_json(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read ({error}): copy the checkpoint again") from None
    if not isinstance(content, dict):
        raise ModelError(f"{path} holds no index of weights: copy the checkpoint again")
    return content
