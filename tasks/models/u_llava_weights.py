"""Reads a checkpoint of u-LLaVA: every stored name must be listed, and every weight of ours must be found.

Sources: the names that u-LLaVA's `UllavaForCausalLM` and the original segment-anything code give their weights; ours
are those of transformers' Llama, CLIP and SAM. A LoRA run stores the full weights and an adapter, which is merged:
W + alpha / r * B A.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import ModelError
from refvlm.convert.plan import plan
from refvlm.convert.rules import Rule

if TYPE_CHECKING:
    from torch import Tensor

    from refvlm.convert.sources import Stored

_END = r"(weight|bias)"
_SAM = r"visual_model\."
_ENCODER, _PROMPTS, _DECODER = rf"{_SAM}image_encoder\.", rf"{_SAM}prompt_encoder\.", rf"{_SAM}mask_decoder\."
_COMPUTED = "computed, not learned"
PLACES = "sam.shared_image_embedding.positional_embedding"
_PLACES_AGAIN = "sam.prompt_encoder.shared_embedding.positional_embedding"
_HEAD = ("proj_in", "layers.0", "proj_out")
_MASKS = 4
"""Masks that SAM's decoder makes, each with a head of its own."""


def _numbered(place: str, ours: str, names: Sequence[str]) -> tuple[Rule, ...]:
    """Rules for a row of layers that upstream numbers; one without a name has no weights."""
    return tuple(Rule(rf"{place}\.{number}\.{_END}", rf"{ours}.{name}.\1") for number, name in enumerate(names) if name)


RULES = (
    Rule(r"llm\.(model\..+\.weight|lm_head\.weight)", r"llm.\1"),
    Rule(r"llm\.model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq|llm\.model\.rotary_emb\.inv_freq", why=_COMPUTED),
    Rule(rf"llm\.vision_encoder\.vision_model\.(.+\.{_END}|embeddings\.class_embedding)", r"clip.\1"),
    Rule(r"llm\.vision_encoder\.vision_model\.embeddings\.position_ids", why=_COMPUTED),
    Rule(rf"llm\.vision_projector\.((?:[02]\.)?{_END})", r"projector.\1"),
    Rule(rf"(?:seg_projector|text_hidden_fcs)\.([02]\.{_END})", r"seg.\1"),
    Rule(rf"det_projector\.([02]\.{_END})", r"loc.0.\1"),
    Rule(rf"det_decoder\.([024]\.{_END})", r"loc.1.\1"),
    # SAM
    Rule(rf"{_SAM}pixel_(?:mean|std)", why=_COMPUTED),
    Rule(rf"{_ENCODER}pos_embed", "sam.vision_encoder.pos_embed"),
    Rule(rf"{_ENCODER}patch_embed\.proj\.{_END}", r"sam.vision_encoder.patch_embed.projection.\1"),
    Rule(rf"{_ENCODER}blocks\.(\d+)\.norm([12])\.{_END}", r"sam.vision_encoder.layers.\1.layer_norm\2.\3"),
    Rule(rf"{_ENCODER}blocks\.(\d+)\.(attn\..+|mlp\..+)", r"sam.vision_encoder.layers.\1.\2"),
    *_numbered(rf"{_ENCODER}neck", "sam.vision_encoder.neck", ("conv1", "layer_norm1", "conv2", "layer_norm2")),
    Rule(rf"{_PROMPTS}pe_layer\.positional_encoding_gaussian_matrix", PLACES),
    Rule(rf"{_PROMPTS}point_embeddings\.(\d)\.weight", r"sam.prompt_encoder.point_embed.\1.weight"),
    Rule(rf"{_PROMPTS}(not_a_point_embed|no_mask_embed)\.weight", r"sam.prompt_encoder.\1.weight"),
    *_numbered(rf"{_PROMPTS}mask_downscaling", "sam.prompt_encoder.mask_embed",
               ("conv1", "layer_norm1", "", "conv2", "layer_norm2", "", "conv3")),
    Rule(rf"{_DECODER}(iou_token|mask_tokens)\.weight", r"sam.mask_decoder.\1.weight"),
    Rule(rf"{_DECODER}transformer\.layers\.(\d+)\.norm([1-4])\.{_END}",
         r"sam.mask_decoder.transformer.layers.\1.layer_norm\2.\3"),
    Rule(rf"{_DECODER}(transformer\.layers\.\d+\.(?:self_attn|cross_attn_\w+|mlp)\..+)", r"sam.mask_decoder.\1"),
    Rule(rf"{_DECODER}(transformer\.final_attn_token_to_image\..+)", r"sam.mask_decoder.\1"),
    Rule(rf"{_DECODER}transformer\.norm_final_attn\.{_END}", r"sam.mask_decoder.transformer.layer_norm_final_attn.\1"),
    *_numbered(rf"{_DECODER}output_upscaling", "sam.mask_decoder",
               ("upscale_conv1", "upscale_layer_norm", "", "upscale_conv2")),
    *_numbered(rf"{_DECODER}iou_prediction_head\.layers", "sam.mask_decoder.iou_prediction_head", _HEAD),
    *(rule for number in range(_MASKS) for rule in _numbered(
        rf"{_DECODER}output_hypernetworks_mlps\.{number}\.layers",
        f"sam.mask_decoder.output_hypernetworks_mlps.{number}", _HEAD)),
)  # fmt: skip
"""Upstream name -> ours, which begins with the part: llm, clip, projector, seg, loc, sam."""
_ADAPTER = "adapter_config.json"
_LORA = re.compile(r"base_model\.model\.(.+)\.lora_(A|B)(?:\.default)?\.weight")


