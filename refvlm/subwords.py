"""The tokenizer of a pre-trained language model behind the same interface: Llama's, or any other of Hugging Face.

Whatever such a tokenizer does to text as a whole (a space put in front, a token of beginning) is switched off, and
text is cut where the grammar has its seams, so that each part is always spelled alike: what training encodes is what
constrained decoding allows, and `decode(encode(text)) == text`.
"""

import copy
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from tokenizers import AddedToken
from tokenizers import Tokenizer as Backend

from benchmarks.errors import ModelError
from refvlm.spelling import Marks, Spelled, Vocabulary, Words
from refvlm.tokenizer import EOS, PAD, REGION, UNKNOWN
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
    Text,
    Triplet,
    answer_for,
    render,
)

MOST_INSTANCES = 100
"""Instances of a phrase, and phrases of an answer, at most: the published number of queries."""
LONGEST_PHRASE = 60
"""Tokens of a phrase at most."""
_LINE_END = "\n"
_WHOLE = re.compile("(" + "|".join(map(re.escape, (*SPECIAL_TOKENS, REGION))) + ")")
_FIELDS = (FLAG_TRUE, FLAG_FALSE, NAME_FIELD, f" {UNIT_FIELD}", f" {COUNT_FIELD}")
_SEAM = re.compile("(" + "|".join(map(re.escape, (_LINE_END, *_FIELDS))) + r"|\[\d+\])")
_PLAIN_BYTE = re.compile("<0x[0-7][0-9A-F]>")
_FRAMING = frozenset(":<>()[]")
"""Characters that frame the grammar and never stand in a phrase."""
_PROBE = render(answer_for((Text("A photo of "), Triplet("two red cats", "mask", 12), Text(" and more, 3 in all."))))


