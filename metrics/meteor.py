"""METEOR 1.5 through the jar that pycocoevalcap bundles; nothing here imitates its matching of words.

The jar returns statistics of each caption against its best reference; a corpus is scored from their sums, not from the
mean of sentence scores. Only that last formula is repeated here, so that rows can be resampled; it equals the jar's.
Denkowski and Lavie 2014; English parameters of release 1.5.
"""

import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from metrics.base import Row
from metrics.errors import DataError

ALPHA, BETA, GAMMA, DELTA = 0.85, 0.20, 0.60, 0.75
MODULE_WEIGHTS = (1.0, 0.6, 0.8, 0.6)
"""Exact, stem, synonym and paraphrase matches."""

FIELDS = (
    "words", "reference_words", "function_words", "reference_function_words",
    "exact_content", "exact_reference_content", "exact_function", "exact_reference_function",
    "stem_content", "stem_reference_content", "stem_function", "stem_reference_function",
    "synonym_content", "synonym_reference_content", "synonym_function", "synonym_reference_function",
    "paraphrase_content", "paraphrase_reference_content", "paraphrase_function", "paraphrase_reference_function",
    "chunks", "matched", "reference_matched",
)  # fmt: skip
"""The statistics that the jar prints, in its order; rows carry them with the prefix `meteor_`."""


def unavailable() -> str | None:
    """Say why METEOR cannot be computed here, None where it can."""
    if _jar() is None:
        return 'pycocoevalcap is not installed: pip install "refbench[captions]"'
    if shutil.which("java") is None:
        return "there is no java on the PATH: install a Java runtime, 8 or later"
    return None


def measure_all(candidates: Sequence[str], references: Sequence[Sequence[str]]) -> list[Row]:
    """Let the jar match every candidate with its references.

    Args:
        candidates: tokenized captions, one per image.
        references: tokenized references of each image.

    Raises:
        DataError: METEOR is unavailable, or the jar failed; the text says how.
    """
    reason = unavailable()
    jar = _jar()
    if reason or jar is None:
        raise DataError(f"METEOR cannot be computed: {reason}")
    lines = [_line(own, theirs) for own, theirs in zip(candidates, references, strict=True)]
    command = ["java", "-Xmx2G", "-Dfile.encoding=UTF-8", "-jar", jar.name, "-", "-", "-stdio", "-l", "en", "-norm"]
    run = subprocess.run(
        command, cwd=jar.parent, input="".join(lines).encode(), capture_output=True, check=False, env=dict(os.environ)
    )
    printed = run.stdout.decode(errors="replace").splitlines()
    if run.returncode or len(printed) != len(lines):
        last = run.stderr.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise DataError(f"{jar.name} answered {len(printed)} of {len(lines)} captions ({last[0]}): check java")
    return [_row(line) for line in printed]


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Score the summed statistics: `meteor` in [0, 1]."""
    total = {field: sum(row[f"meteor_{field}"] for row in rows) for field in FIELDS}
    precision = _weighted(total, "", total["words"], total["function_words"])
    recall = _weighted(total, "reference_", total["reference_words"], total["reference_function_words"])
    if not precision or not recall:
        return {"meteor": 0.0}
    mean = precision * recall / (ALPHA * precision + (1 - ALPHA) * recall)
    breaks = total["chunks"] / ((total["matched"] + total["reference_matched"]) / 2)
    return {"meteor": mean * (1 - GAMMA * breaks**BETA)}


def _weighted(total: dict[str, float], side: str, words: float, function_words: float) -> float:
    """Share of one side's words that is matched, content words weighing DELTA and function words the rest."""
    matched = sum(
        weight * (DELTA * total[f"{kind}_{side}content"] + (1 - DELTA) * total[f"{kind}_{side}function"])
        for kind, weight in zip(("exact", "stem", "synonym", "paraphrase"), MODULE_WEIGHTS, strict=True)
    )
    possible = DELTA * (words - function_words) + (1 - DELTA) * function_words
    return matched / possible if possible else 0.0


def _line(candidate: str, references: Sequence[str]) -> str:
    own = candidate.replace("|||", "").replace("  ", " ")
    return " ||| ".join(("SCORE", *references, own)) + "\n"


def _row(line: str) -> Row:
    numbers = [float(value) for value in line.split()]
    if len(numbers) != len(FIELDS):
        raise DataError(f"the METEOR jar printed {line!r}, not {len(FIELDS)} numbers: use the jar of pycocoevalcap 1.2")
    row: Row = {f"meteor_{field}": value for field, value in zip(FIELDS, numbers, strict=True)}
    sides = (("words", "matched"), ("reference_words", "reference_matched"))
    if row["meteor_chunks"] == 1 and all(row[f"meteor_{a}"] == row[f"meteor_{b}"] for a, b in sides):
        row["meteor_chunks"] = 0.0  # a caption matched whole in one piece has no break, also in the jar's sums
    return row


def _jar() -> Path | None:
    found = find_spec("pycocoevalcap")
    places = list(found.submodule_search_locations or ()) if found else []
    jars = [Path(place) / "meteor/meteor-1.5.jar" for place in places]
    return next((jar for jar in jars if jar.is_file()), None)
