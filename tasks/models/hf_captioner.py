"""Captioners of the hub: BLIP, BLIP-2, GIT. `--model hf-captioner:REFERENCE`.

They describe a whole photo and follow no question: words of the task are not given to them, the preset's `prompt` is,
whose words are cut off the caption. Decoding is a search of `beams` beams, 1 is greedy; nothing is drawn.

| network | what it is given |
|---|---|
| BLIP | start, then the words of the prompt |
| BLIP-2 | one placeholder for each of its queries, then the words of the prompt as its tokenizer puts them |
| GIT | start, then the words of the prompt |
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Prediction, Query
from tasks.base import LoadOptions
from tasks.model_args import ModelArgs
from tasks.models import checkpoints
from tasks.models.families import Abilities, Member, Preset, family
from tasks.models.vision import Inputs, VisionModel, pictures, reply

if TYPE_CHECKING:
    import torch

_BLIP2 = "blip-2"


class CaptionPreset(Preset):
    """A captioner.

    Attributes:
        prompt: first words of every caption, given to the network and cut off; none where empty.
        beams: of the search; 1 takes the likeliest token every time.
        min_new_tokens: the end is forbidden before that many tokens.
        max_new_tokens: limit where the task sets none.
    """

    prompt: str = ""
    beams: int = 1
    min_new_tokens: int = 0
    max_new_tokens: int = 30


class Captioner(VisionModel[CaptionPreset]):
    """A captioner, loaded."""

    def __init__(self, member: Member[CaptionPreset], folder: Path, options: LoadOptions) -> None:
        """Load network, image processor and tokenizer.

        Raises:
            ModelError: they cannot be loaded, or a BLIP-2 does not say which token is its placeholder.
        """
        from transformers import AutoModelForImageTextToText, AutoTokenizer

        super().__init__(member, folder, options, AutoModelForImageTextToText)
        self.processor = checkpoints.image_processor(folder, self.preset.trust_remote_code)
        self.tokenizer = checkpoints.part(folder, AutoTokenizer, self.preset.trust_remote_code)
        if self._type == _BLIP2 and self.model.config.image_token_id is None:
            raise ModelError(f"{folder}/config.json has no image_token_index: take the checkpoint's newest revision")
        self.prompt_ids = self._prompt_ids()

    @property
    def _type(self) -> str:
        return str(self.model.config.model_type)

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Describe every photo.

        Raises:
            ModelError: a question is asked, or about a video.
        """
        for query in queries:
            if reason := refuse(query, ()):
                raise ModelError(reason)
        said: dict[int, str] = {}
        for limit in sorted({self._limit(query) for query in queries}):
            asked = [place for place, query in enumerate(queries) if self._limit(query) == limit]
            for places, batch in self.batches(pictures([queries[place] for place in asked], self.see)):
                for place, text in zip(places, self._captions(batch, limit), strict=True):
                    said[asked[place]] = text
        return [reply(query, text=said[place], prompt=self.preset.prompt) for place, query in enumerate(queries)]

    def see(self, image: ImageRef) -> Inputs:
        """Make a photo ready."""
        pixels: torch.Tensor = self.processor(image.open_rgb(), return_tensors="pt")["pixel_values"]
        return {"pixel_values": pixels}

    def _limit(self, query: Query) -> int:
        return query.max_new_tokens or self.preset.max_new_tokens

    def _prompt_ids(self) -> list[int]:
        """What stands before the caption: token ids as `generate` wants them; empty where it begins by itself."""
        if not self.preset.prompt:
            return []
        words = self.tokenizer(self.preset.prompt, add_special_tokens=self._type != "git")
        ids: list[int] = words.input_ids
        if self._type == "git":
            return [self.tokenizer.cls_token_id, *ids]
        if self._type != _BLIP2:
            return ids
        return [self.model.config.image_token_id] * self.model.config.num_query_tokens + ids

    def _captions(self, batch: "dict[str, torch.Tensor]", limit: int) -> list[str]:
        import torch

        given: dict[str, Any] = dict(batch)
        if self.prompt_ids:
            pixels = batch["pixel_values"]
            given["input_ids"] = torch.tensor([self.prompt_ids] * len(pixels), device=pixels.device)
            given["attention_mask"] = torch.ones_like(given["input_ids"])
        ids = self.model.generate(
            **given,
            do_sample=False,
            num_beams=self.preset.beams,
            min_new_tokens=self.preset.min_new_tokens,
            max_new_tokens=limit,
        )
        new = ids[:, self._repeated() :]
        return [text.strip() for text in self.tokenizer.batch_decode(new, skip_special_tokens=True)]

    def _repeated(self) -> int:
        """How many tokens at the head of what `generate` returns are what it was given."""
        config = self.model.config
        if self._type == _BLIP2:
            own_start = config.num_query_tokens + 1
            return 0 if config.text_config.is_encoder_decoder else len(self.prompt_ids) or own_start
        ended = self._type == "blip" and bool(self.prompt_ids)  # BLIP drops the prompt's end token
        return len(self.prompt_ids) - ended or 1


def refuse(query: Query, args: ModelArgs) -> str:
    """Why a captioner cannot answer a query; empty where it can."""
    if query.question or query.frames or query.regions:
        return "a captioner describes whole photos only: it takes no question, region or video"
    return ""


MODELS = [
    family(
        "hf-captioner",
        CaptionPreset,
        Captioner,
        lambda preset: Abilities(("text",), refuse=refuse),
        "captioners of the hub (BLIP, BLIP-2, GIT): describe whole photos, answer no questions",
    )
]
