"""VL-LLaMA and VL-Vicuna of VPGTrans (arXiv 2305.01278): BLIP-2 with a Llama decoder, from files that stay apart.

`--model vpgtrans:vl-llama --weights FOLDER`, where the folder holds the trained parts as released, the language model
and the vision transformer; or a preset of one's own, `--model vpgtrans:mine.yaml`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.errors import ConfigError, ModelError
from tasks import strict_yaml
from tasks.base import LoadOptions, Model, ModelEntry
from tasks.facts import ModelSize, NeededFile, Published
from tasks.models import checkpoints, families
from tasks.models.vpgtrans_preset import VpgTransPreset

_NAME = "vpgtrans"
_TABLES = "arXiv 2305.01278, Tables 4 and 5, zero-shot"
_PUBLISHED = {
    "vl-llama": (
        Published("vqa", "VQAv2", "val", "accuracy", "58.1", "percent", _TABLES),
        Published("vqa", "GQA", "test-dev", "accuracy", "37.5", "percent", _TABLES),
        Published("vqa", "OK-VQA", "test", "accuracy", "37.4", "percent", _TABLES),
    )
}


def of_reference(reference: str) -> ModelEntry:
    """Build the entry of a preset, by its name or by a file of the user's own.

    Raises:
        ConfigError, ModelError, UnknownName: see `tasks.models.families.member`; a folder alone says too little.
    """
    if Path(reference).expanduser().is_dir():
        raise ModelError(
            f"{reference} is a folder, which does not say which model it is: --model {_NAME}:vl-llama or "
            f"{_NAME}:vl-vicuna with --weights {reference}"
        )
    found = families.member(_NAME, reference, VpgTransPreset)
    preset, name = found.preset, found.name.partition(":")[2]

    def folder(weights: Path | None) -> Path:
        own = weights or found.folder
        if own is None or not own.is_dir():
            raise ModelError(
                f"no weights of {found.name} are named: --weights FOLDER with {', '.join(preset.trained)}, "
                f"{preset.llm}/ and {preset.vision} in it (`refbench models {found.name}`)"
            )
        return own

    return ModelEntry(
        name=found.name,
        kind=_NAME,
        units=("text",),
        load=lambda options: _load(folder(options.weights), preset, options),
        description=preset.description,
        weights="--weights FOLDER with the trained parts, the language model and the vision transformer",
        fingerprint=lambda options: _fingerprint(folder(options.weights), preset),
        regions=False,
        needs=_needs(preset),
        licence=preset.licence,
        sizes=lambda weights: [_size(name, preset, weights or found.folder)],
        published=_PUBLISHED.get(name, ()),
        note=preset.note,
    )


def _load(folder: Path, preset: VpgTransPreset, options: LoadOptions) -> Model:
    from tasks.models.vpgtrans_model import Parts, load

    return load(Parts.of(folder, preset), preset, options)


def _fingerprint(folder: Path, preset: VpgTransPreset) -> str:
    from tasks.models.vpgtrans_model import Parts

    return Parts.of(folder, preset).fingerprint(preset)


def _needs(preset: VpgTransPreset) -> tuple[NeededFile, ...]:
    trained: Sequence[NeededFile] = [
        NeededFile(name, "trained parts: queries, Q-Former, norm, projector", preset.licence) for name in preset.trained
    ]
    return (
        *trained,
        NeededFile(f"{preset.llm}/", "the language model in transformers' format", "its own (LLaMA: research only)"),
        NeededFile(
            preset.vision,
            "any BLIP-2 with ViT-g in transformers' format, or LAVIS' file of it (set `vision` in a preset)",
            "its own (BLIP-2: MIT)",
        ),
    )


def _size(name: str, preset: VpgTransPreset, folder: Path | None) -> ModelSize:
    """Count the weights of the architecture, from a model without values."""
    import torch
    from transformers import AutoConfig, Blip2ForConditionalGeneration, LlamaConfig

    known = folder is not None and (folder / preset.llm / "config.json").is_file()
    llm = checkpoints.part(Path(folder or "") / preset.llm, AutoConfig) if known else LlamaConfig()
    with torch.device("meta"):
        model = Blip2ForConditionalGeneration(preset.blip2_config(llm, 0))
    kept = 2 * llm.num_hidden_layers * llm.num_key_value_heads * (llm.hidden_size // llm.num_attention_heads)
    return ModelSize(name, sum(value.numel() for value in model.parameters()), kept)


def _nameless(options: LoadOptions) -> Model:
    raise ConfigError(f"name a model of the family: --model {_NAME}:vl-llama --weights FOLDER")


def _sizes(weights: Path | None) -> list[ModelSize]:
    each = [(name, families.PRESETS / _NAME / f"{name}.yaml") for name in families.presets(_NAME)]
    return [_size(name, strict_yaml.read(path, VpgTransPreset), weights) for name, path in each]


ENTRY = ModelEntry(
    name=_NAME,
    kind="family",
    units=("text",),
    load=_nameless,
    description="VL-LLaMA and VL-Vicuna: BLIP-2 with a Llama decoder",
    weights="--weights FOLDER with the trained parts, the language model and the vision transformer",
    regions=False,
    of_reference=of_reference,
    example="vl-llama",
    licence="BSD-3-Clause for VPGTrans; weights built on LLaMA keep its research licence",
    sizes=_sizes,
    published=_PUBLISHED["vl-llama"],
    note="presets: vl-llama, vl-vicuna; published numbers are VL-LLaMA's, of VL-Vicuna there are none",
)
MODELS = [replace(ENTRY, needs=_needs(strict_yaml.read(families.PRESETS / _NAME / "vl-llama.yaml", VpgTransPreset)))]
