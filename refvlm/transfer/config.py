"""The section `transfer` of a training file."""

from typing import Literal, Self

from pydantic import model_validator

from refvlm.config import Strict

BUNDLED = "bundled"


class TransferConfig(Strict):
    """What a stage takes from two models: a language model from one, the visual prompt generator from the other.

    Attributes:
        llm: folder of a checkpoint whose language model and words are used, relative to the working folder, or
            `bundled`; empty for a fresh one.
        generator: folder of a checkpoint whose vision part is used, or `bundled`; empty for a fresh one.
        projector: how the last layer into the language model starts: at random, or as the generator's own behind a word
            converter, see `refvlm.transfer.converter`.
        read_words: the language model learns alone, from scenes whose image tokens are words: each is the sum of the
            embeddings of what lies there.
        word_order: other than 0 draws another order of the fresh language model's vocabulary.
    """

    llm: str = ""
    generator: str = ""
    projector: Literal["fresh", "converted"] = "fresh"
    read_words: bool = False
    word_order: int = 0

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if self.projector == "converted" and not (self.llm and self.generator):
            raise ValueError("projector converted needs llm, and as generator a model with a language model of its own")
        if self.read_words and (self.llm or self.generator):
            raise ValueError("read_words makes a fresh language model: leave llm and generator out")
        if self.word_order and self.llm:
            raise ValueError("word_order is for a fresh language model: leave llm out")
        return self
