"""What `generate` of the transformers model understands, and how it is turned into a way of choosing tokens."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal, Self

import torch
from pydantic import ConfigDict, Field, ValidationError, model_validator
from torch import Tensor

from benchmarks.errors import ConfigError
from refvlm.choosing import Choosing, Sampling
from refvlm.config import Size, Strict, complaint

INPUTS = frozenset(
    {"pixel_values", "input_ids", "attention_mask", "image_index", "image_sizes", "prompt_masks", "prompt_kinds",
     "prompt_text"}
)  # fmt: skip
"""What the processor returns."""
_OF_DRAWING: frozenset[str] = frozenset({"temperature", "top_p", "top_k", "seed"})


class GenerateOptions(Strict):
    """Options of `generate`, by the names that transformers gives them.

    Attributes:
        max_new_tokens: most tokens of an answer; None for the model's own limit.
        constrain: keep every answer within the grammar.
        do_sample: draw tokens; temperature, top_p, top_k and seed need it.
        seed: None draws one from torch's own generator, so that `torch.manual_seed` rules.
        num_return_sequences: answers to each text; more than one need `do_sample`.
        streamer: has `put(ids)` and `end()`, as `transformers.TextStreamer`; for one answer.
        stopping_criteria: (ids of prompt and answer, log probabilities) -> which rows shall stop, bool [Q], or whether
            all shall; transformers' `StoppingCriteriaList` is one. A stopped answer counts as cut.
        num_beams, use_cache: only these values: a box has one reading, and there is always a cache.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    max_new_tokens: Size | None = None
    constrain: bool = True
    do_sample: bool = False
    temperature: Annotated[float, Field(gt=0)] = 1.0
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    top_k: Annotated[int, Field(ge=0)] = 0
    seed: int | None = None
    num_return_sequences: Size = 1
    streamer: Any = None
    stopping_criteria: Callable[..., Any] | None = None
    num_beams: Literal[1] = 1
    use_cache: Literal[True] = True

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        drawn = [name for name in sorted(_OF_DRAWING) if name in self.model_fields_set]
        if self.num_return_sequences > 1:
            drawn.append("num_return_sequences")
        if drawn and not self.do_sample:
            raise ValueError(f"{', '.join(drawn)} changes nothing without do_sample=True: greedy answers are all alike")
        return self

    @classmethod
    def read(cls, asked: Mapping[str, Any]) -> Self:
        """Check keyword arguments.

        Raises:
            ConfigError: a name or value that there is not, or some that do not go together.
        """
        try:
            return cls.model_validate(dict(asked))
        except ValidationError as error:
            raise ConfigError(f"generate: {complaint(error, cls)}") from None

    def choosing(self, prompts: Tensor) -> Choosing:
        """Build the way of choosing for prompts, int [Q, L].

        Raises:
            ConfigError: a streamer is to follow several answers.
        """
        if self.streamer is not None and len(prompts) != 1:
            raise ConfigError(f"generate: a streamer follows one answer, not {len(prompts)}: ask one text at a time")
        drawing = Choosing()
        if self.do_sample:
            seed = int(torch.randint(2**62, ())) if self.seed is None else self.seed
            drawing = Sampling(seed, len(prompts), self.temperature, self.top_p, self.top_k)
        if self.streamer is None and self.stopping_criteria is None:
            return drawing
        return _Followed(drawing, self, prompts.cpu())


class _Followed(Choosing):
    """A way of choosing with a streamer and stopping criteria beside it."""

    in_step = True

    def __init__(self, drawing: Choosing, options: GenerateOptions, ids: Tensor) -> None:
        self._drawing, self._streamer, self._criteria = drawing, options.streamer, options.stopping_criteria
        self._ids = ids
        self._scores: Tensor | None = None
        if self._streamer is not None:
            self._streamer.put(ids)

    def pick(self, log_probabilities: Tensor) -> Tensor:
        self._scores = log_probabilities if self._criteria is not None else None
        return self._drawing.pick(log_probabilities)

    def hear(self, tokens: Tensor) -> None:
        if self._criteria is not None:
            self._ids = torch.cat([self._ids, tokens.cpu()[:, None]], 1)
        if self._streamer is not None:
            self._streamer.put(tokens.cpu())

    def stopped(self) -> list[bool]:
        if self._criteria is None:
            return []
        rows = torch.as_tensor(self._criteria(self._ids, self._scores))
        out: list[bool] = rows.to(torch.bool).expand(len(self._ids)).tolist()
        return out
