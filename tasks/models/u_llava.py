"""u-LLaVA (arXiv 2311.05348): CLIP and Vicuna, whose `[SEG]` makes SAM segment.

Two designs share the name: `dino` of 2023 takes boxes from Grounding DINO, asked for the name that the model gives the
object; `loc` of 2025 has a head of its own for `[LOC]`. `decode` tells how an answer comes about: `generate` lets the
model speak, and an answer without `[SEG]` is one that could not be read; `teacher_forced` makes it say the fixed answer
of its training (`tasks.models.u_llava_prompts`), as its authors' evaluation does, so that there is always a mask. Rows
of both are never the same run. Theirs packs up to ten expressions of a photo into one conversation, here each is alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.errors import ModelError
from benchmarks.geometry import encode
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Query, Unit
from tasks.base import LoadOptions, Model, ModelEntry
from tasks.facts import ModelSize, NeededFile
from tasks.model_args import ModelArgs, ModelArgument
from tasks.models import checkpoints, families, u_llava_grounding, u_llava_published
from tasks.models import u_llava_prompts as prompts
from tasks.models.u_llava_network import SEVEN_B, Network, Said, configuration, mask_of, size_of
from tasks.models.u_llava_pixels import Pixels, square_to_photo

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAME = "u-llava"
_UNITS: tuple[Unit, ...] = ("box", "mask", "text")
_FORCED = "teacher_forced"
_TAG_TOKENS = 32
_ARGUMENTS = (
    ModelArgument("decode", ("generate", _FORCED), "how an answer with a mask or box comes about"),
    ModelArgument("boxes", ("own", "mask"), "boxes by Grounding DINO or the head; mask: the tight box of the mask"),
    ModelArgument("wording", ("authors", "task"), "of requests for one object"),
)


class Preset(families.Preset):
    """What a preset says.

    Attributes:
        variant: the design.
        clip_aspect: how CLIP sees a photo: "crop" its centre, or "pad_white" to a square.
        max_new_tokens: limit where the task sets none.
        grounding: hub id or folder of Grounding DINO; needed for boxes of the variant dino.
        box_threshold: how sure Grounding DINO must be of a box.
        sam: sizes of SAM, as transformers' `SamConfig` takes them; the checkpoint does not tell them.
    """

    variant: Literal["dino", "loc"]
    clip_aspect: Literal["crop", "pad_white"]
    max_new_tokens: int
    grounding: str = ""
    box_threshold: float = 0.25
    sam: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query, made ready: its text up to the answer, the forced part of the answer, limit, stops."""

    query: Query
    prompt: str
    forced: str
    limit: int


