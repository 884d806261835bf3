"""One finished run in its folder: the record at once, everything else when it is asked for."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from metrics.base import Row
from results import record_file, run_id
from results import rows as row_files
from results.record import Record

_OWN_ID = re.compile(rf"-([0-9a-f]{{{run_id.LENGTH}}})$")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        record: content of its `result.json`.
        folder: where its files lie.
        started: when it was first started, ISO 8601 with time zone; empty where its `run.json` does not say.
        ended: when it ended, likewise.
        commit: of the folder that it was started in; empty outside a repository.
    """

    record: Record
    folder: Path
    started: str = ""
    ended: str = ""
    commit: str = ""

    @classmethod
    def open(cls, folder: Path, root: Path) -> Self:
        """Read a run.

        Args:
            folder: of the run.
            root: folder of all runs, above it; the record names its run relative to it.

        Raises:
            DataError: its record is missing or broken.
        """
        record = record_file.read(folder / "result.json", root)
        return cls(record, folder, **moments(facts(folder)))

    @property
    def id(self) -> str:
        """Ten hexadecimal digits: those of its folder, else a digest of its record."""
        if own := _OWN_ID.search(self.folder.name):
            return own[1]
        return run_id.of(self.record.to_json())

    @property
    def name(self) -> str:
        """`model/task/split`, for people."""
        return f"{self.record.model}/{self.record.task}/{self.record.split}"

    @property
    def predictions(self) -> Path:
        """The file of all answers; a run of an early version, or a part of one, may lack it."""
        return self.folder / "predictions.jsonl"

    @property
    def answers_problem(self) -> str:
        """Why the file of answers is not the one that was scored; empty where it is, or where nothing can tell."""
        kept = self.record.digests.get("answers")
        try:
            found = hashlib.sha256(self.predictions.read_bytes()).hexdigest() if kept else kept
        except FileNotFoundError:
            return ""
        except OSError as error:
            return f"{self.predictions} cannot be read ({error.strerror})"
        return "" if found == kept else f"{self.predictions} was edited: it does not hold the answers that were scored"

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """Content of `run.json`: what was asked, on which machine, when; empty where there is none that can be read."""
        return facts(self.folder)

    @cached_property
    def _table(self) -> tuple[list[str], list[str], dict[str, list[Row]]]:
        return row_files.read(self.folder / "rows.npz")

    @property
    def sample_ids(self) -> list[str]:
        """Ids in the order of the split. Raises DataError where `rows.npz` is missing or broken."""
        return self._table[0]

    @property
    def image_ids(self) -> list[str]:
        """One for each sample: samples that share an image are not independent. Raises as `sample_ids`."""
        return self._table[1]

    @property
    def rows(self) -> dict[str, list[Row]]:
        """Metric name -> rows in the order of `sample_ids`. Raises as `sample_ids`."""
        return self._table[2]


def facts(folder: Path) -> dict[str, Any]:
    """Read `run.json`; empty where there is none that can be read: the record stands without it."""
    try:
        content = json.loads((folder / "run.json").read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def moments(content: Mapping[str, Any]) -> dict[str, str]:
    """Take `started`, `ended` and `commit` out of the content of a `run.json`, as text; empty where they are not."""
    git = content.get("git")
    found = {
        "started": content.get("started"),
        "ended": content.get("ended"),
        "commit": git.get("commit") if isinstance(git, Mapping) else None,
    }
    return {name: value if isinstance(value, str) else "" for name, value in found.items()}