def read(folder: Path, wanted: Mapping[str, tuple[int, ...]], dtype: Any) -> "dict[str, Tensor]":
    """Read all weights under our names.

    Args:
        folder: of the checkpoint.
        wanted: our name -> shape, of everything that the configuration builds.
        dtype: number format to turn them into.

    Raises:
        ModelError: a name is not listed, a weight is missing or of another shape, or a file cannot be read.
    """
    found = _stored(folder)
    once = {name: shape for name, shape in wanted.items() if name != _PLACES_AGAIN}
    report = plan({name: stored.shape for name, stored in found.items()}, once, RULES)
    faults = [*report.faults, *(f"nothing becomes {name}" for name in report.missing)]
    if faults:
        more = f"; and {len(faults) - 3} more" if len(faults) > 3 else ""
        raise ModelError(
            f"{folder} is no u-LLaVA of its config.json and preset: {'; '.join(faults[:3])}{more}: take the preset of "
            "its variant, or copy the checkpoint again"
        )
    merged = _adapter(folder)
    weights: dict[str, Tensor] = {}
    for step in report.steps:
        weight = found[step.name].read()
        weights[step.ours] = (weight.float() + merged.pop(step.name) if step.name in merged else weight).to(dtype)
    if merged:
        raise ModelError(f"{folder / _ADAPTER}: no weight {next(iter(merged))} to merge it into: copy it again")
    weights[_PLACES_AGAIN] = weights[PLACES].clone()
    return weights


def _stored(folder: Path) -> "dict[str, Stored]":
    """Tensors of all files of full weights: safetensors, or pickles that torch reads as tensors alone."""
    from refvlm.convert.sources import open_weights

    for pattern in ("model*.safetensors", "pytorch_model*.bin"):
        if files := sorted(folder.glob(pattern)):
            return {name: each for file in files for name, each in open_weights(file).items()}
    raise ModelError(f"{folder} holds no weights (model*.safetensors, pytorch_model*.bin): copy the checkpoint again")


def _adapter(folder: Path) -> "dict[str, Tensor]":
    """What a LoRA adapter adds: upstream name -> float32 delta; nothing where there is no adapter."""
    from refvlm.convert.sources import open_weights

    if not (folder / _ADAPTER).is_file():
        return {}
    try:
        content = json.loads((folder / _ADAPTER).read_text(encoding="utf-8"))
        scale = content["lora_alpha"] / content["r"]
    except (OSError, ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        raise ModelError(f"{folder / _ADAPTER} cannot be read ({error}): copy the checkpoint again") from None
    files = [path for path in sorted(folder.glob("adapter_model.*")) if path.suffix in (".safetensors", ".bin")]
    if len(files) != 1:
        raise ModelError(f"{folder} must hold one adapter_model beside {_ADAPTER}: copy the checkpoint again")
    pairs: dict[str, dict[str, Stored]] = {}
    for name, stored in open_weights(files[0]).items():
        if not (match := _LORA.fullmatch(name)):
            raise ModelError(f"{files[0]}: no rule knows {name}: merge the adapter with peft first")
        pairs.setdefault(f"llm.{match[1]}.weight", {})[match[2]] = stored
    if broken := [name for name, pair in pairs.items() if len(pair) != 2]:
        raise ModelError(f"{files[0]} holds half of the adapter of {broken[0]}: copy it again")
    return {name: scale * (pair["B"].read().float() @ pair["A"].read().float()) for name, pair in pairs.items()}
