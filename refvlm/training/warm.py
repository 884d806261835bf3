"""Starts a training stage from the checkpoint of an earlier one: same weights, more parts, more words."""

from pathlib import Path

import torch

from benchmarks.errors import ConfigError
from refvlm import checkpoint
from refvlm.convert.start import fill
from refvlm.convert.write import REPORT
from refvlm.model import RefVLM
from refvlm.tokenizer import Tokenizer, WordTokenizer

_EMBEDDINGS = "llm.model.embed_tokens.weight"


@torch.no_grad()
def start_from(model: RefVLM, tokenizer: Tokenizer, folder: Path) -> list[str]:
    """Copy the weights of a checkpoint into a model; embeddings go by word where the vocabulary is of words.

    Args:
        model: fresh; parts that the checkpoint lacks stay as they are.
        tokenizer: the model's own.
        folder: the checkpoint, or what `refbench convert` wrote, which has the model's own words.

    Returns:
        Names of the weights that start fresh, and `word …` for every word that does.

    Raises:
        ModelError: the checkpoint is missing or damaged.
        ConfigError: it holds a weight of another shape, or one that the model has no place for.
    """
    if (folder / REPORT).is_file() or not isinstance(tokenizer, WordTokenizer):
        return [name for name in fill(model, folder) if name not in checkpoint.tied(model)]
    before, words = checkpoint.load(folder)
    if not isinstance(words, WordTokenizer):
        raise ConfigError(f"{folder} has a tokenizer of sub-words: name {folder} as tokenizer, too")
    own, given = model.state_dict(), before.state_dict()
    for name in _EMBEDDINGS, "llm.lm_head.weight":
        given.pop(name, None)
    for name, value in given.items():
        if name not in own or own[name].shape != value.shape:
            place = list(own[name].shape) if name in own else "no place"
            raise ConfigError(f"{folder}: {name} is {list(value.shape)} the model has {place} for it: adapt the sizes")
        own[name].copy_(value)
    table = before.llm.model.embed_tokens.weight
    for token, row in tokenizer.ids.items():
        if token in words.ids:
            own[_EMBEDDINGS][row].copy_(table[words.ids[token]])
    fresh = sorted(own.keys() - given.keys() - {_EMBEDDINGS, "llm.lm_head.weight"})
    return [*fresh, *(f"word {token!r}" for token in tokenizer.tokens if token not in words.ids)]
