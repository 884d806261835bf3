"""The reference model: the bundled checkpoint, or one given by `--weights`."""

from pathlib import Path

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


MODELS = [
    ModelEntry(
        name="refvlm",
        kind="reference",
        units=("box", "mask"),
        load=load,
        description="REF-VLM, tiny preset, trained from scratch on the sample world",
        weights="bundled (Apache-2.0); --weights FOLDER for a checkpoint of `refbench train`",
        commands=True,
        fingerprint=fingerprint,
    )
]
