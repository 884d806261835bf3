"""Names of VPGTrans' and LAVIS' weights in those of transformers' BLIP-2: each is listed, and each weight is found.

Sources: the naming of LAVIS' BLIP-2 with a Llama decoder and of its vision transformer. LAVIS keeps two biases of three
(none for the keys), transformers all three in one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.errors import ModelError
from refvlm.convert.plan import Report, Shape, plan
from refvlm.convert.rules import Rule

if TYPE_CHECKING:
    from torch import Tensor

    from refvlm.convert.sources import Stored

_LAYER = r"Qformer\.bert\.encoder\.layer\.(\d+)\."
_OURS = r"qformer.encoder.layer.\1."
_VIT = r"(?:visual_encoder\.)?"
_BLOCK = _VIT + r"blocks\.(?!39\.)(\d+)\."
_TO = r"vision_model.encoder.layers.\1."
_TEXT = "the text branch of the Q-Former is not part of the model"
_COMPUTED = "computed, not learned"
_ELSEWHERE = "read from another file"

TRAINED = (
    Rule(r"query_tokens", "query_tokens"),
    Rule(r"ln_vision\.(weight|bias)", r"vision_model.post_layernorm.\1"),
    Rule(r"Qformer\.bert\.embeddings\.LayerNorm\.(weight|bias)", r"qformer.layernorm.\1"),
    Rule(_LAYER + r"(attention|crossattention)\.self\.(.+)", _OURS + r"\2.attention.\3"),
    Rule(_LAYER + r"((?:attention|crossattention)\.output|intermediate_query|output_query)\.(.+)", _OURS + r"\2.\3"),
    Rule(r"llama_proj\.(weight|bias)", r"language_projection.\1"),
    Rule(r"(?:opt|t5)_proj\.(?:weight|bias)", why="a projector into another language model"),
    Rule(_LAYER + r"(?:intermediate|output)\..+", why=_TEXT),
    Rule(r"Qformer\.(?:cls\..+|bert\.embeddings\.(?:word|position)_embeddings\.weight)", why=_TEXT),
    Rule(r"Qformer\.bert\.embeddings\.position_ids|.+\.rotary_emb\.inv_freq", why=_COMPUTED),
    Rule(r"visual_encoder\..+", why=_ELSEWHERE),
)
"""The trained parts."""
VISION = (
    Rule(r"vision_model\.((?:embeddings|encoder)\..+)", r"vision_model.\1"),
    Rule(_VIT + r"cls_token", "vision_model.embeddings.class_embedding"),
    Rule(_VIT + r"pos_embed", "vision_model.embeddings.position_embedding"),
    Rule(_VIT + r"patch_embed\.proj\.(weight|bias)", r"vision_model.embeddings.patch_embedding.\1"),
    Rule(_BLOCK + r"norm([12])\.(weight|bias)", _TO + r"layer_norm\2.\3"),
    Rule(_BLOCK + r"mlp\.(fc[12]\.(?:weight|bias))", _TO + r"mlp.\2"),
    Rule(_BLOCK + r"attn\.(qkv\.(?:weight|bias))", _TO + r"self_attn.\2"),
    Rule(_BLOCK + r"attn\.proj\.(weight|bias)", _TO + r"self_attn.projection.\2"),
    Rule(_VIT + r"blocks\.39\..+", why="features are read before the last block"),
    Rule(
        r"(?:query_tokens|vision_model\.post_layernorm|qformer|language_projection|language_model|ln_vision|Qformer|"
        r"llama_proj|opt_proj|t5_proj)(?:\..+)?",
        why=_ELSEWHERE,
    ),
)
"""The frozen vision transformer, of transformers or of LAVIS."""
_OF_VISION = ("vision_model.embeddings.", "vision_model.encoder.")
_OF_LLM = "language_model."


@dataclass(frozen=True)
class Files:
    """Where the weights lie: files of the trained parts, and the vision transformer's folder or file."""

    trained: tuple[Path, ...]
    vision: Path


def read(files: Files, wanted: Mapping[str, Shape], spare: Sequence[str] = ()) -> "dict[str, Tensor]":
    """Read everything but the language model.

    Args:
        files: where it lies.
        wanted: name in transformers' BLIP-2 -> shape.
        spare: patterns of stored names that may be left unused, besides those that are listed here.

    Returns:
        Name in transformers' BLIP-2 -> tensor, for all of `wanted` but the language model's.

    Raises:
        ModelError: a file cannot be read, or a weight is missing, of another shape, unknown or there twice.
    """
    dropped = [Rule(pattern, why="spare") for pattern in spare]
    vision = {name: shape for name, shape in wanted.items() if name.startswith(_OF_VISION)}
    rest = {name: shape for name, shape in wanted.items() if name not in vision and not name.startswith(_OF_LLM)}
    trained: dict[str, Stored] = {}
    for path in files.trained:
        trained |= _opened(path, trained)
    found = _carried(trained, rest, [*TRAINED, *dropped], " and ".join(str(path) for path in files.trained))
    seen = _with_whole_biases(_opened(files.vision, {}), files.vision)
    return found | _carried(seen, vision, [*VISION, *dropped], str(files.vision))


def _opened(path: Path, before: "Mapping[str, Stored]") -> "dict[str, Stored]":
    from refvlm.convert.sources import open_weights

    found = {name.removeprefix("module."): stored for name, stored in open_weights(path).items()}
    listed = {name for name in found if any(rule.ours and rule.match(name) for rule in TRAINED)}
    if twice := sorted(listed & before.keys()):
        raise ModelError(f"{twice[0]} is in {before[twice[0]].file} and in {path}: keep one of them")
    return found


def _carried(
    found: "Mapping[str, Stored]", wanted: Mapping[str, Shape], rules: Sequence[Rule], where: str
) -> "dict[str, Tensor]":
    report = plan({name: stored.shape for name, stored in found.items()}, wanted, rules)
    if faults := [*report.faults, *_missing(report)]:
        more = f" (and {len(faults) - 3} more faults)" if len(faults) > 3 else ""
        raise ModelError(f"{where} does not fit the model: {'; '.join(faults[:3])}{more}")
    return {step.ours: found[step.name].read() for step in report.steps}


def _missing(report: Report) -> list[str]:
    names = report.missing
    return [f"{', '.join(names[:3])}{', …' if len(names) > 3 else ''}: missing ({len(names)} in all)"] if names else []


def _with_whole_biases(found: "dict[str, Stored]", path: Path) -> "dict[str, Stored]":
    """Join LAVIS' biases of queries and values, with zeros for the keys between them."""
    import torch

    from refvlm.convert.sources import Stored

    whole = {name: stored for name, stored in found.items() if not name.endswith((".q_bias", ".v_bias"))}
    for name, query in found.items():
        if not name.endswith(".q_bias"):
            continue
        value = found.get(f"{name.removesuffix('q_bias')}v_bias")
        if value is None or value.shape != query.shape:
            raise ModelError(f"{path} has {name} but no v_bias of the same shape beside it: copy it again")

        def join(query: Stored = query, value: Stored = value) -> "Tensor":
            first = query.read()
            return torch.cat([first, torch.zeros_like(first), value.read()])

        size = query.bytes + 2 * value.bytes
        whole[f"{name.removesuffix('q_bias')}qkv.bias"] = Stored((3 * query.shape[0],), size, path, join)
    return whole
