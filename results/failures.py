"""What a person reads about samples without a usable answer."""

from collections.abc import Sequence

from results.record import Failure, Record

_WORDS = {"failed": "failed", "parse_error": "unparsable"}


def failures_text(records: Sequence[Record]) -> str:
    """Tell for every record with such samples how many there are, and the most frequent reasons with example ids."""
    return "\n".join(_text(record) for record in records if record.failed or record.unparsable)


def reasons_text(failures: Sequence[Failure]) -> str:
    """One indented line per reason."""
    return "\n".join(
        f"  {each.n} {_WORDS.get(each.status, each.status)}: {each.reason or 'no reason given'} ({_examples(each)})"
        for each in failures
    )


def _text(record: Record) -> str:
    head = f"{record.model} {record.task} {record.split}: {record.failed} failed, {record.unparsable} unparsable"
    return "\n".join(text for text in (f"{head} of {record.n}", reasons_text(record.failures)) if text)


def _examples(failure: Failure) -> str:
    return ", ".join(failure.examples) + (", …" if failure.n > len(failure.examples) else "")
