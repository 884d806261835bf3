"""VPGTrans' models, loaded: transformers' BLIP-2 put together from the parts that are published one by one."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import ModelError
from benchmarks.schema import Prediction, Query
from tasks.base import LoadOptions
from tasks.models import checkpoints
from tasks.models.vpgtrans_layout import Files, read
from tasks.models.vpgtrans_preset import Decoding, VpgTransPreset
from tasks.models.vpgtrans_prompts import Spelling, decoding_for, shown, spelling, words_for

if TYPE_CHECKING:
    from torch import Tensor

_LOOK_BACK = 8
"""Tokens at the end of an answer that are read to see whether it stops there."""


@dataclass(frozen=True)
class Parts:
    """Where one model's parts lie: the language model's folder, and the files of everything else."""

    llm: Path
    files: Files

    @classmethod
    def of(cls, folder: Path, preset: VpgTransPreset) -> "Parts":
        """Find the parts in a folder.

        Raises:
            ModelError: one is not there.
        """
        files = Files(tuple(folder / name for name in preset.trained), folder / preset.vision)
        for path in (*files.trained, files.vision, folder / preset.llm):
            if not path.exists():
                raise ModelError(
                    f"{path} is missing: the folder of the weights holds {', '.join(preset.trained)} (trained parts), "
                    f"{preset.llm}/ (language model) and {preset.vision} (vision transformer); links will do"
                )
        return cls(checkpoints.checked(folder / preset.llm), files)

    def fingerprint(self, preset: VpgTransPreset) -> str:
        """Hash all files and the settings: SHA-256, hex."""
        digest = hashlib.sha256(checkpoints.fingerprint(self.llm, preset.settings()).encode())
        for path in (*self.files.trained, self.files.vision):
            whole = checkpoints.fingerprint(path, {}) if path.is_dir() else _digest(path, path.stat().st_mtime_ns)
            digest.update(whole.encode())
        return digest.hexdigest()


@cache
def _digest(path: Path, modified_ns: int) -> str:
    """SHA-256 of a file, read once a process."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def load(parts: Parts, preset: VpgTransPreset, options: LoadOptions) -> "VpgTrans":
    """Load a model ready to answer.

    Raises:
        ModelError: a part cannot be read, or a weight is missing, of another shape, unknown or left over.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, Blip2ForConditionalGeneration, GenerationConfig

    spelled = spelling(checkpoints.part(parts.llm, AutoTokenizer), preset, parts.llm)
    llm = checkpoints.model(parts.llm, AutoModelForCausalLM, options, preset.spare_keys)
    llm.generation_config = GenerationConfig()  # what a folder says of sampling is not the authors' decoding
    with checkpoints.readable(parts.llm), torch.device("meta"):
        model = Blip2ForConditionalGeneration(preset.blip2_config(llm.config, spelled.image))
    model.language_model = llm
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    state = read(parts.files, wanted, preset.spare_keys)
    model.load_state_dict({name: _cast(name, value, options) for name, value in state.items()}, False, assign=True)
    left = [name for name, value in (*model.named_parameters(), *model.named_buffers()) if value.is_meta]
    assert not left, f"{left} are neither stored nor computed"
    return VpgTrans(model.to(options.device).eval(), spelled, parts.fingerprint(preset))


def _cast(name: str, value: "Tensor", options: LoadOptions) -> "Tensor":
    """The Q-Former stays in float32, as transformers keeps it."""
    import torch

    exact = name.startswith(("qformer.", "query_tokens"))
    return value.to(torch.float32 if exact else getattr(torch, options.dtype))


class VpgTrans:
    """A loaded model."""

    def __init__(self, model: Any, spelled: Spelling, fingerprint: str) -> None:
        """Take a model of transformers, its prompts' spelling with what the preset says, and its hash."""
        from transformers import BlipImageProcessorPil

        self.model, self.spelled, self.preset, self._fingerprint = model, spelled, spelled.preset, fingerprint
        side = self.preset.vision_sizes.image_size
        self.processor = BlipImageProcessorPil(size={"height": side, "width": side})

    def fingerprint(self) -> str:
        """Hash over weights and settings."""
        return self._fingerprint

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer; queries that are decoded alike share a call.

        Raises:
            ModelError: a prompt holds the id of the visual tokens' places.
        """
        ways = [decoding_for(query, self.preset) for query in queries]
        order = sorted(range(len(queries)), key=lambda place: repr(ways[place]))
        answers: dict[int, Prediction] = {}
        for _, group in groupby(order, key=lambda place: repr(ways[place])):
            places = list(group)
            found = self._answer([queries[place] for place in places], ways[places[0]])
            answers |= dict(zip(places, found, strict=True))
        return [answers[place] for place in range(len(queries))]

    def _answer(self, queries: Sequence[Query], way: Decoding) -> list[Prediction]:
        words = [words_for(query, self.preset) for query in queries]
        rows = self._generate(queries, [self.spelled.ids(each) for each in words], way)
        texts = [self.spelled.answer(row) for row in rows]
        prompts = [shown(each, self.preset) for each in words]
        return [
            Prediction(sample_id=query.sample_id, status="ok", text=text, prompt=prompt)
            for query, text, prompt in zip(queries, texts, prompts, strict=True)
        ]

    def _generate(self, queries: Sequence[Query], prompts: list[list[int]], way: Decoding) -> list[list[int]]:
        import torch

        rows, masks = self.spelled.padded(prompts)
        ids, mask = (torch.tensor(each, device=self.model.device) for each in (rows, masks))
        _assert_places(ids, self.spelled)
        pixels = self.processor([query.image.open_rgb() for query in queries], return_tensors="pt").pixel_values
        with torch.inference_mode():
            out = self.model.generate(
                pixel_values=pixels.to(self.model.device, self.model.language_projection.weight.dtype),
                input_ids=ids,
                attention_mask=mask,
                do_sample=False,
                num_beams=way.beams,
                max_new_tokens=way.max_new_tokens,
                min_new_tokens=way.min_new_tokens,
                length_penalty=way.length_penalty,
                eos_token_id=list(self.spelled.stops),
                pad_token_id=self.spelled.stops[0],
                stopping_criteria=[_StopText(self.spelled, ids.shape[1])] if self.preset.layout == "chat" else [],
            )
        return [list(row) for row in out[:, ids.shape[1] :].tolist()]


class _StopText:
    """Ends each answer, and each beam of it, whose last tokens spell the stop text."""

    def __init__(self, spelled: Spelling, prompt_tokens: int) -> None:
        self.spelled, self.prompt_tokens = spelled, prompt_tokens

    def __call__(self, ids: "Tensor", scores: object, **_: object) -> "Tensor":
        import torch

        new = ids[:, self.prompt_tokens :][:, -_LOOK_BACK:].tolist()
        stop, decode = self.spelled.preset.stop, self.spelled.tokenizer.decode
        return torch.tensor([stop in decode(row) for row in new], device=ids.device)


def _assert_places(ids: "Tensor", spelled: Spelling) -> None:
    """BLIP-2 of transformers drops visual tokens without a word where a prompt has too few places for them."""
    queries = spelled.preset.qformer_sizes.queries
    found = (ids == spelled.image).sum(1).tolist()
    assert found == [queries] * len(ids), f"prompts have {found} places for {queries} visual tokens each"
