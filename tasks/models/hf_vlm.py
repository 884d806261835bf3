"""`hf-vlm`: vision-language models that answer in text, through transformers' AutoModelForImageTextToText.

A preset declares everything that is not in the checkpoint: what is said for each kind of question, and in which
coordinates boxes are spoken (`tasks.models.coordinates`). Answers are decoded greedily. Text that holds no box in the
declared convention is a parse error; it is never read in another one.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.schema import ImageRef, Prediction, Query
from tasks.base import LoadOptions
from tasks.models import checkpoints
from tasks.models.chat_inputs import Expand, encoder, padded
from tasks.models.coordinates import Picture
from tasks.models.families import Abilities, Member, Preset, family
from tasks.models.speech import Speech

if TYPE_CHECKING:
    from PIL import Image

_TOKENS_A_WORD = 4
"""Room for one word of a task's limit: its tokens, and those that end an answer."""


class VlmPreset(Preset, Speech):
    """How a checkpoint is asked and understood.

    Attributes:
        layout: the text around what is said, with `{said}` in it; None takes the checkpoint's own chat template.
        expand: who writes the placeholders of the picture out, see `tasks.models.chat_inputs`.
        max_new_tokens: limit on an answer, where the task has no lower one.
        batched: several questions go through the network at once; False where its padding changes answers.
    """

    layout: str | None = None
    expand: Expand = "processor"
    max_new_tokens: int = 512
    batched: bool = True


class HfVlm:
    """A loaded checkpoint."""

    def __init__(self, member: Member[VlmPreset], folder: Path, options: LoadOptions) -> None:
        """Load network, tokenizer and processor.

        Raises:
            ModelError: see `checkpoints`.
        """
        from transformers import AutoModelForImageTextToText

        self.preset, self._folder = member.preset, folder
        self.convention = member.preset.convention
        self.encoder = encoder(member.preset.expand, folder, member.preset.trust_remote_code)
        self.model = checkpoints.model(
            folder, AutoModelForImageTextToText, options, self.preset.spare_keys, self.preset.trust_remote_code,
            self.preset.absent_keys,
        )  # fmt: skip
        greedy = self.model.generation_config
        greedy.do_sample, greedy.num_beams = False, 1
        greedy.temperature = greedy.top_p = greedy.top_k = (
            None  # of sampling only; transformers warns of what it ignores
        )
        self.picture_side = "right" if self.model.config.is_encoder_decoder else "left"

    def fingerprint(self) -> str:
        """Hash over weights and settings."""
        return checkpoints.fingerprint(self._folder, self.preset.settings())

    def see(self, image: ImageRef) -> "Image.Image":
        """Open a photo, padded to a square where the convention is about that square. A run may do it ahead.

        Raises:
            DataError: it cannot be read.
        """
        photo = image.open_rgb()
        square = self.convention is not None and self.convention.frame == "square"
        return padded(photo, self.encoder.mean_colour()) if square else photo

    def picture(self, image: ImageRef) -> Picture:
        """Sizes of a photo as this model sees it; how it was resized only where its boxes depend on that.

        Raises:
            DataError: it cannot be read.
        """
        needed = self.convention is not None and self.convention.space == "pixel_resized"
        return Picture(image.size_hw, self.encoder.resized(image.seen(self.see)) if needed else None)

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer queries as one batch, greedily.

        Raises:
            DataError: an image cannot be read.
            ModelError: a query wants what the preset has no prompt for.
        """
        if self.preset.batched or len(queries) == 1:
            return self._predict(queries)
        return [answer for query in queries for answer in self._predict([query])]

    def _predict(self, queries: Sequence[Query]) -> list[Prediction]:
        photos = [query.image.seen(self.see) for query in queries]
        pictures = [self.picture(query.image) for query in queries]
        prompts = [self.prompt(query, picture) for query, picture in zip(queries, pictures, strict=True)]
        limits = [query.max_new_tokens or self.preset.max_new_tokens for query in queries]
        ids = self._generate(photos, prompts, min(self.preset.max_new_tokens, _TOKENS_A_WORD * max(limits)))
        return [self._read(*each) for each in zip(queries, pictures, prompts, ids, strict=True)]

    def prompt(self, query: Query, picture: Picture) -> str:
        """The text that the model is given, with one placeholder for the picture.

        Raises:
            ModelError: the preset has no prompt for such a query.
        """
        said = self.preset.said(query, picture)
        if self.preset.layout is not None:
            return self.preset.layout.replace("{said}", said)
        return self.encoder.chat(said)

    def _generate(self, photos: Sequence["Image.Image"], prompts: Sequence[str], limit: int) -> Any:
        """Greedy answers: token ids without those of the prompt, one list a prompt."""
        inputs = self.encoder.encode(list(photos), list(prompts), self.picture_side)
        placed = {
            name: value.to(self.model.device, self.model.dtype if value.is_floating_point() else value.dtype)
            for name, value in inputs.items()
        }
        ids = self.model.generate(**placed, max_new_tokens=limit, pad_token_id=self.encoder.pad_id())
        start = 0 if self.model.config.is_encoder_decoder else placed["input_ids"].shape[1]
        return ids[:, start:].tolist()

    def _read(self, query: Query, picture: Picture, prompt: str, ids: list[int]) -> Prediction:
        text = self.encoder.decode(ids, plain=query.wants == "text")
        return self.preset.heard(query, picture, prompt, text.strip() if query.wants == "text" else text)


def able(preset: VlmPreset) -> Abilities:
    """What a preset has prompts for."""
    return Abilities(preset.units(), preset.takes_regions(), preset.refuse)


MODELS = [
    family(
        "hf-vlm", VlmPreset, HfVlm, able, "vision-language models of the hub that answer in text: boxes as they declare"
    )
]
