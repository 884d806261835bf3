"""What a reader must know about a number before comparing it."""

from collections.abc import Iterable

from results.fingerprint import differing, is_forced
from results.record import Record

SAMPLE = "sample data: procedural scenes, never comparable to published numbers"
APART = "published rows are of official data: no row of the sample world compares with them"
COMMANDS = (
    "models are asked in their own words: some learned with a full command before the instruction, others get none"
)


def of_record(record: Record, usual: Record) -> tuple[str, ...]:
    """Say what is special about a row.

    Args:
        record: the row.
        usual: a row of the protocol that the board is about.
    """
    found = [SAMPLE] if record.data == "sample" and usual.data != "sample" else []
    if record.stopped_early is not None:
        found.append(f"stopped early after {record.n} of {record.stopped_early.of} samples")
    elif record.limit is not None and record.whole is not None:
        found.append(f"limit: {record.n} of {record.whole} samples")
    elif record.whole is not None:
        found.append(f"{record.n} of the {record.whole} samples that its publisher states")
    if is_forced(record):
        found.append("teacher-forced: the model was fed the right answer while it wrote its own")
    if record.missing:
        found.append(f"{record.missing} samples have no answer and count as wrong")
    found += [
        f"other protocol: {each.field} is {each.one or 'none'} here, {each.other or 'none'} in the others"
        for each in differing(record, usual)
    ]
    return tuple(found)


def of_board(records: Iterable[Record]) -> tuple[str, ...]:
    """Say what holds for all rows."""
    every = list(records)
    notes = [SAMPLE] if every and all(record.data == "sample" for record in every) else []
    if len({record.options.get("regime", "") for record in every}) > 1:
        notes.append(COMMANDS)
    return tuple(notes)