class ULlava:
    """A loaded checkpoint."""

    def __init__(self, folder: Path, preset: Preset, options: LoadOptions) -> None:
        """Load all parts.

        Raises:
            ModelError: the checkpoint is of the other variant, or see `Network` and `Grounding`.
        """
        from transformers import AutoTokenizer, LlamaConfig

        given = dict(options.args)
        self.preset = preset
        self.forced = given.get("decode") == _FORCED
        self.by_authors = given.get("wording", "authors") == "authors"
        self.boxes_of_masks = given.get("boxes") == "mask"
        check_variant(folder, preset)
        # transformers knows no model of this type: without a configuration it would warn of the one in the folder
        self.tokenizer = checkpoints.part(folder, AutoTokenizer, config=LlamaConfig())
        self.ids = _special_ids(folder, self.tokenizer, preset)
        self.end: int = self.tokenizer.eos_token_id
        self.network = Network(folder, preset.sam, preset.variant == "loc", options)
        self.pixels = Pixels(self.network.side, self.network.sam_side, preset.clip_aspect == "pad_white")
        self.hash = fingerprint(folder, preset, options)
        self.grounding = None
        if needs_grounding(preset, options):
            found = u_llava_grounding.located(preset.grounding)
            self.grounding = u_llava_grounding.Grounding(found, preset.box_threshold, options)

    def fingerprint(self) -> str:
        """Hash over checkpoints and preset."""
        return self.hash

    def see(self, image: ImageRef) -> Any:
        """Preprocess a photo for CLIP: float [3, S, S]. A run may do it ahead, in a thread.

        Raises:
            DataError: it cannot be read.
        """
        return self.pixels.clip(image.open_rgb())

    def see_sam(self, image: ImageRef) -> Any:
        """Preprocess a photo for SAM: float [3, side, side].

        Raises:
            DataError: it cannot be read.
        """
        return self.pixels.sam(image.open_rgb())

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer queries as one batch, greedily.

        Raises:
            DataError: a photo cannot be read.
            ModelError: a query has visual prompts, wants another unit, or no answer is fixed where one is forced.
        """
        import torch

        asked = [self._asked(query) for query in queries]
        with torch.inference_mode():
            texts = [self._text(each) for each in asked]
            stops = (self.end, *((self.ids[prompts.TAG_END],) if self.forced else ()))
            said = self.network.continued(texts, [each.limit for each in asked], stops, self.end)
            return [self._prediction(each, answer) for each, answer in zip(asked, said, strict=True)]

    def _asked(self, query: Query) -> _Asked:
        if query.wants not in _UNITS or query.regions:
            raise ModelError(f"{query.sample_id}: {_NAME} answers {', '.join(_UNITS)}; it takes no visual prompts")
        if self.forced and (reason := refuse(query, (("decode", _FORCED),))):
            raise ModelError(f"{query.sample_id}: {reason}")
        frames = self.pixels.chosen(query.frames)
        patches = self.network.patches + len(frames)
        prompt = prompts.whole(prompts.instruction(query, self.by_authors), patches, bool(frames))
        if not self.forced:
            return _Asked(query, prompt, "", query.max_new_tokens or self.preset.max_new_tokens)
        named = query.wants == "box" and self.grounding is not None
        answer = prompts.FORCED[self.preset.variant] + (f" {prompts.TAG}" if named else "")
        return _Asked(query, prompt, f" {answer}", _TAG_TOKENS if named else 1)

    def _text(self, asked: _Asked) -> tuple[list[int], Any]:
        """Tokenise a text and put what its photo or video shows in place of the placeholders."""
        import torch

        ids: list[int] = self.tokenizer(asked.prompt + asked.forced)["input_ids"]
        frames = self.pixels.chosen(asked.query.frames)
        if frames:
            seen = torch.stack([self.pixels.frame(frame.open_rgb()) for frame in frames])
            return ids, self.network.embedded(ids, self.network.video_features(seen), self.ids[prompts.VIDEO_PATCH])
        features = self.network.photo_features(asked.query.image.seen(self.see))
        return ids, self.network.embedded(ids, features, self.ids[prompts.IMAGE_PATCH])

    def _prediction(self, asked: _Asked, said: Said) -> Prediction:
        query = asked.query
        kept = Prediction(query.sample_id, "ok", self._words(said, asked), prompts.brief(asked.prompt + asked.forced))
        if query.wants == "text":
            return kept
        since = len(self.tokenizer(asked.prompt)["input_ids"])
        try:
            instances = self._instances(query, said, since)
        except _Unreadable as error:
            return replace(kept, status="parse_error", error=str(error))
        return replace(kept, groups=_groups(query, instances, self._names(said, since)))

    def _words(self, said: Said, asked: _Asked) -> str:
        """The answer in words; with its special tokens where they are what matters."""
        plain = asked.query.wants == "text"
        new = () if asked.forced and asked.limit == 1 else said.ids[said.start :]
        text = self.tokenizer.decode(new, skip_special_tokens=plain)
        return prompts.LAYOUT.cut(asked.forced + text)

    def _instances(self, query: Query, said: Said, since: int) -> list[Instance]:
        """Decode the tokens of an answer.

        Raises:
            _Unreadable: there is none, or its mask is empty where a box is wanted.
        """
        if query.wants == "box" and self.preset.variant == "loc" and not self.boxes_of_masks:
            states = said.predicting(self.ids[prompts.LOC], since)
            if not len(states):
                raise _Unreadable(f"the answer holds no {prompts.LOC}: no box")
            found = (square_to_photo(box, query.image.size_hw) for box in self.network.boxes(states))
            return [Instance(box_xyxy=box) for box in found]
        masks = self._masks(query, said.predicting(self.ids[prompts.SEG], since))
        if query.wants == "mask":
            return [Instance(score=score, mask_rle=encode(mask)) for mask, score in masks]
        return self._boxed(query, [mask for mask, _ in masks], self._names(said, since))

    def _masks(self, query: Query, states: Any) -> "list[tuple[NDArray[np.bool_], float]]":
        """Segment what states mean: masks at the photo's own size with the IoU that SAM expects."""
        if not len(states):
            raise _Unreadable(f"the answer holds no {prompts.SEG}: no mask")
        features = self.network.sam_features(query.image.seen(self.see_sam))
        logits, expected = self.network.mask_logits(states, features)
        size, side = query.image.size_hw, self.network.sam_side
        return [(mask_of(each, size, side).numpy(), float(iou)) for each, iou in zip(logits, expected, strict=True)]

    def _boxed(self, query: Query, masks: "Sequence[NDArray[np.bool_]]", names: Sequence[str]) -> list[Instance]:
        """Find the box of every mask: the one of Grounding DINO that overlaps its tight box most, or that one."""
        filled = [mask for mask in masks if mask.any()]
        if not filled:
            raise _Unreadable("every mask is empty: no box")
        tight = [u_llava_grounding.tight_box(mask) for mask in filled]
        if self.grounding is None or not names:
            return [Instance(box_xyxy=box) for box in tight]
        found = self.grounding.boxes(query.image.open_rgb(), names[-1])
        return [Instance(box_xyxy=u_llava_grounding.best(found, box)) for box in tight]

    def _names(self, said: Said, since: int) -> list[str]:
        """What the answer says between tags; a forced answer may open one in its fixed part."""
        names, opened = [], -1
        for place in range(since, len(said.ids)):
            if said.ids[place] == self.ids[prompts.TAG]:
                opened = place + 1
            elif said.ids[place] in (self.ids[prompts.TAG_END], self.end) and opened >= 0:
                names.append(self.tokenizer.decode(said.ids[opened:place], skip_special_tokens=True).strip())
                opened = -1
        return [name for name in names if name]


