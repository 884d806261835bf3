"""The reference model: the bundled checkpoint, or one given by `--weights`."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.errors import ModelError
from tasks.base import LoadOptions, Model, ModelEntry
from tasks.facts import ModelSize, NeededFile, stored_values
from tasks.model_args import ModelArgument

if TYPE_CHECKING:
    from refvlm.config import RefVLMConfig

_BUNDLED = Path(__file__).parents[2] / "refvlm" / "weights" / "tiny"
_ON, _OFF = "on", "off"
_CONSTRAIN = ModelArgument(
    "constrain", (_ON, _OFF), "every answer is kept within the grammar; off: the model may break it, which is counted"
)
_VALUES = {"7b": 7_307_032_081, "vt_plug": 7_280_921_480}
"""Preset -> values of a model of it. Counting them takes torch, which a list must not wait for."""
NEEDS = (
    NeededFile(
        "openai/clip-vit-large-patch14-336",
        "preset 7b: the encoder of the language model, model.safetensors or pytorch_model.bin, 1.7 GB",
        "MIT for its code; its card states none for the weights",
    ),
    NeededFile(
        "laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup",
        "preset 7b: the dense trunk, open_clip_pytorch_model.bin, 1.4 GB",
        "MIT",
    ),
    NeededFile(
        "lmsys/vicuna-7b-v1.5",
        "preset 7b: language model and tokenizer.model, 13.5 GB",
        "Llama 2 Community License",
    ),
)
"""What `refbench convert` joins into a start for the preset 7b; the bundled preset needs none of them."""


def load(options: LoadOptions) -> Model:
    """Load the checkpoint.

    Raises:
        ModelError: see `refvlm.predictor.Predictor`.
    """
    from refvlm.predictor import Predictor

    constrain = dict(options.args).get(_CONSTRAIN.name, _ON) == _ON
    predictor = Predictor(options.weights or _BUNDLED, options.device, options.dtype, constrain)
    if options.compiled:
        predictor.compile()
    return predictor


def fingerprint(options: LoadOptions) -> str:
    """Hash the checkpoint's files without loading them as a model."""
    from refvlm.fingerprint import fingerprint

    return fingerprint(options.weights or _BUNDLED)


def of_weights(folder: Path | None) -> ModelEntry:
    """Read off a checkpoint's configuration what it can do.

    Raises:
        ModelError: the configuration is missing or broken.
    """
    from refvlm.config import SizesConfig
    from refvlm.decoders.registry import units_of
    from refvlm.fingerprint import CONFIG

    path = (folder or _BUNDLED) / CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        built = SizesConfig.model_validate({k: v for k, v in content.items() if k in SizesConfig.model_fields})
    except (OSError, ValueError, AttributeError) as error:
        raise _unreadable(path, error) from None
    prompted = built.regions is not None
    return replace(ENTRY, units=tuple(u for u in units_of(built) if u != "text" or prompted), regions=prompted)


def sizes(folder: Path | None) -> list[ModelSize]:
    """Count the weights of a checkpoint, or of the presets.

    Raises:
        ModelError: the folder holds no readable checkpoint.
    """
    if folder is not None:
        return [ModelSize(folder.name, stored_values(folder), _kept(configuration(folder)))]
    return [size_of_preset("7b"), ModelSize("tiny, bundled", stored_values(_BUNDLED), _kept(configuration(_BUNDLED)))]


def size_of_preset(preset_name: str) -> ModelSize:
    """Size of a preset that no weights are here of."""
    from refvlm.presets import preset

    return ModelSize(preset_name, _VALUES[preset_name], _kept(preset(preset_name)))


def configuration(folder: Path) -> "RefVLMConfig":
    """Read the configuration of a checkpoint.

    Raises:
        ModelError: it is missing or no JSON.
        ConfigError: it holds something else.
    """
    from refvlm.config import read_config
    from refvlm.fingerprint import CONFIG

    try:
        content = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(folder / CONFIG, error) from None
    return read_config(content, folder / CONFIG)


def _unreadable(path: Path, error: Exception) -> ModelError:
    return ModelError(f"{path} cannot be read ({error}): name the folder of a checkpoint with --weights")


def _kept(config: "RefVLMConfig") -> int:
    """Keys and values of every layer of the language model: numbers a token."""
    return 2 * config.llm.layers * config.llm.width


ENTRY = ModelEntry(
    name="refvlm",
    kind="reference",
    units=("box", "mask", "keypoint", "depth", "text"),
    load=load,
    description="REF-VLM, tiny preset, trained from scratch on the sample world",
    weights="bundled (Apache-2.0); --weights FOLDER for a checkpoint of `refbench train`",
    commands=True,
    fingerprint=fingerprint,
    regions=True,
    arguments=(_CONSTRAIN,),
    of_weights=of_weights,
    needs=NEEDS,
    licence="Apache-2.0 (bundled); a converted checkpoint keeps the licences of its parts",
    sizes=sizes,
    compiles=True,
    note="an implementation of arXiv 2503.07413, whose weights were never released: rows are of weights trained here",
)
MODELS = [ENTRY]
