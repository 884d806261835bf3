"""What a model is told to do: banks of wordings, one file each in `configs/prompts`, named by its prompt.

The first wording is the fixed default; the paraphrases ask for the same in other words, for robustness runs
(`--prompt-set`). In a wording `{question}` stands for the annotated expression or question, and `{categories}` for the
names that an answer may use, joined by commas. To add a prompt, add a file.
"""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from benchmarks.errors import ConfigError, unknown
from tasks import strict_yaml

BUILT_IN = Path(__file__).parents[1] / "configs" / "prompts"
DEFAULT, ALL = "default", "all"
_PLACES = re.compile(r"\{question\}|\{categories\}|<region>")
_BRACES = re.compile(r"\{[^{}]*\}")


class Bank(BaseModel):
    """The content of one prompt file.

    Attributes:
        default: the wording that a run uses unless it is told otherwise.
        paraphrases: other wordings with the same meaning; prompt set `1` takes the first of them, and so on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    default: str = Field(min_length=1)
    paraphrases: list[str] = []

    @model_validator(mode="after")
    def _same_places(self) -> Self:
        for wording in (self.default, *self.paraphrases):
            if unknown_places := [place for place in _BRACES.findall(wording) if not _PLACES.fullmatch(place)]:
                raise ValueError(
                    f"'{wording}' holds {unknown_places[0]}, but only {{question}} and {{categories}} are filled in"
                )
        wanted = sorted(_PLACES.findall(self.default))
        for wording in self.paraphrases:
            if sorted(_PLACES.findall(wording)) != wanted:
                raise ValueError(f"'{wording}' must hold {' '.join(wanted) or 'no placeholder'}, as the default does")
        return self

    def wordings(self) -> dict[str, str]:
        """Prompt set -> wording, the default first."""
        return {DEFAULT: self.default, **{str(n): text for n, text in enumerate(self.paraphrases, start=1)}}


def keys() -> list[str]:
    """Name every prompt, in alphabetical order."""
    return sorted(path.stem for path in BUILT_IN.glob("*.yaml"))


@cache
def bank(key: str) -> Bank:
    """Look up a prompt; a text with a space in it, as a user's task file may give one, is its own only wording.

    Raises:
        UnknownName: there is none of that name.
        ConfigError: its file cannot be used.
    """
    if " " in key.strip():
        return _own_words(key)
    if key not in keys():
        raise unknown("prompt", key, keys())
    return strict_yaml.read(BUILT_IN / f"{key}.yaml", Bank)


def _own_words(text: str) -> Bank:
    try:
        return Bank(default=text)
    except ValidationError as error:
        reason = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
        raise ConfigError(f"prompt {reason}: correct it") from None


def sets(key: str, wanted: Sequence[str]) -> list[str]:
    """Resolve what a user typed for `--prompt-set` against one prompt.

    Args:
        key: the prompt.
        wanted: names of prompt sets; `all` stands for all of them.

    Raises:
        UnknownName: the prompt has no such set.
    """
    known = list(bank(key).wordings())
    for name in wanted:
        if name not in (*known, ALL):
            raise unknown(f"prompt set of {key}", name, [*known, ALL])
    return list(dict.fromkeys(each for name in wanted for each in (known if name == ALL else [name])))


@cache
def template(key: str, prompt_set: str = DEFAULT) -> str:
    """Look up a wording.

    Raises:
        UnknownName: there is no prompt or no prompt set of that name.
    """
    wordings = bank(key).wordings()
    if prompt_set not in wordings:
        raise unknown(f"prompt set of {key}", prompt_set, wordings)
    return wordings[prompt_set]


def render(key: str, question: str, categories: Sequence[str] = (), prompt_set: str = DEFAULT) -> str:
    """Fill a wording in; what is filled in is never itself read as a template.

    Raises:
        ConfigError: the wording names the categories, and the benchmark lists none.
    """
    wording = template(key, prompt_set)
    if "{categories}" in wording and not categories:
        raise ConfigError(f"prompt {key} names {{categories}}, but the benchmark lists none: take another prompt")
    parts = _parts(wording)
    values = {"{question}": question, "{categories}": ", ".join(categories) if "{categories}" in parts else ""}
    return "".join([values.get(part, part) for part in parts])


@cache
def _parts(wording: str) -> tuple[str, ...]:
    """Cut a wording before and after its places."""
    return tuple(part for part in re.split(r"(\{question\}|\{categories\})", wording) if part)
