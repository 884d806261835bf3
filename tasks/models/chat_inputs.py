"""From pictures and texts to the inputs of a vision-language model, with or without its own processor class.

The processors of Qwen-VL and InternVL cannot be built without torchvision, since they hold a video processor. What they
do for photos is short: the picture's placeholder is repeated once for each of its tokens. `grid` (Qwen-VL) and `tiles`
(InternVL) do so here, from image processor and tokenizer alone; `processor` leaves it to the checkpoint's own class.
"""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image

from benchmarks.errors import ModelError
from tasks.models import checkpoints

if TYPE_CHECKING:
    import torch

Expand = Literal["processor", "grid", "tiles"]
_QWEN_IMAGE, _INTERN_IMAGE, _INTERN_START, _INTERN_END = "<|image_pad|>", "<IMG_CONTEXT>", "<img>", "</img>"


class Encoder:
    """Makes inputs by the checkpoint's own processor."""

    def __init__(self, folder: Path, trust_remote_code: bool) -> None:
        """Load it.

        Raises:
            ModelError: it cannot be built here.
        """
        self.folder = folder
        self._load(trust_remote_code)
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token

    def _load(self, trust_remote_code: bool) -> None:
        from transformers import AutoProcessor

        self.processor: Any = checkpoints.part(self.folder, AutoProcessor, trust_remote_code, backend="pil")
        self.tokenizer: Any = self.processor.tokenizer
        self.images: Any = self.processor.image_processor

    def pad_id(self) -> int:
        """Id of the token that fills short rows."""
        return int(self.tokenizer.pad_token_id)

    def mean_colour(self) -> tuple[int, int, int]:
        """The colour that becomes 0 when the picture is normalised."""
        red, green, blue = (round(255 * each) for each in self.images.image_mean)
        return (red, green, blue)

    def chat(self, said: str) -> str:
        """Put one turn with the picture into the checkpoint's chat template.

        Raises:
            ModelError: it has none.
        """
        speaker = self.processor if getattr(self.processor, "chat_template", None) else self.tokenizer
        if not getattr(speaker, "chat_template", None):
            raise ModelError(f"{self.folder} has no chat template: give the preset a `layout`")
        turn = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": said}]}]
        return str(speaker.apply_chat_template(turn, add_generation_prompt=True, tokenize=False))

    def encode(self, photos: list[Image.Image], prompts: list[str], padding_side: str) -> Mapping[str, "torch.Tensor"]:
        """Make the inputs of one batch; short prompts are padded on a side."""
        self.tokenizer.padding_side = padding_side
        with warnings.catch_warnings():
            # PaliGemma's processor makes an array of a tensor in a way that NumPy 2 deprecates; the result is right.
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            inputs = self.processor(images=photos, text=prompts, padding=True, return_tensors="pt")
        return {name: value for name, value in inputs.items() if name != "labels"}

    def resized(self, photo: Image.Image) -> tuple[int, int]:
        """Height and width that the model sees."""
        height, width = self.images(images=[photo], return_tensors="pt")["pixel_values"].shape[-2:]
        return (int(height), int(width))

    def decode(self, ids: Sequence[int], plain: bool) -> str:
        """Spell an answer out; `plain` leaves special tokens out, which is wrong where they say locations."""
        kept = [each for each in ids if each != self.tokenizer.pad_token_id]
        return str(self.tokenizer.decode(kept, skip_special_tokens=plain, clean_up_tokenization_spaces=False))


