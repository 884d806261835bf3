"""VT-PLUG: the earlier name of REF-VLM, as a preset of the reference model. Its weights were never released."""

from dataclasses import replace
from pathlib import Path

from benchmarks.errors import ModelError
from tasks.base import LoadOptions, Model, ModelEntry
from tasks.facts import ModelSize
from tasks.models import refvlm

_GRAMMAR = "vd_cot"
_REMEDY = (
    "train one with `refbench train --config configs/train/vt_plug/stage1.yaml` and name its folder with --weights "
    "(`refbench models vt-plug` says what that needs)"
)


def load(options: LoadOptions) -> Model:
    """Load a checkpoint of this preset.

    Raises:
        ModelError: none is named, or it is one of another grammar, or see `refvlm.predictor.Predictor`.
    """
    _checked(options.weights)
    return refvlm.load(options)


def fingerprint(options: LoadOptions) -> str:
    """Hash the checkpoint's files without loading them as a model."""
    _checked(options.weights)
    return refvlm.fingerprint(options)


def of_weights(folder: Path | None) -> ModelEntry:
    """Read off a checkpoint's configuration what it can do; without one, what the preset can.

    Raises:
        ModelError: the configuration is missing, broken, or one of another grammar.
    """
    if folder is None:
        return ENTRY
    _checked(folder)
    found = refvlm.of_weights(folder)
    return replace(ENTRY, units=found.units, regions=found.regions)


def sizes(folder: Path | None) -> list[ModelSize]:
    """Count the weights of a checkpoint, or of the presets."""
    return refvlm.sizes(folder) if folder is not None else [refvlm.size_of_preset("vt_plug")]


def _checked(folder: Path | None) -> None:
    if folder is None:
        raise ModelError(f"no weights of VT-PLUG were ever released: {_REMEDY}")
    if (grammar := refvlm.configuration(folder).grammar) != _GRAMMAR:
        raise ModelError(f"{folder} is a checkpoint of grammar {grammar}: use --model refvlm for it, or {_REMEDY}")


ENTRY = ModelEntry(
    name="vt-plug",
    kind="reference",
    units=("box", "mask", "keypoint", "depth", "text"),
    load=load,
    description="VT-PLUG: the reference model with VD-CoT and decoders as published; needs weights of your own",
    weights="none released; --weights FOLDER for a checkpoint of `refbench train --config configs/train/vt_plug/…`",
    commands=True,
    fingerprint=fingerprint,
    regions=True,
    of_weights=of_weights,
    needs=tuple(replace(each, holds=each.holds.replace("preset 7b", "to train from")) for each in refvlm.NEEDS),
    licence="that of the weights you train; parts keep their own",
    sizes=sizes,
    note="preset, no released weights: its paper was a submission whose tables could not be read, so none is shown",
)
MODELS = [ENTRY]
