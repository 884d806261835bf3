"""The reference model: the bundled checkpoint, or one given by `--weights`."""

import json
from dataclasses import replace
from pathlib import Path

from benchmarks.errors import ModelError
from benchmarks.schema import Unit
from tasks.base import LoadOptions, Model, ModelEntry

_BUNDLED = Path(__file__).parents[2] / "refvlm" / "weights" / "tiny"


def load(options: LoadOptions) -> Model:
    """Load the checkpoint.

    Raises:
        ModelError: see `refvlm.predictor.Predictor`.
    """
    from refvlm.predictor import Predictor

    return Predictor(options.weights or _BUNDLED, options.device, options.dtype)


def fingerprint(options: LoadOptions) -> str:
    """Hash the checkpoint's files without loading them as a model."""
    from refvlm.fingerprint import fingerprint

    return fingerprint(options.weights or _BUNDLED)


def of_weights(folder: Path | None) -> ModelEntry:
    """Read off a checkpoint's configuration what it can do.

    Raises:
        ModelError: the configuration is missing or broken.
    """
    from refvlm.fingerprint import CONFIG

    path = (folder or _BUNDLED) / CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        built = {part for part in ("keypoint", "depth", "regions") if content.get(part)}
    except (OSError, ValueError, AttributeError) as error:
        raise ModelError(f"{path} cannot be read ({error}): name the folder of a checkpoint with --weights") from None
    extra: list[Unit] = [unit for unit in ("keypoint", "depth") if unit in built]
    words: list[Unit] = ["text"] if "regions" in built else []
    return replace(ENTRY, units=("box", "mask", *extra, *words), regions="regions" in built)


ENTRY = ModelEntry(
    name="refvlm",
    kind="reference",
    units=("box", "mask"),
    load=load,
    description="REF-VLM, tiny preset, trained from scratch on the sample world",
    weights="bundled (Apache-2.0); --weights FOLDER for a checkpoint of `refbench train`",
    commands=True,
    fingerprint=fingerprint,
    regions=False,
    of_weights=of_weights,
)
MODELS = [ENTRY]
