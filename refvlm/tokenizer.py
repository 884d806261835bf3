"""What the model asks of a tokenizer, and the word-level one of the tiny preset.

That one knows words, digits, marks and the tokens of the triplet grammar (`refvlm.subwords` has Llama's). Text that
`trp.render` writes survives encoding and decoding when its words are in the vocabulary; an unknown word decodes as "⁇",
as in sentencepiece, so that what the model could not read stays visible.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from benchmarks.errors import ModelError
from refvlm.trp import (
    COUNT_FIELD,
    FLAG_FALSE,
    FLAG_TRUE,
    NAME_FIELD,
    PHRASE,
    PHRASE_END,
    REF,
    SPECIAL_TOKENS,
    TASK,
    TASK_END,
    UNIT,
    UNIT_END,
    UNIT_FIELD,
    UNITS,
)

if TYPE_CHECKING:
    from refvlm.spelling import Vocabulary

PAD, EOS, UNKNOWN, IMAGE, REGION = "<pad>", "</s>", "⁇", "<image>", "<region>"
MAX_INSTANCES = 16
LONGEST_PHRASE = 20
"""Words of a phrase at most."""
_FIELDS = (FLAG_TRUE, FLAG_FALSE, NAME_FIELD, UNIT_FIELD, COUNT_FIELD)
_MARKS = ("\n", "(", ")", ".", ",", "?", ":", "!", "'", "-")
_INDEX_TOKENS = tuple(f"[{i}]" for i in range(MAX_INSTANCES))
_WHOLE = "|".join(re.escape(token) for token in (*SPECIAL_TOKENS, PAD, EOS, IMAGE, REGION, *_FIELDS, *_INDEX_TOKENS))
_PATTERN = re.compile(rf"{_WHOLE}|[^\W_]+|\n|[^\s]")
_GLUED = re.compile(r"</?\w+>|\[\d+\]|\n")
_GLUED_LEFT = frozenset(".,?!:)'")


class Tokenizer(Protocol):
    """Text to ids and back. What `trp.render` writes comes back from `decode(encode(text))` as it was."""

    @property
    def ids(self) -> Mapping[str, int]:
        """Ids of whole tokens: at least PAD, EOS and the TRP tokens, and REGION where there are visual prompts."""

    @property
    def special_ids(self) -> Mapping[str, int]:
        """Ids of the TRP tokens."""

    def __len__(self) -> int:
        """Number of ids."""

    def encode(self, text: str) -> list[int]:
        """Turn text into ids."""

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids into text, leaving out padding and everything from the end token on."""

    def vocabulary(self, units: Sequence[str]) -> "Vocabulary":
        """How it spells the grammar; `units` are those that may be named, "text" is left out."""

    def save(self, path: Path) -> None:
        """Write a file that `load_tokenizer` reads."""


def load_tokenizer(path: Path) -> Tokenizer:
    """Read the tokenizer of a checkpoint, of whichever kind.

    Raises:
        ModelError: the file is missing or holds something else.
    """
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        content = None
    if isinstance(content, dict) and "subwords" in content:
        from refvlm.subwords import SubwordTokenizer

        return SubwordTokenizer.load(path)
    return WordTokenizer.load(path)


