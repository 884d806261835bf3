"""From the open words of an answer to a category of the benchmark: a named step that a task's protocol chooses.

Every mapper takes phrases and the benchmark's category names and returns, for each phrase, the index of a category or
None. A phrase without a category is never dropped in silence: the kinds of task count it, and state what it costs.

| name | maps |
|---|---|
| `exact` | the category's own name; capitals, underscores and runs of spaces do not matter |
| `synonyms` | also other words of `configs/vocabulary`, aliases of a name; no articles, plurals, remarks in brackets |
| `lexical` | also the likeliest category by letters, from a similarity of `LEXICAL_THRESHOLD` on |
| `embedding:FOLDER` | synonyms, then the nearest category by a local sentence-embedding model |

Equal claims go to the category that the benchmark lists first.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from benchmarks.errors import ConfigError, unknown
from tasks import strict_yaml

Mapper = Callable[[Sequence[str], Sequence[str]], list[int | None]]
"""(phrases, category names) -> index of a category or None, for each phrase."""

VOCABULARY = Path(__file__).parents[1] / "configs" / "vocabulary"
EMBEDDING = "embedding:"
LEXICAL_THRESHOLD = 0.7
"""Least Dice coefficient of letter triples that counts as the same word: "motor cycle" passes, "carrot" is no car."""
EMBEDDING_THRESHOLD = 0.6
"""Least cosine similarity of two embeddings that counts as the same thing."""

_ARTICLES = frozenset(("a", "an", "the", "some", "one", "this", "that", "these", "those"))
_PREPOSITIONS = frozenset(
    ("of", "in", "on", "at", "with", "without", "behind", "under", "near", "by", "from", "for", "to", "next",
     "wearing", "holding")
)  # fmt: skip
_IRREGULAR = {
    "people": "person", "men": "man", "women": "woman", "children": "child", "mice": "mouse", "geese": "goose",
    "teeth": "tooth", "feet": "foot", "oxen": "ox", "knives": "knife", "wives": "wife", "leaves": "leaf",
    "loaves": "loaf", "shelves": "shelf", "scarves": "scarf", "calves": "calf", "wolves": "wolf", "buses": "bus",
    "potatoes": "potato", "tomatoes": "tomato", "cookies": "cookie", "movies": "movie", "ties": "tie",
    "skis": "ski", "taxis": "taxi",
}  # fmt: skip


def find(name: str) -> Mapper:
    """Look up a mapper.

    Raises:
        UnknownName: there is none of that name.
        ConfigError: an embedding model was named that cannot be loaded here.
    """
    if name.startswith(EMBEDDING) and name not in _MAPPERS:
        return _embedding(name.removeprefix(EMBEDDING))
    if name not in _MAPPERS:
        raise unknown("phrase mapper", name, (*_MAPPERS, f"{EMBEDDING}FOLDER"))
    return _MAPPERS[name]


def names() -> list[str]:
    """Every registered mapper, in alphabetical order."""
    return sorted(_MAPPERS)


def register(name: str, mapper: Mapper) -> None:
    """Add a mapper of one's own under a name that a task's protocol can use.

    Raises:
        ConfigError: the name is taken.
    """
    if name in _MAPPERS:
        raise ConfigError(f"a phrase mapper is already called '{name}': choose another name")
    _MAPPERS[name] = mapper


def fold(text: str) -> str:
    """Bring names that differ only in capitals, underscores and spaces to one form."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().replace("_", " ").split())


def plain(text: str) -> str:
    """Fold, then remove punctuation, leading articles and the plural of every word."""
    words = re.findall(r"[^\W_]+", fold(text).replace("'s ", " ").replace("’s ", " "))
    while len(words) > 1 and words[0] in _ARTICLES:
        words = words[1:]
    return " ".join(map(singular, words))


def singular(word: str) -> str:
    """Take the plural ending off an English noun, by rule: "glasses" and "glass" both become "glass"."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes", "zzes")):
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def exact(phrases: Sequence[str], categories: Sequence[str]) -> list[int | None]:
    """Map phrases that are a category's name."""
    known = _index(tuple(categories)).exact
    return [known.get(fold(phrase)) for phrase in phrases]


def synonyms(phrases: Sequence[str], categories: Sequence[str]) -> list[int | None]:
    """Map as `exact` does, then by alias, singular and the tables of synonyms."""
    return [_synonym(phrase, _index(tuple(categories))) for phrase in phrases]


def lexical(phrases: Sequence[str], categories: Sequence[str]) -> list[int | None]:
    """Map as `synonyms` does, then by letters: "a large black dog on grass" is read from its noun, which stands last.

    The words up to the first preposition, and every shorter ending of them, are compared with every name; the highest
    Dice coefficient of letter triples wins, then the longer ending, then the category that is listed first.
    """
    index = _index(tuple(categories))
    found = [_synonym(phrase, index) for phrase in phrases]
    return [_nearest(phrase, index) if place is None else place for phrase, place in zip(phrases, found, strict=True)]


