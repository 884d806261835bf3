"""u-LLaVA's network, put together from transformers' CLIP, Llama and SAM: pixels and ids in, ids and states out.

A mask or box is read off the state that *predicts* its token, which is the one before it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import ModelError
from tasks.base import LoadOptions
from tasks.facts import ModelSize
from tasks.models import checkpoints, u_llava_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

_LLAMA = (
    "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads",
    "num_key_value_heads", "max_position_embeddings", "rms_norm_eps", "hidden_act",
)  # fmt: skip
_CLIP = (
    "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "image_size", "patch_size",
    "hidden_act", "layer_norm_eps", "projection_dim",
)  # fmt: skip

SEVEN_B: Mapping[str, Any] = {
    "llm_config": {
        "vocab_size": 32_011, "hidden_size": 4096, "intermediate_size": 11_008, "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "vision_config": {
            "hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16,
            "image_size": 224, "patch_size": 14,
        },
    },
}  # fmt: skip
"""Sizes of the published model: Vicuna 7B and CLIP ViT-L/14."""


@dataclass(frozen=True, slots=True)
class Said:
    """A text that the model continued.

    Attributes:
        ids: of the whole text, prompt and answer.
        start: where the answer begins.
        states: float [len(ids) - 1, D]: the last layer's state at every position but the last.
    """

    ids: tuple[int, ...]
    start: int
    states: "Tensor"

    def predicting(self, token: int, since: int) -> "Tensor":
        """States that predict a token, from some position on: float [N, D]."""
        return self.states[[place - 1 for place in range(since, len(self.ids)) if self.ids[place] == token]]


def configuration(folder: Path) -> Mapping[str, Any]:
    """Read the `config.json` of a checkpoint.

    Raises:
        ModelError: it is none of u-LLaVA.
    """
    path = folder / "config.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["model_type"] != "ullava":
            raise ValueError(f"its model_type is {content['model_type']!r}")
        dict(content["llm_config"]["vision_config"])
        return dict(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path} is not of u-LLaVA's second stage ({error}): name the folder of a checkpoint"
        ) from None


class Network:
    """The parts of a checkpoint, ready to answer."""

    def __init__(self, folder: Path, sam: Mapping[str, Any], has_loc: bool, options: LoadOptions) -> None:
        """Load a checkpoint.

        Args:
            folder: of the checkpoint.
            sam: sizes of SAM, which the checkpoint's configuration does not tell: arguments of `SamConfig`.
            has_loc: it has a head for boxes.
            options: device and number format.

        Raises:
            ModelError: weights are missing, left over or of another shape, or the device is not there.
        """
        import torch

        config = configuration(folder)
        dtype = getattr(torch, options.dtype)
        with checkpoints.readable(folder), torch.device("meta"):
            blank = _blank(config, sam, has_loc)
        wanted = {
            f"{part}.{name}": tuple(value.shape) for part, module in blank.items() for name, value in _own(module)
        }
        weights = u_llava_weights.read(folder, wanted, dtype)
        with checkpoints.readable(folder):
            parts = {part: _filled(module, _of(weights, part), dtype) for part, module in blank.items()}
        try:
            self.parts: dict[str, Any] = {name: part.to(options.device).eval() for name, part in parts.items()}
        except (RuntimeError, AssertionError) as error:
            raise ModelError(
                f"the model cannot run on {options.device} ({str(error).splitlines()[0]}): try --device cpu"
            ) from None
        self.device, self.dtype = torch.device(options.device), dtype
        self.layer: int = config["llm_config"].get("vision_hidden_layer", -2)
        vision = self.parts["clip"].config
        self.side: int = vision.image_size
        self.patches: int = (vision.image_size // vision.patch_size) ** 2
        self.sam_side: int = self.parts["sam"].config.vision_config.image_size

    def photo_features(self, pixels: "Tensor") -> "Tensor":
        """Turn a photo [3, S, S] into what stands in place of its placeholders: float [patches, D]."""
        features: Tensor = self.parts["projector"](self._clip(pixels[None])[0])
        return features

    def video_features(self, frames: "Tensor") -> "Tensor":
        """Turn frames [T, 3, S, S] into [T + patches, D]: each frame's mean, then each patch's mean over time."""
        import torch

        seen = self._clip(frames)  # [T, patches, C]
        features: Tensor = self.parts["projector"](torch.cat([seen.mean(1), seen.mean(0)]))
        return features

    def _clip(self, pixels: "Tensor") -> Any:
        seen = self.parts["clip"](pixels.to(self.device, self.dtype), output_hidden_states=True)
        return seen.hidden_states[self.layer][:, 1:]

    def embedded(self, ids: Sequence[int], features: "Tensor", patch: int) -> "Tensor":
        """Embed a text, its placeholders replaced by features: float [L, D].

        Raises:
            ModelError: there are not as many placeholders as features.
        """
        import torch

        tokens = torch.tensor(ids, device=self.device)
        places = tokens == patch
        if int(places.sum()) != len(features):
            raise ModelError(
                f"{int(places.sum())} placeholders for {len(features)} features: the question holds some itself"
            )
        embeds: Tensor = self.parts["llm"].get_input_embeddings()(tokens)
        return embeds.masked_scatter(places[:, None], features.to(embeds.dtype))

    def continued(
        self, texts: Sequence[tuple[Sequence[int], "Tensor"]], limits: Sequence[int], stops: Sequence[int], pad: int
    ) -> list[Said]:
        """Continue texts greedily as one batch.

        Args:
            texts: ids and their embeddings.
            limits: most tokens to append to each, at least 1.
            stops: tokens that end an answer; the first one that comes is the last of its ids.
            pad: token of padding.
        """
        import torch
        from transformers import GenerationConfig

        longest = max(len(ids) for ids, _ in texts)
        gaps = [longest - len(ids) for ids, _ in texts]
        width = texts[0][1].shape[1]
        embeds = torch.stack([torch.cat([e.new_zeros(gap, width), e]) for gap, (_, e) in zip(gaps, texts, strict=True)])
        mask = torch.stack([(torch.arange(longest, device=self.device) >= gap).long() for gap in gaps])
        how = GenerationConfig(
            max_new_tokens=max(limits), do_sample=False, eos_token_id=list(stops), pad_token_id=pad,
            output_hidden_states=True, return_dict_in_generate=True,
        )  # fmt: skip
        out = self.parts["llm"].generate(inputs_embeds=embeds, attention_mask=mask, generation_config=how)
        states = torch.cat([step[-1] for step in out.hidden_states], 1)
        said = []
        for row, (ids, _) in enumerate(texts):
            new = _until(out.sequences[row, : limits[row]].tolist(), stops)
            whole = (*ids, *new)
            said.append(Said(whole, len(ids), states[row, gaps[row] : gaps[row] + len(whole) - 1]))
        return said

    def sam_features(self, pixels: "Tensor") -> "Tensor":
        """Encode a photo [3, side, side] for SAM: float [1, C, g, g]."""
        features: Tensor = self.parts["sam"].get_image_embeddings(pixels[None].to(self.device, self.dtype))
        return features

    def mask_logits(self, states: "Tensor", features: "Tensor") -> "tuple[Tensor, Tensor]":
        """Segment what N states [N, D] mean: float32 logits [N, 4g, 4g], and the IoU that SAM expects, [N]."""
        sam = self.parts["sam"]
        prompts = self.parts["seg"](states)[None, :, None]  # [1, N, 1, C]
        plain = sam.prompt_encoder.no_mask_embed.weight.reshape(1, -1, 1, 1)
        masks, expected = sam.mask_decoder(
            image_embeddings=features,
            image_positional_embeddings=sam.get_image_wide_positional_embeddings().to(features.dtype),
            sparse_prompt_embeddings=prompts,
            dense_prompt_embeddings=plain.expand(1, -1, *features.shape[-2:]),
            multimask_output=False,
        )[:2]
        return masks[0, :, 0].float(), expected[0, :, 0].float()

    def boxes(self, states: "Tensor") -> "list[list[float]]":
        """Read boxes off N states [N, D]: x1, y1, x2, y2 as shares of the square that pads the photo."""
        found: list[list[float]] = self.parts["loc"](states).float().tolist()
        return found


def size_of(config: Mapping[str, Any], sam: Mapping[str, Any], has_loc: bool, what: str) -> ModelSize:
    """Count the weights that a configuration builds, from a model without values."""
    import torch

    with torch.device("meta"):
        parts = _blank(config, sam, has_loc)
    llm = config["llm_config"]
    values = sum(value.numel() for part in parts.values() for value in part.parameters())
    return ModelSize(what, values, 2 * llm["num_hidden_layers"] * llm["hidden_size"])


def mask_of(logits: "Tensor", size_hw: tuple[int, int], side: int) -> "Tensor":
    """Bring SAM's logits [h, w] to the photo as SAM does, and cut at 0: bool [H, W] on the CPU."""
    from torch.nn import functional

    scale = side / max(size_hw)
    high, wide = (int(length * scale + 0.5) for length in size_hw)
    square = functional.interpolate(logits[None, None], (side, side), mode="bilinear", align_corners=False)
    whole = functional.interpolate(square[..., :high, :wide], size_hw, mode="bilinear", align_corners=False)
    return (whole[0, 0] > 0).cpu()


