"""Which samples a report shows in pictures. The same runs always show the same samples."""

from collections.abc import Sequence
from dataclasses import dataclass

from tasks.gallery import digest
from tasks.stored import Stored


@dataclass(frozen=True)
class Shelf:
    """Samples of one sort, those first that should be seen first."""

    title: str
    lead: str
    ids: tuple[str, ...]


def choose(runs: Sequence[Stored], count: int, named: Sequence[str] = ()) -> list[Shelf]:
    """Choose samples: failures, worst, best and some at random; with two runs, those that changed most.

    No sample stands on two shelves. Only samples that are here can be chosen.

    Args:
        runs: one or two.
        count: of samples, about; the named ones come on top.
        named: ids that somebody asked for.
    """
    here = {each for run in runs for each in run.ids if each in run.samples}
    asked = tuple(each for each in dict.fromkeys(named) if each in here)
    ids = sorted(here.difference(asked), key=digest)
    failed = [each for each in ids if any(status(run, each) != "ok" for run in runs)]
    goodness = {each: value for each in ids if (value := _goodness(runs, each)) is not None}
    ranked = sorted((each for each in goodness if each not in set(failed)), key=lambda each: goodness[each])
    by_value = f"By {runs[0].sample_key} of the sample alone."
    sorts = [
        *(_changed(runs, ids) if len(runs) > 1 else ()),
        Shelf("No usable answer", "The model failed, or its answer could not be read.", tuple(failed)),
        Shelf("Worst", by_value, tuple(ranked)),
        Shelf("Best", by_value, tuple(ranked[::-1])),
        Shelf("At random", "Drawn by their ids: the same samples every time.", tuple(ids)),
    ]
    first = [Shelf("Asked for", "Samples that were named, such as those a comparison lists.", asked)] if asked else []
    return first + (_without_repeats(sorts, max(1, count // len(sorts))) if count else [])


def gain(runs: Sequence[Stored], sample_id: str) -> float | None:
    """What the second run has more than the first, positive where it is better; None where one has no value."""
    one, other = (run.values.get(sample_id) for run in runs)
    return None if one is None or other is None else _sign(runs[0]) * (other - one)


def status(run: Stored, sample_id: str) -> str:
    """Status of the answer to a sample; `missing` where there is none."""
    return run.answers[sample_id].status if sample_id in run.answers else "missing"


def is_better_higher(run: Stored) -> bool:
    """Whether a higher value of a sample is better."""
    return run.metric.higher_is_better or run.sample_key != run.metric.headline


def _changed(runs: Sequence[Stored], ids: Sequence[str]) -> list[Shelf]:
    gains = {each: value for each in ids if (value := gain(runs, each))}
    ranked = sorted(gains, key=lambda each: -gains[each])
    up, down = [each for each in ranked if gains[each] > 0], [each for each in ranked[::-1] if gains[each] < 0]
    return [
        Shelf("Most improved", "The second run is better on these.", tuple(up)),
        Shelf("Most worsened", "The second run is worse on these.", tuple(down)),
    ]


def _without_repeats(shelves: Sequence[Shelf], most: int) -> list[Shelf]:
    taken: set[str] = set()
    kept = []
    for shelf in shelves:
        fresh = [each for each in shelf.ids if each not in taken][:most]
        taken.update(fresh)
        kept += [Shelf(shelf.title, shelf.lead, tuple(fresh))] if fresh else []
    return kept


def _goodness(runs: Sequence[Stored], sample_id: str) -> float | None:
    """Sum of the values of all runs, higher is better; None where one has none."""
    values = [value for run in runs if (value := run.values.get(sample_id)) is not None]
    return _sign(runs[0]) * sum(values) if len(values) == len(runs) else None


def _sign(run: Stored) -> float:
    return 1.0 if is_better_higher(run) else -1.0
