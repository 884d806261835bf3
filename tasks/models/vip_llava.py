"""ViP-LLaVA (arXiv 2312.00784): questions about regions that are drawn onto the photo before the model sees it.

What its authors' evaluation does and this adapter follows: marks of alpha 128 and fixed widths, drawn on the photo at
its own size; the photo then padded to a square with CLIP's mean colour; the layout of a conversation as in training;
the wording of its questions (`ask`). What differs: answers are greedy (its authors sample at temperature 0.2 for
Visual7W and PointQA), and the colours of several marks come in one fixed order (theirs are drawn without a seed).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Prediction, Query, Unit
from tasks.base import LoadOptions, Model, ModelEntry
from tasks.facts import Published
from tasks.model_args import ModelArgument
from tasks.models import checkpoints, families, visual_prompts
from tasks.models.conversations import CONVERSATIONS, Conversation
from tasks.models.visual_prompts import AUTO, COLOURS, RANDOM, WORDS, Mark, Style

if TYPE_CHECKING:
    from PIL import Image

_NAME = "vip-llava"
_UNITS: tuple[Unit, ...] = ("text",)
_IMAGE, _PLACE = "<image>", "<region>"
_OWN = "own"
_ARGUMENTS = (
    ModelArgument("shape", (AUTO, *(shape.replace(" ", "-") for shape in WORDS), RANDOM), "what marks a region"),
    ModelArgument("colour", ("red", *(name for name in COLOURS if name != "red"), RANDOM), "of the first mark"),
    ModelArgument("alpha", ("128", "64", "96", "192", "255", RANDOM), "how much a mark covers, of 255"),
    ModelArgument("widths", ("fixed", RANDOM), "of the marks: as in its evaluation, or as in its training"),
    ModelArgument("conversation", (_OWN, "llava_v1", "human_assistant"), "layout; own: that of the preset"),
    ModelArgument("wording", ("authors", "task"), "of questions about regions"),
)


class Preset(families.Preset):
    """What a preset says.

    Attributes:
        conversation: key of `tasks.models.conversations.CONVERSATIONS`.
        aspect: "pad" to a square, or "resize" without regard to it.
        max_new_tokens: limit where the task sets none.
    """

    conversation: Literal["llava_v1", "human_assistant"]
    aspect: Literal["pad", "resize"]
    max_new_tokens: int


def ask(query: Query, marks: Sequence[Mark]) -> str:
    """Word a question about marked regions as the authors do; without regions it is the task's.

    One region without a question is to be described, one with a question is PointQA's, several are choices by letter;
    a question that names its regions itself (`<region>`) gets their words in place.
    """
    if not marks:
        return query.prompt
    words = [f"the object {mark.words()}" for mark in marks]
    if _PLACE in query.question:
        return _filled(query.question, words)
    if not query.question:
        return f"Describe {' and '.join(words)}. Please provide a short phrase."
    if len(marks) == 1:
        example = f"The exemplary object is {marks[0].words(coloured=False)}."
        return f"{query.question} {example}\nAnswer the question using a single word or phrase."
    choices = "\n".join(f"{chr(ord('A') + place)}. T{text[1:]}" for place, text in enumerate(words))
    return f"{query.question}\n{choices}\nAnswer with the option's letter from the given choices directly."


def _filled(text: str, words: Sequence[str]) -> str:
    for each in words:
        text = text.replace(_PLACE, each, 1)
    return text


class VipLlava:
    """A loaded checkpoint."""

    def __init__(self, folder: Path, preset: Preset, options: LoadOptions) -> None:
        """Load model and tokenizer; the pixels follow the preset, not the folder's processor.

        Raises:
            ModelError: see `tasks.models.checkpoints.model`, or the tokenizer knows no image token.
        """
        from transformers import AutoTokenizer, GenerationConfig, VipLlavaForConditionalGeneration

        given = dict(options.args)
        self.preset, self.folder = preset, folder
        self.conversation: Conversation = CONVERSATIONS[
            preset.conversation if given.get("conversation", _OWN) == _OWN else given["conversation"]
        ]
        self.by_authors = given.get("wording", "authors") == "authors"
        self.tokenizer = checkpoints.part(folder, AutoTokenizer)
        self.tokenizer.padding_side = "left"
        self.model = checkpoints.model(folder, VipLlavaForConditionalGeneration, options, preset.spare_keys)
        pad = self.tokenizer.pad_token_id
        end = self.tokenizer.eos_token_id
        self.model.generation_config = GenerationConfig(eos_token_id=end, pad_token_id=end if pad is None else pad)
        self.image_token: int = self.model.config.image_token_id
        if self.tokenizer.convert_tokens_to_ids(_IMAGE) != self.image_token:
            raise ModelError(f"{folder}: its tokenizer has no {_IMAGE} of id {self.image_token}: copy it again")
        vision = self.model.config.vision_config
        self.image_tokens = (vision.image_size // vision.patch_size) ** 2
        self.style = style_of(given, vision.image_size)
        self.pixels = _pixels(vision.image_size, preset.aspect)
        self.hash = checkpoints.fingerprint(folder, preset.settings())

    def fingerprint(self) -> str:
        """Hash over checkpoint and preset."""
        return self.hash

    def prompt(self, query: Query, marks: Sequence[Mark]) -> str:
        """Write the whole text of a query, with one `<image>` for the photo."""
        # a command before the instruction, or another regime, is part of the task's own words
        authors = self.by_authors and query.regime == "instruction"
        words = [f"the object {mark.words()}" for mark in marks]
        question = ask(query, marks) if authors else _filled(query.prompt, words)
        return self.conversation.ask(f"{_IMAGE}\n{question}")

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer queries as one batch, greedily.

        Raises:
            DataError: a photo cannot be read.
            ModelError: a query wants something else than words.
        """
        import torch

        for query in queries:
            if query.wants not in _UNITS:
                raise ModelError(f"{query.sample_id}: {_NAME} answers in words, not with unit '{query.wants}'")
        marks = [visual_prompts.choose(query.regions, self.style, query.seed) for query in queries]
        prompts = [self.prompt(query, own) for query, own in zip(queries, marks, strict=True)]
        spread = [text.replace(_IMAGE, _IMAGE * self.image_tokens) for text in prompts]
        inputs = self.tokenizer(spread, return_tensors="pt", padding=True)
        inputs.pop("token_type_ids", None)
        counts = (inputs["input_ids"] == self.image_token).sum(1).tolist()
        assert counts == [self.image_tokens] * len(queries), "a question holds the placeholder of the photo"
        pixels = torch.stack([self._see(query, own) for query, own in zip(queries, marks, strict=True)])
        limits = [query.max_new_tokens or self.preset.max_new_tokens for query in queries]
        with torch.inference_mode():
            found = self.model.generate(
                **inputs.to(self.model.device), pixel_values=pixels.to(self.model.device, self.model.dtype),
                do_sample=False, max_new_tokens=max(limits),
            )[:, inputs["input_ids"].shape[1] :]  # fmt: skip
        return [
            Prediction(query.sample_id, "ok", self._words(ids[:limit]), prompt)
            for query, ids, limit, prompt in zip(queries, found.tolist(), limits, prompts, strict=True)
        ]

    def _words(self, ids: Sequence[int]) -> str:
        return self.conversation.cut(self.tokenizer.decode(ids, skip_special_tokens=True))

    def _see(self, query: Query, marks: Sequence[Mark]) -> Any:
        if not marks:
            return query.image.seen(self.see)
        photo = query.image.open_rgb()
        return self._preprocessed(visual_prompts.draw_all(photo, query.regions, marks, self.style, query.seed))

    def see(self, image: ImageRef) -> Any:
        """Preprocess a photo without marks: float [3, S, S]. A run may do it ahead, in a thread.

        Raises:
            DataError: it cannot be read.
        """
        return self._preprocessed(image.open_rgb())

    def _preprocessed(self, photo: "Image.Image") -> Any:
        return self.pixels(photo, return_tensors="pt")["pixel_values"][0]