def _until(ids: Sequence[int], stops: Sequence[int]) -> Sequence[int]:
    """Leave out what follows the first stop."""
    return ids[: next((place + 1 for place, token in enumerate(ids) if token in stops), len(ids))]


def _blank(config: Mapping[str, Any], sam: Mapping[str, Any], has_loc: bool) -> "dict[str, nn.Module]":
    """Build the parts; under torch's meta device without values."""
    from torch import nn
    from transformers import CLIPVisionConfig, CLIPVisionModel, LlamaConfig, LlamaForCausalLM, SamConfig, SamModel

    llm, out = config["llm_config"], config.get("out_dim", 256)
    text = LlamaConfig(**{key: llm[key] for key in _LLAMA if key in llm})
    vision = CLIPVisionConfig(**{key: llm["vision_config"][key] for key in _CLIP if key in llm["vision_config"]})
    inner, width = text.hidden_size, vision.hidden_size
    deep = llm.get("projector_type", "mlp") == "mlp2x"
    parts: dict[str, nn.Module] = {
        "llm": LlamaForCausalLM(text),
        "clip": CLIPVisionModel(vision),
        "projector": nn.Sequential(nn.Linear(width, inner), nn.GELU(), nn.Linear(inner, inner))
        if deep
        else nn.Linear(width, inner),
        "seg": nn.Sequential(nn.Linear(inner, inner), nn.ReLU(), nn.Linear(inner, out)),
        "sam": SamModel(SamConfig(**sam)),
    }
    if has_loc:
        project = nn.Sequential(nn.Linear(inner, inner), nn.ReLU(), nn.Linear(inner, out))
        decode = (nn.Linear(out, out), nn.ReLU(), nn.Linear(out, out // 2), nn.ReLU(), nn.Linear(out // 2, 4))
        parts["loc"] = nn.Sequential(project, nn.Sequential(*decode))
    return parts


def _own(module: "nn.Module") -> "list[tuple[str, Tensor]]":
    return list(module.state_dict().items())


def _of(weights: "Mapping[str, Tensor]", part: str) -> "dict[str, Tensor]":
    return {name.removeprefix(f"{part}."): value for name, value in weights.items() if name.startswith(f"{part}.")}


def _filled(module: Any, weights: "dict[str, Tensor]", dtype: Any) -> Any:
    """Give a part its weights: transformers computes what it does not store, plain layers take them over."""
    if not hasattr(module, "from_pretrained"):
        module.load_state_dict(weights, assign=True)
        return module
    return type(module).from_pretrained(None, config=module.config, state_dict=weights, dtype=dtype)
