"""What a report says about its runs in words: marks, truths, failures, and everything needed to repeat a run."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.errors import DataError
from benchmarks.schema import Sample
from benchmarks.truth import MapTarget, ObjectsTarget
from results import fingerprint
from results.report.page import Table
from tasks.redaction import scrub
from tasks.stored import Stored


def marks(runs: Sequence[Stored]) -> tuple[str, ...]:
    """Short facts for the head of the page."""
    first = runs[0].run.record
    codes = list(dict.fromkeys(fingerprint.code(run.run.record) for run in runs))
    days = list(dict.fromkeys(run.run.ended[:10] for run in runs if run.run.ended))
    commits = list(dict.fromkeys(run.run.commit[:10] for run in runs if run.run.commit))
    found = [
        "sample world" if first.data == "sample" else "official data",
        f"{first.n:,} samples",
        f"protocol {' and '.join(codes)}",
        *(day for day in days),
        *(f"commit {commit}" for commit in commits),
        f"refbench {first.refbench}",
    ]
    return tuple(found)


def meanings(runs: Sequence[Stored]) -> dict[str, str]:
    """Key -> what it means, as the cards of the metrics say."""
    from metrics.registry import metrics

    own = [metric for run in runs if run.task for metric in run.task.kind.metrics]
    known = [metric for metric in metrics() if metric.name in runs[0].run.record.protocols]
    return {key: text for metric in (*known, *own) for key, text in metric.card.keys.items()}


def categories(run: Stored) -> dict[int, str]:
    """Number of a category in the rows -> its name; empty where the data is not here or has none."""
    sample = next(iter(run.samples.values()), None)
    named: Sequence[Any] = getattr(sample.target, "categories", ()) if sample is not None else ()
    by_place = isinstance(getattr(sample, "target", None), MapTarget)
    return {(at if by_place else each.id): each.name for at, each in enumerate(named)}


def truth(run: Stored, sample: Sample | None) -> str:
    """The truth in words: accepted answers, or what is to be found; empty where it is a picture."""
    if sample is None or run.task is None:
        return ""
    answers = getattr(sample.target, "answers", None)
    if answers:
        return " · ".join(dict.fromkeys(str(each) for each in answers))
    if isinstance(sample.target, ObjectsTarget):
        names = {category.id: category.name for category in sample.target.categories}
        counts: dict[str, int] = {}
        for each in sample.target.objects:
            counts[names[each.category_id]] = counts.get(names[each.category_id], 0) + 1
        return ", ".join(f"{name} × {count}" if count > 1 else name for name, count in counts.items()) or "nothing"
    if run.task.kind.wants != "text":
        return ""
    try:
        return run.task.kind.perfect(sample).text
    except DataError:
        return ""


def failures(runs: Sequence[Stored], names: Sequence[str]) -> tuple[Table, ...]:
    """Reasons why samples have no usable answer, the most frequent first."""
    tables = []
    for name, run in zip(names, runs, strict=True):
        rows = [
            (each.status.replace("_", " "), scrub(each.reason), f"{each.n:,}", ", ".join(each.examples))
            for each in run.run.record.failures
        ]
        if rows:
            title = f"Failures of {name}"
            tables.append(Table(title, ("status", "reason", "samples", "for example"), tuple(rows), (2,)))
    return tuple(tables)


def tables(runs: Sequence[Stored], names: Sequence[str]) -> tuple[Table, ...]:
    """What was run on what with what, run by run."""
    columns = [_facts(run) for run in runs]
    keys = list(dict.fromkeys(key for column in columns for key in column))
    rows = [(key, *(column.get(key, "–") for column in columns)) for key in keys]
    return (Table("What was run", ("", *names) if len(runs) > 1 else ("", "value"), tuple(rows)),)


def _facts(run: Stored) -> dict[str, str]:
    record, content = run.run.record, run.run.facts
    identity = content.get("identity") or {}
    asked = (identity.get("task") or {}).get("prompt") or {}
    told = {
        "run": f"{run.run.id} ({run.run.name})",
        "ended": run.run.ended.replace("T", " "),
        "protocol": fingerprint.code(record),
        **{f"protocol: {name}": value for name, value in fingerprint.fields(record).items()},
        "prompt in words": asked.get("template", ""),
        **{f"option {name}": value for name, value in record.options.items()},
        **{f"digest of {name}": value for name, value in record.digests.items()},
        **{name: identity.get(name) for name in ("seed", "batch_size", "device", "dtype", "limit")},
        "git": _git(content.get("git")),
        "host": _pairs(content.get("host")),
        "python": content.get("python"),
        "packages": _pairs(content.get("packages")),
        "command": " ".join(map(str, content.get("command") or ())),
    }
    return {name.replace("_", " "): scrub(str(value)) for name, value in told.items() if value not in (None, "")}


def _git(content: object) -> str:
    if not isinstance(content, Mapping) or not content.get("commit"):
        return ""
    return f"{content['commit']}" + (" with changes" if content.get("modified") else "")


def _pairs(content: object) -> str:
    return ", ".join(f"{key} {value}" for key, value in content.items()) if isinstance(content, Mapping) else ""