class _ByHand(Encoder):
    """Makes inputs from image processor and tokenizer; `_count` says how many tokens each picture has."""

    token = _QWEN_IMAGE

    def _load(self, trust_remote_code: bool) -> None:
        from transformers import AutoTokenizer

        self.images = checkpoints.image_processor(self.folder, trust_remote_code)
        self.tokenizer = checkpoints.part(self.folder, AutoTokenizer, trust_remote_code)
        self.processor = self.tokenizer

    def encode(self, photos: list[Image.Image], prompts: list[str], padding_side: str) -> Mapping[str, "torch.Tensor"]:
        """Make the inputs of one batch.

        Raises:
            ModelError: a prompt has not one placeholder for the picture.
        """
        seen = self.images(images=photos, return_tensors="pt", **self._options())
        texts = []
        for prompt, count in zip(prompts, self._counts(seen), strict=True):
            if prompt.count(self.token) != 1:
                raise ModelError(f"the prompt must have one {self.token} for the picture: {prompt[:200]!r}")
            texts.append(prompt.replace(self.token, self._written(count)))
        words = self.tokenizer(texts, padding=True, padding_side=padding_side, return_tensors="pt")
        return self._joined(seen, words)

    def _options(self) -> dict[str, Any]:
        return {}

    def _written(self, count: int) -> str:
        return self.token * count

    def _counts(self, seen: Mapping[str, Any]) -> list[int]:
        raise NotImplementedError

    def _joined(self, seen: Mapping[str, Any], words: Mapping[str, Any]) -> "dict[str, torch.Tensor]":
        raise NotImplementedError


class _Grid(_ByHand):
    """Qwen-VL: a picture is a grid of patches, of which `merge_size` squared make a token."""

    def resized(self, photo: Image.Image) -> tuple[int, int]:
        grid = self.images(images=[photo], return_tensors="pt")["image_grid_thw"][0]
        return (int(grid[1]) * self.images.patch_size, int(grid[2]) * self.images.patch_size)

    def _counts(self, seen: Mapping[str, Any]) -> list[int]:
        return [int(grid.prod()) // self.images.merge_size**2 for grid in seen["image_grid_thw"]]

    def _joined(self, seen: Mapping[str, Any], words: Mapping[str, Any]) -> "dict[str, torch.Tensor]":
        place = self.tokenizer.convert_tokens_to_ids(self.token)
        return {
            "input_ids": words["input_ids"],
            "attention_mask": words["attention_mask"],
            "pixel_values": seen["pixel_values"],
            "image_grid_thw": seen["image_grid_thw"],
            "mm_token_type_ids": (words["input_ids"] == place).int(),
        }


class _Tiles(_ByHand):
    """InternVL: a picture is cut into tiles, each of the same number of tokens."""

    token = _INTERN_IMAGE

    def _load(self, trust_remote_code: bool) -> None:
        from transformers import AutoConfig

        super()._load(trust_remote_code)
        self.tile_tokens = int(checkpoints.part(self.folder, AutoConfig, trust_remote_code).image_seq_length)

    def _options(self) -> dict[str, Any]:
        return {"crop_to_patches": True}

    def _written(self, count: int) -> str:
        return f"{_INTERN_START}{self.token * count}{_INTERN_END}"

    def _counts(self, seen: Mapping[str, Any]) -> list[int]:
        return [int(tiles) * self.tile_tokens for tiles in seen["num_patches"]]

    def _joined(self, seen: Mapping[str, Any], words: Mapping[str, Any]) -> "dict[str, torch.Tensor]":
        return {
            "input_ids": words["input_ids"],
            "attention_mask": words["attention_mask"],
            "pixel_values": seen["pixel_values"],
        }


def encoder(expand: Expand, folder: Path, trust_remote_code: bool = False) -> Encoder:
    """Load what makes the inputs of a checkpoint.

    Raises:
        ModelError: it cannot be built here; says so where torchvision is missing.
    """
    classes: dict[Expand, type[Encoder]] = {"processor": Encoder, "grid": _Grid, "tiles": _Tiles}
    return classes[expand](folder, trust_remote_code)


def padded(photo: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    """Centre a picture in the smallest square that holds it; an odd pixel is left over at the right or bottom."""
    side = max(photo.size)
    square = Image.new("RGB", (side, side), colour)
    square.paste(photo, ((side - photo.width) // 2, (side - photo.height) // 2))
    return square
