"""`hf-vlm`: vision-language models that answer in text, through transformers' AutoModelForImageTextToText.

A preset declares everything that is not in the checkpoint: what is said for each kind of question, and in which
coordinates boxes are spoken (`tasks.models.coordinates`). Answers are decoded greedily. Text that holds no box in the
declared convention is a parse error; it is never read in another one.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from benchmarks.errors import ModelError
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Query
from tasks.base import LoadOptions
from tasks.models import box_text, checkpoints
from tasks.models.chat_inputs import Expand, encoder, padded
from tasks.models.coordinates import ContractError, Convention, Picture
from tasks.models.families import Abilities, Member, Preset, family

if TYPE_CHECKING:
    from PIL import Image

REGION = "<region>"
_TOKENS_A_WORD = 4
"""Room for one word of a task's limit: its tokens, and those that end an answer."""


class Prompts(BaseModel):
    """What is said for each kind of question; "" where the model was not made for it.

    `{prompt}` stands for the task's own wording, `{question}` for the annotated expression or question, `{categories}`
    for the names that an answer may use, `{region}` for the boxes that are asked about, in the model's convention.

    Attributes:
        text: a question that is answered in words.
        caption: a description of the whole image.
        box: one object by an expression.
        detect: all objects of the categories.
        region: a description of what a box marks.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    text: str = "{prompt}"
    caption: str = "{prompt}"
    box: str = ""
    detect: str = ""
    region: str = ""


class VlmPreset(Preset):
    """How a checkpoint is asked and understood.

    Attributes:
        prompts: what is said.
        convention: how it speaks boxes; None where it speaks none.
        layout: the text around what is said, with `{said}` in it; None takes the checkpoint's own chat template.
        expand: who writes the placeholders of the picture out, see `tasks.models.chat_inputs`.
        between: text between two categories.
        max_new_tokens: limit on an answer, where the task has no lower one.
        batched: several questions go through the network at once; False where its padding changes answers.
    """

    prompts: Prompts = Prompts()
    convention: Convention | None = None
    layout: str | None = None
    expand: Expand = "processor"
    between: str = ", "
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
        said = self._said(query, picture)
        if self.preset.layout is not None:
            return self.preset.layout.replace("{said}", said)
        return self.encoder.chat(said)

    def _said(self, query: Query, picture: Picture) -> str:
        regions = self._regions(query, picture)
        if regions and query.wants == "text" and REGION in query.prompt:
            said = query.prompt
            for region in regions:
                said = said.replace(REGION, region, 1)
            return said
        template = self._template(query)
        if not template:
            raise ModelError(f"{query.sample_id}: the preset has no prompt for it: add one under `prompts`")
        filled = {
            "{prompt}": query.prompt,
            "{question}": query.question,
            "{categories}": self.preset.between.join(query.categories),
            "{region}": " ".join(regions),
        }
        return fill(template, filled)

    def _template(self, query: Query) -> str:
        prompts = self.preset.prompts
        if query.wants == "box":
            return prompts.detect if query.categories and not query.question else prompts.box
        if query.regions:
            return prompts.region
        return prompts.text if query.question else prompts.caption

    def _regions(self, query: Query, picture: Picture) -> list[str]:
        """Say the boxes that a query refers to.

        Raises:
            ModelError: one is no box, or the model does not speak of regions.
        """
        if not query.regions:
            return []
        if self.convention is None or not self.preset.prompts.region or query.wants != "text":
            raise ModelError(f"{query.sample_id}: this model takes no visual prompts for such a question")
        boxes = [region.box_xyxy for region in query.regions]
        if any(box is None for box in boxes):
            raise ModelError(f"{query.sample_id}: this model is told regions as boxes, not as {query.regions[0].kind}s")
        return [box_text.write(box, self.convention, picture) for box in boxes if box is not None]

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
        if query.wants == "text":
            return Prediction(query.sample_id, "ok", self.encoder.decode(ids, plain=True).strip(), prompt)
        text = self.encoder.decode(ids, plain=False)
        assert self.convention is not None
        try:
            found = box_text.boxes(text, self.convention, picture)
        except ContractError as error:
            return Prediction(query.sample_id, "parse_error", text, prompt, (), str(error))
        groups = tuple(
            Group(label if query.categories else query.question, "box", (Instance(box_xyxy=box),))
            for box, label in found
        )
        return Prediction(query.sample_id, "ok", text, prompt, groups)


def fill(template: str, values: dict[str, str]) -> str:
    """Put values in the place of their names; what is filled in is never itself read as a template."""
    return re.sub("|".join(map(re.escape, values)), lambda place: values[place[0]], template)


def able(preset: VlmPreset) -> Abilities:
    """What a preset has prompts for."""
    boxes = preset.convention is not None and bool(preset.prompts.box or preset.prompts.detect)
    regions = preset.convention is not None and bool(preset.prompts.region)
    return Abilities(("text", "box") if boxes else ("text",), regions)


MODELS = [
    family(
        "hf-vlm", VlmPreset, HfVlm, able, "vision-language models of the hub that answer in text: boxes as they declare"
    )
]
