"""How a stage of a transfer starts: its words, its language model, its visual prompt generator, its projector."""

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import torch
from torch import nn

from benchmarks.errors import ConfigError
from refvlm import checkpoint
from refvlm.model import RefVLM
from refvlm.predictor import BUNDLED as BUNDLED_FOLDER
from refvlm.tokenizer import Tokenizer, WordTokenizer
from refvlm.training.vocabulary import build_tokenizer, find_tokenizer
from refvlm.transfer.config import BUNDLED, TransferConfig
from refvlm.transfer.converter import caption_words, converter, merge

if TYPE_CHECKING:
    from refvlm.training.config import TrainConfig

_PROJECTOR = "projector."


def words_of(config: "TrainConfig") -> Tokenizer:
    """The tokenizer of a stage: that of the language model it takes, else the one its file names or makes.

    Raises:
        ConfigError: the folder of the language model is not there.
        ModelError: a folder holds none.
    """
    section = config.transfer
    if section is not None and section.llm:
        return find_tokenizer(str(_there(section.llm, "llm")), config.model.grammar)
    if section is None or not section.word_order or config.tokenizer:
        return find_tokenizer(config.tokenizer, config.model.grammar)
    tokens = list(build_tokenizer(config.model.grammar).tokens)
    Random(section.word_order).shuffle(tokens)
    return WordTokenizer(tokens)


def start_transfer(model: RefVLM, tokenizer: Tokenizer, section: TransferConfig) -> None:
    """Take over what a stage names; the rest of the model keeps its fresh start.

    Args:
        model: fresh.
        tokenizer: the model's own.
        section: what is named.

    Raises:
        ConfigError: sizes differ, or the projector cannot be converted.
        ModelError: a checkpoint is missing or damaged.
    """
    if section.llm:
        giver = checkpoint.load(_there(section.llm, "llm"))[0]
        _copy(giver.llm, model.llm, section.llm, "language model")
    if not section.generator:
        return
    source, words = checkpoint.load(_there(section.generator, "generator"))
    _copy(source.vision, model.vision, section.generator, "vision part", leave=_PROJECTOR)
    if section.projector == "converted":
        tables = [each.llm.model.embed_tokens.weight.detach() for each in (source, model)]
        map_ = converter(tables[0], words, tables[1], tokenizer, caption_words())
        merge(model.vision.projector, source.vision.projector, map_)


def _there(folder: str, key: str) -> Path:
    if folder == BUNDLED:
        return BUNDLED_FOLDER
    if not Path(folder).is_dir():
        raise ConfigError(f"transfer.{key}: {folder} is not there: train the stage before it, or correct the name")
    return Path(folder)


@torch.no_grad()
def _copy(source: nn.Module, into: nn.Module, folder: str, what: str, leave: str = "-") -> None:
    """Copy all weights but those whose names start with `leave`; both modules have the same ones."""
    given, own = source.state_dict(), into.state_dict()
    wanted = {name: value for name, value in own.items() if not name.startswith(leave)}
    for name in sorted(wanted.keys() | {name for name in given if not name.startswith(leave)}):
        if name not in given or name not in wanted or given[name].shape != wanted[name].shape:
            shapes = [list(each[name].shape) if name in each else "nothing" for each in (given, wanted)]
            raise ConfigError(
                f"transfer: the {what} of {folder} has {shapes[0]} as {name}, this model {shapes[1]}: adapt the sizes"
            )
        wanted[name].copy_(given[name])