_MAPPERS: dict[str, Mapper] = {"exact": exact, "lexical": lexical, "synonyms": synonyms}


class Vocabulary(BaseModel):
    """A file of `configs/vocabulary`: category name -> other names for it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    synonyms: dict[str, list[str]]


class _Index:
    """Names of one benchmark's categories, ready for look-up; the first category to claim a name keeps it."""

    def __init__(self, categories: tuple[str, ...]) -> None:
        self.exact: dict[str, int] = {}
        self.plain: dict[str, int] = {}
        for place, name in enumerate(categories):
            self.exact.setdefault(fold(name), place)
        for name, place in _claims(categories):
            if name:
                self.plain.setdefault(name, place)
        self.triples = [(name, place, _triples(name)) for name, place in self.plain.items()]


def _claims(categories: tuple[str, ...]) -> list[tuple[str, int]]:
    """List (plain name, category): whole names before aliases, and both before synonyms."""
    table = _tables()
    whole = [(plain(name), place) for place, name in enumerate(categories)]
    parts = [(plain(part), place) for place, name in enumerate(categories) for part in _parts(name)]
    others = [(other, place) for place, name in enumerate(categories) for other in table.get(plain(name), ())]
    return whole + parts + others


def _parts(name: str) -> list[str]:
    """Aliases within a name: between commas, and without a remark in brackets, as in LVIS's "bow_(weapon)"."""
    return re.split(r"[,;/]", re.sub(r"\(.*?\)", " ", name))


@lru_cache(maxsize=32)
def _index(categories: tuple[str, ...]) -> _Index:
    return _Index(categories)


@cache
def _tables() -> Mapping[str, tuple[str, ...]]:
    """Plain category name -> plain synonyms, from all files of the vocabulary."""
    found: dict[str, tuple[str, ...]] = {}
    for path in sorted(VOCABULARY.glob("*.yaml")):
        for name, others in strict_yaml.read(path, Vocabulary).synonyms.items():
            found[plain(name)] = found.get(plain(name), ()) + tuple(map(plain, others))
    return found


def _synonym(phrase: str, index: _Index) -> int | None:
    place = index.exact.get(fold(phrase))
    return index.plain.get(plain(phrase)) if place is None else place


def _nearest(phrase: str, index: _Index) -> int | None:
    """Find the category whose name is most alike by letters, None below the threshold."""
    words = plain(phrase).split()
    stop = next((place for place, word in enumerate(words) if word in _PREPOSITIONS and place), len(words))
    best: tuple[float, int, int] | None = None
    for start in range(stop):
        triples = _triples(" ".join(words[start:stop]))
        for _, place, own in index.triples:
            claim = (_dice(triples, own), stop - start, -place)
            if claim[0] >= LEXICAL_THRESHOLD and (best is None or claim > best):
                best = claim
    return None if best is None else -best[2]


def _triples(name: str) -> Counter[str]:
    padded = f"  {name} "
    return Counter(padded[place : place + 3] for place in range(len(padded) - 2))


def _dice(first: Counter[str], second: Counter[str]) -> float:
    return 2 * (first & second).total() / (first.total() + second.total())


def _embedding(folder: str) -> Mapper:
    """Load a sentence-embedding model from a folder."""
    if not Path(folder).is_dir():
        raise ConfigError(f"{EMBEDDING}{folder}: there is no such folder; name that of a sentence-embedding model")
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise ConfigError(
            f"{EMBEDDING}{folder} needs the library sentence-transformers: install it, or use {', '.join(names())}"
        ) from None
    model = SentenceTransformer(folder)
    return by_embedding(lambda texts: model.encode(texts, normalize_embeddings=True))


def by_embedding(encode: Callable[[list[str]], Any], threshold: float = EMBEDDING_THRESHOLD) -> Mapper:
    """Build a mapper from any text encoder: synonyms first, then the category of highest cosine similarity.

    Args:
        encode: texts -> float [N, D], each row of length 1.
        threshold: least cosine similarity that maps a phrase.
    """
    import numpy as np

    def mapper(phrases: Sequence[str], categories: Sequence[str]) -> list[int | None]:
        found = synonyms(phrases, categories)
        open_places = [place for place, known in enumerate(found) if known is None]
        if open_places and categories:
            asked = np.asarray(encode([phrases[place] for place in open_places]))
            for place, row in zip(open_places, asked @ np.asarray(encode(list(categories))).T, strict=True):
                found[place] = int(row.argmax()) if row.max() >= threshold else None
        return found

    return mapper
