"""Pictures, words and visual prompts to the tensors that `refvlm.hub` takes, and its answers back to the pictures."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from PIL import Image
from torch import Tensor
from transformers import BatchFeature

from benchmarks.errors import ConfigError, ModelError
from benchmarks.schema import Prediction, Region, Unit
from refvlm.config import RefVLMConfig, read_config
from refvlm.fingerprint import CONFIG, TOKENIZER
from refvlm.grammars import turn_in
from refvlm.processor import Letterbox, normalise
from refvlm.prompting import spread_regions
from refvlm.reading import decoded, fault
from refvlm.regions import stack
from refvlm.tokenizer import PAD, REGION, Tokenizer, load_tokenizer

PROCESSOR = "processor_config.json"


class RefVLMProcessor:
    """A tokenizer, the letterbox and the wording of the task command."""

    def __init__(self, tokenizer: Tokenizer, sizes: RefVLMConfig) -> None:
        self.tokenizer, self.sizes = tokenizer, sizes

    @classmethod
    def from_pretrained(cls, folder: str | Path, **_: Any) -> Self:
        """Read a checkpoint folder on this machine.

        Raises:
            ModelError: its tokenizer or configuration cannot be read.
            ConfigError: the configuration holds something else.
        """
        folder = Path(folder)
        path = folder / PROCESSOR if (folder / PROCESSOR).is_file() else folder / CONFIG
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{path} cannot be read ({error}): name a checkpoint folder on this machine") from None
        sizes = read_config(content.get("sizes", content), path)
        return cls(load_tokenizer(folder / TOKENIZER), sizes)

    def save_pretrained(self, folder: str | Path, **_: Any) -> list[str]:
        """Write the tokenizer and the sizes; returns the names of the files."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer.save(folder / TOKENIZER)
        content = {"processor_class": type(self).__name__, "sizes": self.sizes.model_dump(mode="json")}
        (folder / PROCESSOR).write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        return [str(folder / TOKENIZER), str(folder / PROCESSOR)]

    def __call__(
        self,
        images: Sequence[Image.Image],
        text: Sequence[str],
        *,
        unit: Unit | Sequence[Unit | None] | None = None,
        regions: Sequence[Sequence[Region]] | None = None,
        image_index: Sequence[int] | None = None,
    ) -> BatchFeature:
        """Prepare questions about pictures.

        Args:
            images: RGB pictures; each is encoded once, however many questions it has.
            text: the user's words; `<region>` stands for a visual prompt, those not mentioned come behind the words.
            unit: what the task command asks for, for all or for each; None gives no command.
            regions: visual prompts of each text, in pixels of its picture.
            image_index: picture of each text; by default one each, or the only one for all.

        Returns:
            pixel_values float [I, 3, S, S]; input_ids and attention_mask int [Q, L], padded on the left; image_index
            int [Q]; image_sizes int [I, 2], height and width; prompt_masks float [R, S, S], prompt_kinds int [R] and
            prompt_text int [R], the visual prompts and whose they are.

        Raises:
            ConfigError: lengths do not go together.
        """
        count = len(text)
        index = list(image_index or ([0] * count if len(images) == 1 else range(count)))
        units = [unit] * count if unit is None or isinstance(unit, str) else list(unit)
        prompts = [list(each) for each in regions] if regions is not None else [[] for _ in text]
        if not len(index) == len(units) == len(prompts) == count or not all(0 <= k < len(images) for k in index):
            raise ConfigError(
                f"{len(images)} images, {count} texts, {len(units)} units, {len(prompts)} lists of regions and "
                f"image_index {index} do not go together: give one of each for every text"
            )
        boxes = [Letterbox((image.height, image.width), self.sizes.image_size) for image in images]
        turns = [turn_in(self.sizes.grammar, *each) for each in zip(text, units, map(len, prompts), strict=True)]
        ids, mask = self._padded([self._encode(each) for each in turns])
        return BatchFeature(
            {
                "pixel_values": torch.stack([self._pixels(*each) for each in zip(images, boxes, strict=True)]),
                "input_ids": ids,
                "attention_mask": mask,
                "image_index": torch.tensor(index, dtype=torch.long),
                "image_sizes": torch.tensor([box.size_hw for box in boxes]),
                **self._drawn(
                    [[(region, boxes[k]) for region in each] for k, each in zip(index, prompts, strict=True)]
                ),
            }
        )

    def _pixels(self, image: Image.Image, box: Letterbox) -> Tensor:
        return normalise(box.paste(image.convert("RGB"), self.sizes.pixels.pad), self.sizes.pixels)

    def _encode(self, words: str) -> tuple[int, ...]:
        tokens = self.sizes.regions.tokens if self.sizes.regions else 1
        ids = self.tokenizer.encode(words)
        return spread_regions(ids, self.tokenizer.ids[REGION], tokens) if REGION in self.tokenizer.ids else tuple(ids)

    def _padded(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        longest = max(map(len, rows), default=0)
        pad = self.tokenizer.ids[PAD]
        ids = torch.tensor([[pad] * (longest - len(row)) + list(row) for row in rows], dtype=torch.long)
        mask = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], dtype=torch.long)
        return ids, mask

    def _drawn(self, prompts: Sequence[Sequence[tuple[Region, Letterbox]]]) -> dict[str, Tensor]:
        every = [each for mine in prompts for each in mine]
        side = self.sizes.image_size
        masks, kinds = stack(every) if every else (torch.zeros(0, side, side), torch.zeros(0, dtype=torch.long))
        owner = torch.tensor([row for row, mine in enumerate(prompts) for _ in mine], dtype=torch.long)
        return {"prompt_masks": masks, "prompt_kinds": kinds, "prompt_text": owner}

    def batch_decode(self, sequences: Tensor) -> list[str]:
        """Turn `sequences` of a generation into text."""
        return [self.tokenizer.decode(row) for row in sequences.tolist()]

    def post_process(self, output: Any, inputs: BatchFeature) -> list[Prediction]:
        """Read answers: boxes, masks, joints and depth in the pixels of the pictures as they were given.

        Args:
            output: what `generate` returned.
            inputs: what it was given.

        Returns:
            One for each answer, in order; one that cannot be read says why. `sample_id` is the text's number.
        """
        out = []
        for place, answer in enumerate(output.batch.answers):
            row = place // output.per_text
            height, width = inputs["image_sizes"][inputs["image_index"][row]].tolist()
            prompt = self.tokenizer.decode(inputs["input_ids"][row].tolist())
            if problem := fault(answer, self.sizes.grammar):
                out.append(Prediction(str(row), "parse_error", answer.text, prompt, (), problem))
                continue
            letterbox = Letterbox((height, width), self.sizes.image_size)
            groups, depth = decoded(output.core, self.tokenizer, output.batch, answer, letterbox)
            out.append(Prediction(str(row), "ok", answer.text, prompt, groups, depth=depth))
        return out
