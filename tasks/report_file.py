"""The file of a report: what it is called, which runs it is of, and the address of a sample in it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from benchmarks.files import write_atomic
from results.report.page import RUNS_META, Page, render
from results.run import Run
from tasks import report
from tasks.gallery import file_name
from tasks.journal import disk
from tasks.stored import open_run

_HEAD_BYTES = 4096
_TOLD = re.compile(rf'<meta name="{RUNS_META}" content="([^"]*)">')


@dataclass(frozen=True)
class Choice:
    """What a report is made of.

    Attributes:
        data_root: official files, where they have moved; None for where they were.
        include: folder of task files beside ours; None for that of the run.
        pictured: samples with pictures, about.
        named: ids of samples that have pictures whatever else has.
    """

    data_root: Path | None = None
    include: Path | None = None
    pictured: int = report.PICTURED
    named: Sequence[str] = field(default=())


def write(runs: Sequence[Run], place: Path | None, choice: Choice) -> tuple[Path, int, Page]:
    """Write the report of one run, or of two.

    Args:
        runs: one or two of the same task, split and data.
        place: of the file; None for `usual_place`.
        choice: what it is made of.

    Returns:
        The file, its size in bytes, and what stands in it.

    Raises:
        ConfigError: two runs that answered different questions.
        DataError: a metric is not here, or the disk refuses.
    """
    page = report.build(
        [open_run(run, choice.data_root, choice.include) for run in runs], choice.pictured, choice.named
    )
    out = place or usual_place(runs)
    content = render(page).encode("utf-8")
    with disk(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(out, content)
    return out, len(content), page


def usual_place(runs: Sequence[Run]) -> Path:
    """Where a report is written unless told otherwise: in the present folder, named by models, task and split."""
    record = runs[0].record
    return Path(f"report-{file_name('-'.join([*report.run_names(runs), record.task, record.split]))}.html")


def there(runs: Sequence[Run]) -> Path | None:
    """Find a report of exactly these runs at its usual place, in either order; None where there is none."""
    wanted = sorted(run.id for run in runs)
    for order in (runs, runs[::-1]):
        place = usual_place(order)
        try:
            with place.open("rb") as file:
                found = _TOLD.search(file.read(_HEAD_BYTES).decode("utf-8", "replace"))
        except OSError:
            continue
        if found and sorted(found[1].split()) == wanted:
            return place
    return None


def links(place: Path, ids: Sequence[str]) -> Mapping[str, str]:
    """Sample id -> address that opens the report with that sample."""
    return {each: f"{quote(place.as_posix(), safe='/:')}#sample={quote(each, safe='/:')}" for each in ids}