class _Unreadable(Exception):
    """An answer from which no mask or box can be decoded; the text says why."""


def _groups(query: Query, instances: Sequence[Instance], names: Sequence[str]) -> tuple[Group, ...]:
    """Name objects: one asked for by the question, several by the tags where there are as many."""
    if query.categories and len(names) == len(instances):
        return tuple(Group(name, query.wants, (each,)) for name, each in zip(names, instances, strict=True))
    return (Group(query.question, query.wants, tuple(instances)),)


def check_variant(folder: Path, preset: Preset) -> None:
    """Refuse a checkpoint of the other design, which its configuration tells by the id of `[LOC]`.

    Raises:
        ModelError: it is one, or no u-LLaVA at all.
    """
    found = "loc" if "loc_token_idx" in configuration(folder) else "dino"
    if found != preset.variant:
        raise ModelError(
            f"{folder} is of variant {found}, the preset of {preset.variant}: use --model {_NAME}:{found} "
            f"--weights {folder}"
        )


def needs_grounding(preset: Preset, options: LoadOptions) -> bool:
    """Whether boxes come from Grounding DINO."""
    return preset.variant == "dino" and bool(preset.grounding) and dict(options.args).get("boxes") != "mask"


def fingerprint(folder: Path, preset: Preset, options: LoadOptions) -> str:
    """Hash a checkpoint, its preset, and that of Grounding DINO where it is used: 64 hex digits.

    Raises:
        ModelError: a file is missing.
    """
    settings = preset.settings()
    if needs_grounding(preset, options):
        settings["grounding"] = checkpoints.fingerprint(u_llava_grounding.located(preset.grounding), {})
    return checkpoints.fingerprint(folder, settings)


def _special_ids(folder: Path, tokenizer: Any, preset: Preset) -> dict[str, int]:
    needed = [token for token in prompts.SPECIAL if token != prompts.LOC or preset.variant == "loc"]
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in needed}
    unknown = tokenizer.unk_token_id
    if lacking := [token for token, number in ids.items() if number is None or number == unknown]:
        raise ModelError(f"{folder}: its tokenizer lacks {', '.join(lacking)}: take the tokenizer of the checkpoint")
    return ids


def _load(member: "families.Member[Preset]", folder: Path, options: LoadOptions) -> Model:
    return ULlava(folder, member.preset, options)


def _of_reference(reference: str) -> ModelEntry:
    """The entry of a member: its own hash covers Grounding DINO, and a variant without weights says so."""
    assert _FAMILY.of_reference is not None
    entry = _FAMILY.of_reference(reference)
    found = families.member(_NAME, reference, Preset)
    preset = found.preset
    grounding = NeededFile(preset.grounding, "Grounding DINO, for boxes", "Apache-2.0")
    unreleased = preset.checkpoint == "none"
    return replace(
        entry,
        weights="none released; --weights FOLDER for a checkpoint of yours" if unreleased else entry.weights,
        load=lambda options: _load(found, _folder(found, options), options),
        fingerprint=lambda options: fingerprint(_folder(found, options), preset, options),
        sizes=lambda weights: [_size(found, weights)],
        needs=(*(() if unreleased else entry.needs), *((grounding,) if preset.grounding else ())),
        published=u_llava_published.NUMBERS,
        note="; ".join(filter(None, (preset.note, _NOTE))),
    )


def _size(found: "families.Member[Preset]", weights: Path | None) -> ModelSize:
    """Count the weights of a checkpoint; where it is not here, those of the published model."""
    preset = found.preset
    try:
        folder = _folder(found, LoadOptions(weights=weights))
    except ModelError:
        return size_of(SEVEN_B, preset.sam, preset.variant == "loc", "7B, as published")
    return size_of(configuration(folder), preset.sam, preset.variant == "loc", folder.name)


def _folder(found: "families.Member[Preset]", options: LoadOptions) -> Path:
    if found.preset.checkpoint == "none" and options.weights is None:
        raise ModelError(f"no weights of {found.name} are known to be released: name a folder of yours with --weights")
    return found.located(options.weights)


def refuse(query: Query, args: ModelArgs) -> str:
    """Why the model cannot answer a query; empty where it can."""
    if dict(args).get("decode") != _FORCED or prompts.names_one_object(query):
        return ""
    return f"only an answer about one object is fixed: leave --model-arg decode={_FORCED} out"


_NOTE = (
    "greedy, one expression a conversation; published numbers come from an evaluation that forces the answer "
    "(--model-arg decode=teacher_forced). Requests for one object are worded as its authors do, whatever --prompt-set "
    "says: --model-arg wording=task takes the task's own words"
)
_FAMILY = families.family(
    _NAME,
    Preset,
    _load,
    lambda preset: families.Abilities(_UNITS, refuse=refuse),
    "u-LLaVA: words, masks by SAM, boxes by Grounding DINO or a head of its own",
    _ARGUMENTS,
)
MODELS = [
    replace(_FAMILY, of_reference=_of_reference, example="dino", published=u_llava_published.NUMBERS),
]
