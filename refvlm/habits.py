"""How the answers of a checkpoint usually go on, as it has met them while training: what guesses are made from.

They stand beside the weights and change no answer, only how soon it is there, see `refvlm.drafts`.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.errors import ModelError
from refvlm.fingerprint import HABITS, TOKENIZER

ECHO = -1
"""Stands for whatever the question goes on with behind the same tokens: answers repeat its words."""
REACH = (8, 4, 2, 1)
"""Tokens before a guess that it is made from: the longest that was met before."""
HEAD = 2
"""Tokens at the very beginning of a turn, where its command stands; what comes next depends on them, too."""
_MET = 3
"""How often a beginning must have been met to be kept."""
_ALIKE = 0.05
"""A longer beginning is left out if a shorter one says the same, and is as sure of it but for this."""

Beginning = tuple[int, ...]


@dataclass(frozen=True)
class Habits:
    """What usually comes next.

    Attributes:
        next: beginning, see `beginnings` -> the likeliest token behind them, and its share of all that were met there.
    """

    next: Mapping[Beginning, tuple[int, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, turns: Iterable[tuple[Sequence[int], int]]) -> "Habits":
        """Learn from turns: the tokens of a prompt and its answer, and how many of them are the prompt's."""
        counts: dict[Beginning, Counter[int]] = defaultdict(Counter)
        met: Counter[Beginning] = Counter()
        for ids, start in turns:
            echoes = Echoes(ids[:start])
            for place in range(start, len(ids)):
                said = {ids[place]} | ({ECHO} if echoes.behind(ids[:place]) == ids[place] else set())
                for beginning in beginnings(ids[:HEAD], ids[:place]):
                    met[beginning] += 1
                    counts[beginning].update(said)
        every = {beginning: _likeliest(counts[beginning], count) for beginning, count in met.items() if count >= _MET}
        return cls({beginning: said for beginning, said in every.items() if not _is_known(beginning, said, every)})

    def save(self, folder: Path) -> None:
        """Write them beside the weights: a line for each beginning, its tokens, the next one and its share."""
        lines = [json.dumps([*beginning, token, share]) for beginning, (token, share) in sorted(self.next.items())]
        (folder / HABITS).write_text("[\n" + ",\n".join(lines) + "\n]\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path, words: int) -> "Habits":
        """Read those of a checkpoint whose vocabulary has so many words; none where it has no such file.

        Raises:
            ModelError: the file is damaged, or made for another vocabulary.
        """
        path = folder / HABITS
        if not path.is_file():
            return cls()
        try:
            lines = json.loads(path.read_text(encoding="utf-8"))
            known = {tuple(map(int, each[:-2])): (int(each[-2]), float(each[-1])) for each in lines}
            if any(not ECHO <= token < words for token, _ in known.values()):
                raise ValueError(f"it has tokens beyond the {words} of {TOKENIZER}")
        except (ValueError, OSError, TypeError, IndexError) as error:
            remedy = "copy the checkpoint again, or delete this file: answers come a little later without it"
            raise ModelError(f"{path} cannot be used ({error}): {remedy}") from None
        return cls(known)


def beginnings(head: Sequence[int], before: Sequence[int]) -> Iterator[Beginning]:
    """The first tokens of a turn with its last ones, from the longest reach to the shortest."""
    return ((*head, *before[-reach:]) for reach in REACH if len(before) >= reach)


class Echoes:
    """What a question goes on with behind its own tokens; the last time, where it is not always the same."""

    def __init__(self, question: Sequence[int]) -> None:
        """Take a question apart."""
        self._next = {
            tuple(question[place - reach : place]): question[place]
            for reach in (1, 2)
            for place in range(reach, len(question))
        }

    def behind(self, text: Sequence[int]) -> int | None:
        """What comes behind the last two tokens of a text, or else behind the last."""
        found = self._next.get(tuple(text[-2:]))
        return found if found is not None else self._next.get(tuple(text[-1:]))


def _likeliest(counted: Counter[int], met: int) -> tuple[int, float]:
    token, count = max(counted.items(), key=lambda item: (item[1], -item[0]))
    return token, round(count / met, 3)


def _is_known(beginning: Beginning, said: tuple[int, float], every: Mapping[Beginning, tuple[int, float]]) -> bool:
    """Whether a shorter beginning says nearly the same."""
    shorter = next((every[each] for each in beginnings(beginning[:HEAD], beginning[HEAD + 1 :]) if each in every), None)
    return shorter is not None and shorter[0] == said[0] and abs(shorter[1] - said[1]) <= _ALIKE
