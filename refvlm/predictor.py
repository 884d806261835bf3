"""Queries in, predictions out: the reference model as a program of its own, usable without the harness."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch.nn.utils import convert_conv2d_weight_memory_format

from benchmarks.commands import commanded
from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Prediction, Query, Unit
from refvlm import checkpoint
from refvlm.choosing import Choosing
from refvlm.fingerprint import fingerprint
from refvlm.following import Followed
from refvlm.generation import Generated, GeneratedBatch, Prompt, generate
from refvlm.grammars import read, turn_in, vocabulary
from refvlm.processor import Letterbox, normalise
from refvlm.prompting import spoken_text, spread_regions
from refvlm.reading import decoded, fault
from refvlm.regions import stack
from refvlm.tokenizer import REGION

BUNDLED = Path(__file__).parent / "weights" / "tiny"
"""The checkpoint that comes with the package: trained on the sample world."""


class Predictor:
    """A loaded checkpoint."""

    def __init__(
        self, folder: Path = BUNDLED, device: str = "cpu", dtype: str = "float32", constrain: bool = True
    ) -> None:
        """Load a checkpoint folder; `constrain` keeps every answer within the grammar.

        Raises:
            ModelError: it is damaged, does not fit its configuration, or the device is not there.
        """
        self.hash = fingerprint(folder)
        self.constrain = constrain
        try:
            self.model, self.tokenizer = checkpoint.load(folder, device, getattr(torch, dtype))
        except (RuntimeError, AssertionError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(
                f"the model cannot run on {device} ({str(error).splitlines()[0]}): try --device cpu"
            ) from None
        # Convolutions of few channels are soonest done where all channels of a place lie together.
        convert_conv2d_weight_memory_format(self.model, torch.channels_last)

    @property
    def units(self) -> tuple[Unit, ...]:
        """Units that this checkpoint answers with: those it has decoders for, and words if it learned to use them."""
        return self.model.units if REGION in self.tokenizer.ids else ("box", "mask")

    def compile(self, backend: str = "inductor") -> None:
        """Have the image encoder and the language model compiled when they are first used, for any length and batch.

        Args:
            backend: of torch.compile; "eager" only traces, and gives the digits of the model as it is.
        """
        self.model.vision.compile(backend=backend, dynamic=True)
        self.model.llm.model.compile(backend=backend, dynamic=True)

    def fingerprint(self) -> str:
        """SHA-256 of the checkpoint."""
        return self.hash

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer queries as one batch, greedily. Images that several queries share are encoded once.

        Raises:
            DataError: an image cannot be read.
            ModelError: a query wants a visual prompt or a unit that this checkpoint has no part for.
        """
        return self._predict(queries)

    def predict_aloud(self, query: Query, hear: Callable[[str], bool]) -> Prediction:
        """Answer one query, token by token; otherwise as `predict`.

        Args:
            query: what is asked.
            hear: takes the raw answer so far after every token, and says whether it shall go on; one that was stopped
                is a `parse_error`, as any that was cut.

        Raises:
            DataError: the image cannot be read.
            ModelError: as `predict`.
        """
        return self._predict([query], Followed(self.tokenizer, hear))[0]

    def _predict(self, queries: Sequence[Query], choosing: Choosing | None = None) -> list[Prediction]:
        for query in queries:
            self._check(query)
        paths = list(dict.fromkeys(query.image for query in queries))
        boxes = [Letterbox(image.size_hw, self.model.config.image_size) for image in paths]
        pixels = torch.stack([image.seen(self.see) for image in paths]).contiguous(memory_format=torch.channels_last)
        if self.model.device.type == "cuda":
            pixels = pixels.pin_memory()
        turns = [
            turn_in(self.model.config.grammar, q.prompt, commanded(q.wants, q.regime), len(q.regions)) for q in queries
        ]
        prompts = [
            self._prompt(query, turn, paths.index(query.image), boxes[paths.index(query.image)])
            for query, turn in zip(queries, turns, strict=True)
        ]
        batch = generate(self.model, self.tokenizer, pixels, prompts, self.constrain, choosing)
        return [
            self._prediction(query, turns[row], batch, batch.answers[row], boxes[prompts[row].image])
            for row, query in enumerate(queries)
        ]

    def see(self, image: ImageRef) -> torch.Tensor:
        """Preprocess a photo for this checkpoint: float [3, S, S], normalised. A run may do it ahead, in a thread.

        Raises:
            DataError: it cannot be read.
        """
        how = self.model.config.pixels
        square = Letterbox(image.size_hw, self.model.config.image_size).paste(image.open_rgb(), how.pad)
        return normalise(square, how)

    def _check(self, query: Query) -> None:
        """Refuse what this checkpoint has no part for."""
        known = self.units
        prompted = bool(query.regions) and self.model.region_encoder is None
        if prompted or query.wants not in known:
            what = "visual prompts" if prompted else f"unit '{query.wants}'"
            raise ModelError(f"{query.sample_id}: this model answers {', '.join(known)}; it takes no {what}")

    def _prompt(self, query: Query, turn: str, image: int, letterbox: Letterbox) -> Prompt:
        room = self.model.config.max_new_tokens
        if query.max_new_tokens is not None:  # the limit is one of words; the frame of the shortest answer comes on top
            frame = vocabulary(self.tokenizer, self.model.units, self.model.config.grammar).least_room
            room = min(room, query.max_new_tokens + frame)
        ids = self.tokenizer.encode(turn)
        if not query.regions:
            return Prompt(image, tuple(ids), room=room)
        assert self.model.config.regions is not None
        masks, kinds = stack([(region, letterbox) for region in query.regions])
        spread = spread_regions(ids, self.tokenizer.ids[REGION], self.model.config.regions.tokens)
        return Prompt(image, spread, tuple(masks), tuple(kinds.tolist()), room)

    def _prediction(
        self, query: Query, turn: str, batch: GeneratedBatch, answer: Generated, letterbox: Letterbox
    ) -> Prediction:
        if problem := fault(answer, self.model.config.grammar):
            return Prediction(query.sample_id, "parse_error", answer.text, turn, (), problem)
        groups, depth = decoded(self.model, self.tokenizer, batch, answer, letterbox, query.categories)
        text = spoken_text(read(answer.text, self.model.config.grammar)) if query.wants == "text" else answer.text
        return Prediction(query.sample_id, "ok", text, turn, groups, depth=depth)
