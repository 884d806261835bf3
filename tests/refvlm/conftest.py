"""A model of a few thousand weights, and a script in place of its language head, so that any answer can be forced."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from refvlm.config import DecoderConfig, EncoderConfig, LlmConfig, RefVLMConfig, TrunkConfig
from refvlm.model import RefVLM
from refvlm.tokenizer import WordTokenizer
from refvlm.training.vocabulary import build_tokenizer

torch.set_num_threads(1)  # operators this small lose more by sharing than they gain


class Script(nn.Module):
    """Says what followed the known state that is nearest to the one it is asked about, in whatever order it is asked.

    States of other tokens differ by far more than those of one token that are computed in another batch.
    """

    def __init__(self, states: Tensor, following: Sequence[int], vocabulary: int) -> None:
        super().__init__()
        self.states, self.following, self.vocabulary = states, torch.tensor(following), vocabulary

    @classmethod
    def teach(
        cls, model: RefVLM, pixels: Tensor, prompts: Sequence[Sequence[int]], answers: Sequence[Sequence[int]]
    ) -> "Script":
        """Force the answers, token ids with their end, to the prompts about pictures float [Q, 3, S, S]."""
        known, following = [], list[int]()
        with torch.inference_mode():
            images = model.read_images(model.vision(pixels).tokens)
            for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
                ids = torch.tensor([*prompt, *answer[:-1]])[None]
                states = model.states(images, torch.tensor([row]), model.embed(ids))[0]
                known.append(states[len(prompt) - 1 :])
                following += answer
        return cls(torch.cat(known), following, model.config.vocab_size)

    def forward(self, states: Tensor) -> Tensor:
        nearest = torch.cdist(states.float(), self.states.float()).argmin(1)
        return torch.nn.functional.one_hot(self.following[nearest], self.vocabulary) * 20.0


@pytest.fixture
def tokenizer() -> WordTokenizer:
    return build_tokenizer()


@pytest.fixture
def nano_config(tokenizer: WordTokenizer) -> RefVLMConfig:
    return RefVLMConfig(
        vocab_size=len(tokenizer),
        image_size=64,
        trunk=TrunkConfig(stem_width=8, widths=(8, 8, 16, 16)),
        encoder=EncoderConfig(width=16, layers=1, heads=2, mlp_width=32),
        llm=LlmConfig(width=32, layers=2, heads=2, mlp_width=48),
        decoder=DecoderConfig(width=16, layers=1, heads=2, mlp_width=32, pixel_width=8, window=3),
        max_new_tokens=60,
    )


@pytest.fixture
def nano(nano_config: RefVLMConfig) -> RefVLM:
    torch.manual_seed(0)
    return RefVLM(nano_config).eval()


@pytest.fixture
def script() -> type[Script]:
    return Script