class SubwordTokenizer:
    """A tokenizer of the `tokenizers` library with the ten tokens of the grammar.

    A visual prompt stands in the text as `<region>` and takes the id of `<VRT>`, which the grammar keeps for it, so
    that the vocabulary grows by the published ten.
    """

    def __init__(self, backend: Backend, end: str, pad: str) -> None:
        """Take a tokenizer.

        Args:
            backend: is copied; the tokens of the grammar are added where they are missing.
            end: its token that ends an answer.
            pad: its token for padding; the unknown token will do.

        Raises:
            ModelError: `end` or `pad` is no token, or text does not come back from it as it was.
        """
        self._end, self._pad = end, pad
        self._backend = _as_written(backend)
        self._backend.add_special_tokens([AddedToken(token, normalized=False) for token in SPECIAL_TOKENS])
        known: dict[str, int] = self._backend.get_vocab(with_added_tokens=True)
        if end not in known or pad not in known:
            raise ModelError(f"the tokenizer has no token {end!r} or {pad!r}: name its own tokens of end and padding")
        self._size = 1 + max(known.values())
        self.special_ids = {token: known[token] for token in SPECIAL_TOKENS}
        self.ids: Mapping[str, int] = {
            **self.special_ids, EOS: known[end], PAD: known[pad], REGION: self.special_ids["<VRT>"]
        }  # fmt: skip
        self._names = {i: token for token, i in self.special_ids.items()}
        self._vocabularies: dict[tuple[str, ...], Vocabulary] = {}
        if (back := self.decode(self.encode(_PROBE))) != _PROBE:
            raise ModelError(f"this tokenizer changes text: {_PROBE!r} comes back as {back!r}; take one like Llama's")

    @classmethod
    def from_pretrained(cls, folder: Path) -> "SubwordTokenizer":
        """Read the tokenizer of a language model's folder, such as Vicuna's.

        Raises:
            ModelError: the folder holds none, it is not one of the `tokenizers` library, or text changes in it.
        """
        from transformers import AutoTokenizer

        try:
            found = AutoTokenizer.from_pretrained(folder, local_files_only=True)
            backend = found.backend_tokenizer
        except (OSError, ValueError, AttributeError) as error:
            raise ModelError(f"{folder} holds no tokenizer that can be read ({str(error).splitlines()[0]})") from None
        return cls(backend, found.eos_token, found.pad_token or found.unk_token or found.eos_token)

    @classmethod
    def load(cls, path: Path) -> "SubwordTokenizer":
        """Read what `save` wrote.

        Raises:
            ModelError: the file is missing or holds something else.
        """
        try:
            content: Any = json.loads(path.read_text(encoding="utf-8"))
            backend = Backend.from_str(json.dumps(content["subwords"]))
            return cls(backend, content["end"], content["pad"])
        except ModelError:
            raise
        except Exception as error:  # the library raises bare exceptions
            raise ModelError(
                f"{path} is no tokenizer of refbench ({error}): copy the checkpoint folder again"
            ) from None

    def save(self, path: Path) -> None:
        """Write the tokenizer as JSON, the library's own format under `subwords`."""
        content = {"subwords": json.loads(self._backend.to_str()), "end": self._end, "pad": self._pad}
        path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")

    def __len__(self) -> int:
        """One more than the largest id: some vocabularies leave ids out."""
        return self._size

    def encode(self, text: str) -> list[int]:
        """Turn text into ids, part by part."""
        out: list[int] = []
        before = ""
        for part in _WHOLE.split(text):
            if part in self.ids:
                out.append(self.ids[part])
            else:
                out += [i for piece in _pieces(part, behind_ref=before == REF) for i in self._spell(piece)]
            before = part or before
        return out

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids into text, leaving out padding and everything from the end token on."""
        text, run = "", list[int]()
        for i in ids:
            if i == self.ids[EOS]:
                break
            if i == self.ids[PAD]:
                continue
            name = self._names.get(i, UNKNOWN if i == self._unknown else None)
            if name is None:
                run.append(i)
                continue
            text += self._backend.decode(run, skip_special_tokens=False) + name
            run = []
        return text + str(self._backend.decode(run, skip_special_tokens=False))

    @cached_property
    def _unknown(self) -> int | None:
        """Id of the token for what cannot be spelled, if there is one."""
        model = json.loads(self._backend.to_str())["model"]
        named: str | None = model.get("unk_token")
        found: int | None = model.get("unk_id") if named is None else self._backend.token_to_id(named)
        return found

    def _spell(self, piece: str) -> Spelled:
        return tuple(self._backend.encode(piece, add_special_tokens=False).ids)

    def _say(self, phrase: Sequence[int]) -> str:
        """Words of a phrase of the plan, whose first token begins with a space."""
        return self.decode(phrase).removeprefix(" ")

    def vocabulary(self, units: Sequence[str]) -> Vocabulary:
        """How it spells the grammar; reading all its tokens takes a moment, so that it is done once."""
        names = tuple(unit for unit in units if unit != "text")
        if names not in self._vocabularies:
            self._vocabularies[names] = self._read(names)
        return self._vocabularies[names]

    def _read(self, units: tuple[str, ...]) -> Vocabulary:
        special, line_end = self.special_ids, self._spell(_LINE_END)
        unit_field = self._spell(f" {UNIT_FIELD}")
        words, longest = self._words(unit_field[0])
        return Vocabulary(
            size=len(self),
            pad=self.ids[PAD],
            end=self.ids[EOS],
            words=words,
            opening=(special[TASK], *line_end),
            closing=(special[TASK_END], *line_end),
            flags=(self._spell(FLAG_TRUE) + line_end, self._spell(FLAG_FALSE) + line_end),
            item=self._spell(NAME_FIELD),
            unit_field=unit_field,
            count_field=self._spell(f" {COUNT_FIELD}"),
            units={unit: (self._spell(f" {unit}"), self._spell(unit)) for unit in units},
            counts=tuple(self._spell(f" {count}") + line_end for count in range(1, MOST_INSTANCES + 1)),
            indices=tuple(self._spell(f"[{i}]") for i in range(MOST_INSTANCES)),
            marks=Marks(
                special[PHRASE], (special[PHRASE_END], *self._spell("("), special[UNIT]), special[UNIT_END],
                special[REF], self._spell(")"),
            ),
            spell=lambda phrase: tuple(self.encode(self._say(phrase))),
            say=self._say,
            encode=lambda words: tuple(self.encode(words)),
            # no spelling has more tokens than bytes; a lone space may come before the word
            most=lambda phrase: len(self.decode(phrase).encode()) + longest + 1,
            longest_phrase=LONGEST_PHRASE,
        )  # fmt: skip

    def _words(self, end_of_phrase: int) -> tuple[Words, int]:
        """Sort all tokens by what they may do; also bytes of the longest that a phrase may hold."""
        control = {*self._backend.get_added_tokens_decoder(), self._unknown, *self.ids.values()}
        texts = self._backend.decode_batch([[i] for i in range(len(self))], skip_special_tokens=False)
        plain = [text if i not in control and "<" not in text else "" for i, text in enumerate(texts)]
        bare = [text.removeprefix(" ") for text in plain]
        # a byte of plain text is lost where it stands beside half a character, and such text has tokens of its own
        lossy = {i for token, i in self._backend.get_vocab().items() if _PLAIN_BYTE.fullmatch(token)}
        fits = [i not in lossy and _fits_phrase(text) for i, text in enumerate(bare)]
        starts = [fit and text[0].isalnum() for fit, text in zip(fits, bare, strict=True)]
        spaced = [text.startswith(" ") for text in plain]
        gaps = torch.tensor([text == " " and i not in lossy for i, text in enumerate(plain)])
        word, joined = torch.tensor(starts), torch.tensor(spaced)
        inner = torch.tensor(fits) & (~joined | word) | gaps
        inner[end_of_phrase] = False
        longest = max((len(text.encode()) for text, fit in zip(plain, fits, strict=True) if fit), default=1)
        text = torch.tensor([bool(text) for text in plain])
        return Words(text, word & joined | gaps, inner, word & ~joined, gaps), longest


def _pieces(text: str, behind_ref: bool) -> list[str]:
    """Cut text that holds no whole token at the seams of the grammar."""
    closed = [")"] if behind_ref and text.startswith(")") else []
    return [*closed, *(piece for piece in _SEAM.split(text[len(closed) :]) if piece)]


def _fits_phrase(text: str) -> bool:
    """Whether a token's text, without the space before it, may stand in a phrase."""
    return bool(text) and text.isprintable() and not any(c.isspace() or c in _FRAMING for c in text)


def _as_written(backend: Backend) -> Backend:
    """Copy a tokenizer without what it does at the ends of a text: a space in front, tokens of beginning."""
    content: dict[str, Any] = copy.deepcopy(json.loads(backend.to_str()))
    content["post_processor"] = content["truncation"] = content["padding"] = None
    for part in ("normalizer", "pre_tokenizer", "decoder"):
        content[part] = _within(content[part])
    return Backend.from_str(json.dumps(content))


def _within(step: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a step of a tokenizer does inside a text."""
    if step is None or step["type"] in ("Prepend", "Strip"):
        return None
    changed = dict(step)
    for name in ("normalizers", "pretokenizers", "decoders"):
        if name in step:
            changed[name] = [inner for each in step[name] if (inner := _within(each)) is not None]
    if "prepend_scheme" in step:
        changed["prepend_scheme"] = "never"
    if "add_prefix_space" in step:
        changed["add_prefix_space"] = False
    return changed
