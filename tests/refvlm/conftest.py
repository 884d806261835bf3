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
    """Says, row by row, the tokens it was given, whatever the states are."""

    def __init__(self, answers: Sequence[Sequence[int]], vocabulary: int) -> None:
        super().__init__()
        self.answers, self.vocabulary, self.step = answers, vocabulary, 0

    def forward(self, states: Tensor) -> Tensor:
        logits = torch.zeros(len(states), self.vocabulary)
        for row, answer in enumerate(self.answers):
            logits[row, answer[min(self.step, len(answer) - 1)]] = 20.0
        self.step += 1
        return logits


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