def style_of(given: dict[str, str], side: int) -> Style:
    """Read how regions are marked off the arguments of a run; `side` is that of the model's square input."""
    alpha = given.get("alpha", "128")
    return Style(
        shape=given.get("shape", AUTO).replace("-", " "),
        colour=given.get("colour", "red"),
        alpha=None if alpha == RANDOM else int(alpha),
        random_widths=given.get("widths") == RANDOM,
        anchor=side,
    )


def _pixels(side: int, aspect: str) -> Any:
    """Build the image processor: a plain CLIP one would crop the centre out of a photo."""
    from transformers import CLIPImageProcessorPil, LlavaImageProcessorPil

    square = {"height": side, "width": side}
    if aspect == "pad":
        return LlavaImageProcessorPil(do_pad=True, size={"shortest_edge": side}, crop_size=square)
    return CLIPImageProcessorPil(size=square, do_center_crop=False)


def _published() -> dict[str, tuple[Published, ...]]:
    zoo = "ViP-LLaVA, docs/MODEL_ZOO.md, sampled at temperature 0.2 (ViP-Bench: greedy, judged by GPT-4)"
    rows = {"7b": ("86.09", "71.31", "48.4", "48.3"), "13b": ("88.28", "71.77", "48.3", "48.2")}
    columns = (
        ("Visual7W", "not stated", "accuracy"),
        ("PointQA-LookTwice", "not stated", "accuracy"),
        ("ViP-Bench", "bbox", "score"),
        ("ViP-Bench", "human", "score"),
    )
    return {
        preset: tuple(
            Published("region_vqa", *column, value, "percent", zoo)
            for column, value in zip(columns, values, strict=True)
        )
        for preset, values in rows.items()
    }


def _load(member: "families.Member[Preset]", folder: Path, options: LoadOptions) -> Model:
    return VipLlava(folder, member.preset, options)


def _of_reference(reference: str) -> ModelEntry:
    assert _FAMILY.of_reference is not None
    found = _FAMILY.of_reference(reference)
    return replace(found, published=_published().get(found.name.partition(":")[2], ()), note=_NOTE)


_NOTE = (
    "greedy; marks of fixed colours. Region questions are worded as its authors do, whatever --prompt-set says: "
    "--model-arg wording=task takes the task's own words"
)
_FAMILY = families.family(
    _NAME,
    Preset,
    _load,
    lambda preset: families.Abilities(_UNITS, regions=True),
    "ViP-LLaVA: words about regions that are drawn onto the photo",
    _ARGUMENTS,
)
MODELS = [replace(_FAMILY, of_reference=_of_reference, example="7b", published=sum(_published().values(), ()))]
