"""The word converter of VPGTrans (arXiv 2305.01278, section on projector initialisation).

A linear map g(x) = W x + b takes word embeddings of the source language model to those of the target, and what the
source's projector says is a word as far as that model can tell: f_t(x) = g(f_s(x)) speaks to the target. With the last
layer of the projector f_s(x) = W_s h + b_s that is W_t = W W_s, b_t = W b_s + b.

Departures: pairs are the words that both know, not places in captions of equal length, which for vocabularies of whole
words are the same pairs; the map is the least-squares one (the paper finds no significant difference between Euclidean
and cosine distance), of the smallest norm where several fit, so nothing is to be tuned and directions that no word has
are passed over.
"""

import re
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.errors import ConfigError
from benchmarks.world.captions import references
from benchmarks.world.scenes import generate
from refvlm.tokenizer import Tokenizer

_WORDS = re.compile(r"\w+")
_SCENES = 48
"""Scenes whose captions name all words that captions have."""


@dataclass(frozen=True)
class Converter:
    """The map: `weight` float [T, S] and `bias` float [T], from S to T channels."""

    weight: Tensor
    bias: Tensor

    def __call__(self, words: Tensor) -> Tensor:
        """Convert: float [..., S] -> [..., T]."""
        return nn.functional.linear(words, self.weight, self.bias)


def caption_words(seed: int = 0) -> list[str]:
    """The words of captions of training scenes, sorted."""
    texts = (
        text
        for index in range(_SCENES)
        for text in references(generate(seed, "train", index), np.random.default_rng([seed, 80, index]))
    )
    return sorted({word for text in texts for word in _WORDS.findall(text.lower())})


def fit(source: Tensor, target: Tensor) -> Converter:
    """Fit the map from embeddings [V, S] to those of the same words [V, T], by least squares in float64."""
    centre, wanted = source.double().mean(0), target.double().mean(0)
    weight = torch.linalg.lstsq(source.double() - centre, target.double() - wanted, driver="gelsd").solution.T
    return Converter(weight.float(), (wanted - weight @ centre).float())


def converter(source: Tensor, own: Tokenizer, target: Tensor, theirs: Tokenizer, words: list[str]) -> Converter:
    """Fit the map on the words that both know.

    Args:
        source, target: float [V, S] and [V', T], tables of embeddings.
        own, theirs: their tokenizers.
        words: candidates.

    Raises:
        ConfigError: they share too few to say anything.
    """
    shared = [word for word in words if word in own.ids and word in theirs.ids]
    if len(shared) < 2:
        raise ConfigError(f"the two language models share {len(shared)} of {len(words)} words: no converter can be fit")
    return fit(source[[own.ids[word] for word in shared]], target[[theirs.ids[word] for word in shared]])


@torch.no_grad()
def merge(into: nn.Sequential, source: nn.Sequential, map_: Converter) -> None:
    """Start a projector as another one behind a converter: the same function, whatever the image.

    Both are Linear, GELU, Linear. Where the target's inner layer is wider, its further units start unheard.

    Args:
        into: projector of the target, T channels out; its weights are written.
        source: projector of the source, S channels out.
        map_: from S to T.

    Raises:
        ConfigError: the target is narrower, so that the source's inner units have no place.
    """
    (first, last), (given, closing) = _layers(into), _layers(source)
    units = len(given.weight)
    if units > len(first.weight) or given.weight.shape[1] != first.weight.shape[1]:
        raise ConfigError(
            f"the projector is {list(given.weight.shape)} in the source and {list(first.weight.shape)} in the target: "
            "a converted projector needs the same vision sizes and a language model at least as wide"
        )
    first.weight[:units], first.bias[:units] = given.weight, given.bias
    last.weight.zero_()
    last.weight[:, :units] = map_.weight @ closing.weight
    last.bias.copy_(map_(closing.bias))


def _layers(projector: nn.Sequential) -> list[nn.Linear]:
    layers = [each for each in projector if isinstance(each, nn.Linear)]
    assert len(layers) == 2, f"a projector has two layers, not {len(layers)}"
    return layers
