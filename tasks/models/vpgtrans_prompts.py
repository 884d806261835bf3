"""Token ids that VPGTrans' models see: where the visual tokens stand, and what is said around them.

One builder for all of it: the authors' own code builds the chat in two ways, of which one puts the token of beginning
into the middle. Only the tokenizer's plain `__call__` is used, which keeps no state.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.errors import ModelError
from benchmarks.schema import Query
from tasks.models.vpgtrans_preset import Decoding, VpgTransPreset

_DROPPED = re.compile(r"[.!\"()*#:;~]")
_MOST_WORDS = 50
_BEFORE, _BEHIND, _END = "###Human: <Img>", "</Img> ", " ###Assistant: "
_NEWLINES = ("<0x0A>", "\n", "Ċ")
"""The line end as tokenizers spell it: a byte of sentencepiece, itself, and a byte of GPT-2's alphabet."""


def clean(question: str) -> str:
    """Write a question as LAVIS' question processor does."""
    words = _DROPPED.sub("", question.lower()).rstrip(" ").split(" ")
    return " ".join(words[:_MOST_WORDS])


def words_for(query: Query, preset: VpgTransPreset) -> str:
    """What the model is told about one image; empty where it is told nothing."""
    question = clean(query.question) if preset.clean_question else query.question
    wording = preset.question if query.question else preset.caption
    return wording.replace("{prompt}", query.prompt).replace("{question}", question)


def decoding_for(query: Query, preset: VpgTransPreset) -> Decoding:
    """How the answer is searched for, within the task's limit."""
    chosen = preset.answer if query.question else preset.describe
    if query.max_new_tokens is None or query.max_new_tokens >= chosen.max_new_tokens:
        return chosen
    fewer = {"max_new_tokens": query.max_new_tokens, "min_new_tokens": min(chosen.min_new_tokens, query.max_new_tokens)}
    return chosen.model_copy(update=fewer)


def shown(words: str, preset: VpgTransPreset) -> str:
    """The whole text for the record, with `<image>` where the visual tokens stand."""
    return f"{_BEFORE}<image>{_BEHIND}{words}{_END}" if preset.layout == "chat" else f"<image>{words}"


@dataclass(frozen=True)
class Spelling:
    """How one tokenizer spells what surrounds the words.

    Attributes:
        tokenizer: of the language model.
        preset: layout and number of visual tokens.
        image: id that holds the places of the visual tokens; no words may have it.
        stops: ids that end an answer.
    """

    tokenizer: Any
    preset: VpgTransPreset
    image: int
    stops: tuple[int, ...]

    def ids(self, words: str) -> list[int]:
        """Spell one prompt: int [L], with the visual tokens' places in it.

        Raises:
            ModelError: the words hold the id of those places.
        """
        places = [self.image] * self.preset.qformer_sizes.queries
        begin = [self.tokenizer.bos_token_id]
        if self.preset.layout == "chat":
            row = [*begin, *self._plain(_BEFORE), *places, *self._plain(f"{_BEHIND}{words}{_END}")]
        else:
            row = [*places, *begin, *self._plain(words)]
        if row.count(self.image) != len(places):
            raise ModelError(
                f"the prompt '{words}' has a token that holds the place of visual tokens (id {self.image}): the "
                "tokenizer does not know some of its characters"
            )
        return row

    def _plain(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False).input_ids) if text else []

    def padded(self, rows: Sequence[Sequence[int]]) -> tuple[list[list[int]], list[list[int]]]:
        """Pad whole sequences on the left, never between visual tokens and words: ids and mask, [B, L] each."""
        most = max(len(row) for row in rows)
        filler = self.stops[0]
        ids = [[filler] * (most - len(row)) + list(row) for row in rows]
        return ids, [[0] * (most - len(row)) + [1] * len(row) for row in rows]

    def answer(self, ids: Sequence[int]) -> str:
        """Read an answer: everything before the stop text, without special tokens and outer spaces."""
        kept = next((place for place, token in enumerate(ids) if token in self.stops), len(ids))
        text = str(self.tokenizer.decode(list(ids)[:kept], skip_special_tokens=True))
        return text.partition(self.preset.stop)[0].strip()


def spelling(tokenizer: Any, preset: VpgTransPreset, folder: object) -> Spelling:
    """Look up the ids by their names, never by number.

    Args:
        tokenizer: of the language model.
        preset: what is to be spelled.
        folder: of the tokenizer, for error texts.

    Raises:
        ModelError: the tokenizer lacks one of them.
    """
    vocabulary = tokenizer.get_vocab()
    named = {"unk_token": tokenizer.unk_token_id, "bos_token": tokenizer.bos_token_id}
    stops = [tokenizer.eos_token_id] if preset.layout == "chat" else []
    if preset.stop == "\n":
        stops += [vocabulary[name] for name in _NEWLINES if name in vocabulary][:1] or [None]
    named |= {"eos_token or a line end": stops[0] if None not in stops else None}
    if lacking := [name for name, value in named.items() if value is None]:
        raise ModelError(f"the tokenizer of {folder} has no {lacking[0]}: take the folder of a Llama model")
    return Spelling(tokenizer, preset, int(tokenizer.unk_token_id), tuple(dict.fromkeys(stops)))
