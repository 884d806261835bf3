"""Errors a user can mend. The command line prints their text and exits 2; anything else is a bug."""

import difflib
from collections.abc import Iterable


class DataError(ValueError):
    """A data file is missing, malformed or contradicts itself; the text names file, id and remedy."""


class ConfigError(ValueError):
    """A configuration file or option holds a value that cannot be used."""


class ModelError(RuntimeError):
    """A model cannot be loaded or cannot do what was asked of it."""


class UnknownName(LookupError):
    """A task, model, metric, split or option of that name does not exist."""


def unknown(kind: str, name: str, known: Iterable[str], listing: str = "") -> UnknownName:
    """Build the error for an unknown name, suggesting the nearest known one.

    Args:
        kind: what is looked for, in the singular ("task").
        name: what the user wrote.
        known: every valid name.
        listing: command that lists them all, or empty.
    """
    names = sorted(known)
    by_lower = {each.lower(): each for each in names}  # capitals are the commonest slip: testa for testA
    near = [by_lower[each] for each in difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.5)]
    some = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    hint = f"; did you mean {near[0]}?" if near else f"; known: {some}"
    where = f" (`{listing}` lists all {len(names)})" if listing else ""
    return UnknownName(f"no {kind} is called '{name}'{hint}{where}")