class WordTokenizer:
    """Splits text into known tokens; words are lower-cased, other white space than line ends is dropped."""

    def __init__(self, tokens: Sequence[str]) -> None:
        """Take the vocabulary; a token's id is its place in the list."""
        self.tokens = tuple(tokens)
        self.ids = {token: i for i, token in enumerate(self.tokens)}
        self._vocabularies: dict[tuple[str, ...], Vocabulary] = {}
        missing = [token for token in (PAD, EOS, UNKNOWN, IMAGE) if token not in self.ids]
        if missing or len(self.ids) != len(self.tokens):
            raise ModelError(
                f"the vocabulary lacks {missing} or repeats a token: take the tokenizer.json of the checkpoint"
            )

    @classmethod
    def build(cls, words: Iterable[str]) -> "WordTokenizer":
        """Make the vocabulary: control tokens, TRP tokens, plan fields, marks, index tokens, then sorted words."""
        control = (PAD, EOS, UNKNOWN, IMAGE, REGION, *SPECIAL_TOKENS, *_FIELDS, *_MARKS, *_INDEX_TOKENS)
        numbers = tuple(str(i) for i in range(MAX_INSTANCES + 1))
        return cls((*control, *sorted({*UNITS, *numbers, *(word.lower() for word in words)} - set(control))))

    @classmethod
    def load(cls, path: Path) -> "WordTokenizer":
        """Read a vocabulary file.

        Raises:
            ModelError: the file is missing or holds something else.
        """
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            return cls([str(token) for token in content["tokens"]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"{path} is no tokenizer of refbench ({error}): copy the checkpoint folder again"
            ) from None

    def save(self, path: Path) -> None:
        """Write the vocabulary as JSON."""
        path.write_text(json.dumps({"tokens": self.tokens}, ensure_ascii=False, indent=0), encoding="utf-8")

    def __len__(self) -> int:
        """Number of tokens."""
        return len(self.tokens)

    @cached_property
    def special_ids(self) -> dict[str, int]:
        """Ids of the TRP tokens."""
        return {token: self.ids[token] for token in SPECIAL_TOKENS}

    def encode(self, text: str) -> list[int]:
        """Turn text into ids; unknown words become the id of "⁇"."""
        unknown = self.ids[UNKNOWN]
        pieces = _PATTERN.findall(text)
        return [self.ids[piece] if piece in self.ids else self.ids.get(piece.lower(), unknown) for piece in pieces]

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids into text, leaving out padding and everything from the end token on."""
        text = ""
        previous = "\n"
        for i in ids:
            token = self.tokens[i]
            if token == EOS:
                break
            if token == PAD:
                continue
            text += token if _is_glued(token, previous) else f" {token}"
            previous = token
        return text

    def vocabulary(self, units: Sequence[str]) -> "Vocabulary":
        """How it spells the grammar: every part of it is one token; read once."""
        names = tuple(unit for unit in units if unit in self.ids and unit != "text")
        if names not in self._vocabularies:
            self._vocabularies[names] = self._read(names)
        return self._vocabularies[names]

    def _read(self, units: tuple[str, ...]) -> "Vocabulary":
        import torch

        from refvlm.spelling import Marks, Vocabulary, Words

        ids = self.ids
        control = {PAD, EOS, IMAGE, REGION, UNKNOWN, "\n", *SPECIAL_TOKENS, *_FIELDS, *_INDEX_TOKENS}
        plain = [token not in control for token in self.tokens]
        first = [ok and token[0].isalnum() for token, ok in zip(self.tokens, plain, strict=True)]
        inner = [ok and (fit or token in ",'-") for token, ok, fit in zip(self.tokens, plain, first, strict=True)]
        text, begins, goes_on = (torch.tensor(kind) for kind in (plain, first, inner))
        line_end = ids["\n"]
        return Vocabulary(
            size=len(self),
            pad=ids[PAD],
            end=ids[EOS],
            words=Words(text, begins, goes_on, begins, torch.zeros_like(text)),
            opening=(ids[TASK], line_end),
            closing=(ids[TASK_END], line_end),
            flags=((ids[FLAG_TRUE], line_end), (ids[FLAG_FALSE], line_end)),
            item=(ids[NAME_FIELD],),
            unit_field=(ids[UNIT_FIELD],),
            count_field=(ids[COUNT_FIELD],),
            units={unit: ((ids[unit],), (ids[unit],)) for unit in units},
            counts=tuple((ids[str(count)], line_end) for count in range(1, MAX_INSTANCES + 1)),
            indices=tuple((ids[token],) for token in _INDEX_TOKENS),
            marks=Marks(ids[PHRASE], (ids[PHRASE_END], ids["("], ids[UNIT]), ids[UNIT_END], ids[REF], (ids[")"],)),
            spell=tuple,
            say=self.decode,
            encode=lambda words: tuple(self.encode(words)),
            most=lambda phrase: len(phrase) + 1,
            longest_phrase=LONGEST_PHRASE,
        )


def _is_glued(token: str, previous: str) -> bool:
    """Whether no space stands before a token; before a phrase one does, but at the seam of another triplet."""
    if _GLUED.fullmatch(previous) or previous == "(":
        return True
    if token == PHRASE:
        return previous == ")"
    return token in _GLUED_LEFT or token == "(" or _GLUED.fullmatch(token) is not None
