"""From one or two finished runs to the page of a report."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from benchmarks.errors import ConfigError
from metrics.errors import DataError as StoreError
from results import fingerprint
from results.intervals import intervals
from results.paired import Change, Pair
from results.record import Record
from results.report import cards, curves
from results.report.page import Chapter, Entry, Gallery, Page, Said, cut
from results.run import Run
from tasks import mistakes, report_facts
from tasks.redaction import scrub
from tasks.report_pictures import Album
from tasks.report_shelves import Shelf, choose, is_better_higher, status
from tasks.stored import Stored

MOST_ENTRIES = 20_000
"""Samples in the list; of a larger run, those in the galleries and the first others."""
TEXT_BYTES = 6_000_000
"""Of all words of models together, about; each answer gets its share, from 60 to 4,000 bytes."""
PICTURED, RESAMPLES = 48, 2_000


def build(runs: Sequence[Stored], pictured: int = PICTURED, named: Sequence[str] = ()) -> Page:
    """Put together what a report shows.

    Args:
        runs: one, or two of the same task, split and data.
        pictured: samples with pictures, about.
        named: ids of samples that have pictures whatever else has.

    Raises:
        ConfigError: two runs that answered different questions.
    """
    if len(runs) > 1:
        _check_pair(runs)
    opened = [run.run for run in runs]
    names, records, album = run_names(opened), [_with_intervals(run) for run in runs], Album()
    first, meanings = records[0], report_facts.meanings(runs)
    changes, unpaired = _changes(runs)
    shelves = choose(runs, pictured, named)
    drawn = {each: album.take(runs, names, each) for shelf in shelves for each in shelf.ids}
    ids = _listed(runs, list(drawn))
    entries = _entries(runs, ids)
    every = len({each for run in runs for each in run.ids})
    more = [f"the list holds {len(ids):,} of {every:,} samples, to keep the file small"] if every > len(ids) else []
    key, told = runs[0].sample_key, (cards.table(records, names, meanings), *report_facts.tables(runs, names))
    return Page(
        title=" against ".join(names) + f" on {first.task}",
        subtitle=f"{first.dataset}, split {first.split}: {first.n:,} samples",
        marks=report_facts.marks(runs),
        notes=tuple(map(scrub, [*_notes(runs, names), *unpaired, *album.notes(), *more])),
        runs=tuple(names),
        run_ids=tuple(run.id for run in opened),
        metric=(key, is_better_higher(runs[0])),
        cards=tuple(cards.cards(records, meanings, changes)),
        chapters=tuple(_chapters(runs, names)),
        galleries=_galleries(shelves, ids, drawn),
        appendix=(Chapter("facts", "Numbers and facts", "", (), told),),
        entries=tuple(replace(entry, pictures=drawn.get(entry.id, ())) for entry in entries),
        in_words=runs[0].task is not None and runs[0].task.kind.wants == "text",
        factor=cards.factor(first, key if key in first.units else first.headline),
    )


def run_names(runs: Sequence[Run]) -> list[str]:
    """What runs are called: their models, with their ids where these agree."""
    models = [run.record.model for run in runs]
    if len(set(models)) == len(models):
        return models
    return [f"{model} ({run.id})" for model, run in zip(models, runs, strict=True)]


def _with_intervals(run: Stored) -> Record:
    """The record with intervals for keys that it has none for, from the rows; those that it has are kept."""
    record, rows = run.run.record, list(run.rows_by_id.values())
    lacking = [key for key, value in record.metrics.items() if value is not None and key not in record.intervals]
    if not lacking or not rows or not all(rows):
        return record
    found = intervals(run.metric, rows, run.run.image_ids)
    known = {key: pair for key, pair in found.items() if record.metrics.get(key) is not None}
    return replace(record, intervals={**known, **record.intervals})


def _changes(runs: Sequence[Stored]) -> tuple[dict[str, Change], list[str]]:
    """How far two runs differ and how sure that is, by key; and why that cannot be said."""
    from metrics.registry import metrics

    if len(runs) < 2:
        return {}, []
    own = [metric for run in runs if run.task for metric in run.task.kind.metrics]
    known = {metric.name: metric for metric in (*metrics(), *own)}
    try:
        pair = Pair.of(runs[0].run, runs[1].run, known)
        return {each.key: each for each in pair.changes(resamples=RESAMPLES)}, []
    except StoreError as error:
        return {}, [f"the differences have no intervals ({error})"]


def _check_pair(runs: Sequence[Stored]) -> None:
    one, other = (run.run.record for run in runs)
    for name in ("task", "dataset", "split", "data"):
        a, b = getattr(one, name), getattr(other, name)
        if a != b:
            raise ConfigError(
                f"the runs cannot stand side by side: {name} is {a} in one and {b} in the other; name two runs of the "
                "same task and split, or write two reports"
            )


def _notes(runs: Sequence[Stored], names: Sequence[str]) -> list[str]:
    """What a reader must know before reading a number."""
    notes = []
    if any(run.run.record.data == "sample" for run in runs):
        notes.append("Sample world: procedural scenes, never comparable to published numbers.")
    if len(runs) > 1:
        for each in fingerprint.differing(*(run.run.record for run in runs)):
            notes.append(f"The runs are not of one protocol: {each.line()}.")
    for name, run in zip(names, runs, strict=True):
        record, who = run.run.record, f"{name}: " if len(runs) > 1 else ""
        if record.whole is not None:
            notes.append(f"{who}only {record.n:,} of {record.whole:,} samples were run.")
        if record.stopped_early is not None:
            notes.append(f"{who}stopped early; the numbers are those of a part.")
        if lost := record.failed + record.unparsable + record.missing:
            notes.append(f"{who}{lost:,} of {record.n:,} samples have no usable answer; they count as wrong.")
        notes += [f"{who}{note}" for note in run.notes]
    return notes


def _chapters(runs: Sequence[Stored], names: Sequence[str]) -> list[Chapter]:
    metric, opened = runs[0].metric, [run.run for run in runs]
    seen = [
        curves.Rows(name, list(run.rows_by_id.values()), list(run.values.values()), report_facts.categories(run))
        for name, run in zip(names, runs, strict=True)
    ]
    drawn = curves.figures(metric, seen)
    tags = {each: sample.tags for run in runs for each, sample in run.samples.items()}
    try:
        sliced = cards.slices(opened, names, tags, metric)
    except StoreError:
        sliced = cards.slices(opened, names, {}, metric)
    lead, kinds = mistakes.figures(runs, names)
    lost = report_facts.failures(runs, names)
    found = [
        Chapter("curves", "Curves", "", tuple(drawn)),
        Chapter("slices", "Slices", "The headline over parts of the samples.", tuple(sliced)),
        Chapter("errors", "Errors", lead, tuple(kinds)),
        Chapter("failures", "Failures", "Why samples have no usable answer.", (), lost),
    ]
    return [each for each in found if each.figures or each.tables]


def _galleries(shelves: Sequence[Shelf], ids: Sequence[str], drawn: Mapping[str, object]) -> tuple[Gallery, ...]:
    place = {sample_id: at for at, sample_id in enumerate(ids)}
    made = [Gallery(s.title, s.lead, tuple(place[each] for each in s.ids if drawn.get(each))) for s in shelves]
    return tuple(gallery for gallery in made if gallery.places)


def _listed(runs: Sequence[Stored], chosen: Sequence[str]) -> list[str]:
    """Ids of the list, in the order of the split."""
    every = list(dict.fromkeys(each for run in runs for each in run.ids))
    if len(every) <= MOST_ENTRIES:
        return every
    room = MOST_ENTRIES - len(chosen)
    taken = set(chosen)
    kept = {*taken, *[each for each in every if each not in taken][:room]}
    return [each for each in every if each in kept]


def _entries(runs: Sequence[Stored], ids: Sequence[str]) -> list[Entry]:
    share = TEXT_BYTES // max(1, (len(runs) + 1) * len(ids))
    most = min(max(share, 60), 4_000)
    return [_entry(runs, each, most) for each in ids]


def _entry(runs: Sequence[Stored], sample_id: str, most: int) -> Entry:
    sample = next((run.samples[sample_id] for run in runs if sample_id in run.samples), None)
    said = []
    for run in runs:
        answer = run.answers.get(sample_id)
        text, error = ("", "") if answer is None else (answer.text, answer.error)
        state = status(run, sample_id) if run.answers else "ok"
        said.append(Said(run.values.get(sample_id), state, cut(text, most), cut(scrub(error), most)))
    question, tags = ("", {}) if sample is None else (sample.question, sample.tags)
    truth = report_facts.truth(runs[0], sample)
    return Entry(cut(sample_id, 400), cut(question, most), cut(truth, most), tuple(said), tags)
