"""What kinds of mistakes a run made, as plots for a report: of detectors, of answers to an expression, of words."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.schema import Prediction, Sample, Target, TextTarget
from benchmarks.truth import ObjectsTarget
from metrics import masks
from metrics.boxes import box_iou, is_malformed
from results.report import breakdown, confusion
from results.report.axes import Frame
from results.report.breakdown import Scene
from results.report.page import Figure
from results.report.plot import Bar, bars
from tasks import objects
from tasks.stored import Stored

RIGHT, NEAR = 0.5, 0.1
"""IoU from which an answer is right, and from which it is at least on its object, as in `results.report.breakdown`."""
REFERRING = ("right", "badly placed", "wrong object", "nothing there", "no answer")
LEADS = {
    "objects": "Kinds of mistakes as in TIDE (Bolya et al. 2020): what AP at IoU 0.5 would gain if all mistakes of one "
    "kind were put right.",
    "referring": "Right: IoU with the target from 0.5. Badly placed: from 0.1 to 0.5. Wrong object: IoU from 0.5 with "
    "another object that some expression about the same picture names. Nothing there: neither.",
    "words": "What the most frequent true answers were called.",
}


def figures(runs: Sequence[Stored], names: Sequence[str]) -> tuple[str, list[Figure]]:
    """Draw mistakes; nothing for kinds whose mistakes have no kinds, and where the data is not here.

    Args:
        runs: one or two, of the same task.
        names: of the runs.

    Returns:
        What the plots show, and the plots.
    """
    task = runs[0].task
    asked = [[run.samples[each] for each in run.ids if each in run.samples] for run in runs]
    if task is None or not all(asked) or not all(run.answers for run in runs):
        return "", []
    target = asked[0][0].target
    if isinstance(target, ObjectsTarget) and task.kind.name in ("detection", "instance"):
        return LEADS["objects"], _of_objects(runs, names, asked)
    if isinstance(target, Target) and task.kind.wants in ("box", "mask"):
        return LEADS["referring"], [_of_referring(runs, names, asked)]
    if isinstance(target, TextTarget) and task.kind.name in ("vqa", "gqa", "pope"):
        return LEADS["words"], _of_words(runs, names, asked)
    return "", []


def scenes(run: Stored, samples: Sequence[Sample]) -> tuple[list[Scene], list[str]]:
    """Found and true objects of every sample, by places among its categories, which are named.

    Objects whose phrase is no category are left out, as they are in AP.
    """
    assert run.task is not None, "only called for a task that is here"
    shape: objects.Shape = "box" if run.task.kind.wants == "box" else "mask"
    rules = objects.rules_of(shape, run.task.protocol)
    known = samples[0].truth(ObjectsTarget).categories
    place = {category.id: at for at, category in enumerate(known)}
    found = []
    for sample in samples:
        said = run.answers.get(sample.id, Prediction(sample.id, "failed"))
        named = [(c, i) for c, i in objects.objects_of(said, sample, rules) if c is not None and i.score is not None]
        shown = [(c, i) for c, i in named if (i.box_xyxy if shape == "box" else i.mask_rle) is not None]
        true = sample.truth(ObjectsTarget).objects
        shapes = [i.box_xyxy if shape == "box" else i.mask_rle for _, i in shown]
        truths = [each.box_xyxy if shape == "box" else each.mask_rle for each in true]
        found.append(
            Scene(
                score=np.array([i.score for _, i in shown], dtype=np.float64),
                category=np.array([c for c, _ in shown], dtype=np.int64),
                true_category=np.array([place[each.category_id] for each in true], dtype=np.int64),
                overlap=_overlap(shape, shapes, truths, [each.crowd for each in true]),
                crowd=np.array([each.crowd for each in true], dtype=bool),
            )
        )
    return found, [category.name for category in known]


def referring(run: Stored, samples: Sequence[Sample]) -> Counter[str]:
    """How many samples fall under each of `REFERRING`; an answer is its first box, or all its masks together."""
    others: dict[str, dict[tuple[float, ...], Target]] = {}
    for sample in samples:
        target = sample.truth(Target)
        others.setdefault(sample.image_id, {})[target.box_xyxy] = target
    return Counter(_referred(run, sample, list(others[sample.image_id].values())) for sample in samples)


def _referred(run: Stored, sample: Sample, known: Sequence[Target]) -> str:
    assert run.task is not None, "only called for a task that is here"
    said = run.answers.get(sample.id)
    if said is None or said.status != "ok":
        return "no answer"
    if run.task.kind.wants == "box":
        box = next(iter(said.boxes()), None)
        if box is None:
            return "no answer"
        ious = [0.0 if is_malformed(box) else box_iou(box, each.box_xyxy) for each in known]
    else:
        whole = masks.union(said.masks())
        if whole is None:
            return "no answer"
        ious = masks.overlaps([whole], [each.mask_rle for each in known])[0].tolist()
    own = ious[[each.box_xyxy for each in known].index(sample.truth(Target).box_xyxy)]
    if own >= RIGHT:
        return "right"
    if max(ious) >= RIGHT:
        return "wrong object"
    return "badly placed" if own >= NEAR else "nothing there"


def _of_referring(runs: Sequence[Stored], names: Sequence[str], asked: Sequence[Sequence[Sample]]) -> Figure:
    counts = [referring(run, samples) for run, samples in zip(runs, asked, strict=True)]
    shown = [
        Bar(kind if at == 0 else "", each[kind] / max(each.total(), 1), series=at)
        for kind in REFERRING
        for at, each in enumerate(counts)
    ]
    told = "; ".join(
        f"{name}: " + ", ".join(f"{kind} {each[kind]:,}" for kind in REFERRING)
        for name, each in zip(names, counts, strict=True)
    )
    frame = Frame("What the answers are", "share of samples", x_range=(0.0, 1.0))
    return Figure(bars(shown, frame, names if len(names) > 1 else []), told)


def _of_objects(runs: Sequence[Stored], names: Sequence[str], asked: Sequence[Sequence[Sample]]) -> list[Figure]:
    made = [scenes(run, samples) for run, samples in zip(runs, asked, strict=True)]
    found = [breakdown.break_down(each) for each, _ in made]
    gains, counts = (
        [
            Bar(kind if at == 0 else "", float(getattr(each, part)[kind]), series=at)
            for kind in breakdown.KINDS
            for at, each in enumerate(found)
        ]
        for part in ("gains", "counts")
    )
    several = names if len(names) > 1 else []
    now = ", ".join(f"{name} {each.ap50:.4f}" for name, each in zip(names, found, strict=True))
    shown = [
        Figure(bars(gains, Frame("What each kind of mistake costs", "gain of AP50"), several), f"AP50 now: {now}."),
        Figure(
            bars(counts, Frame("How often each kind occurs", "found objects; missed: true ones"), several),
            "Every found object counts, unsure ones, too.",
        ),
    ]
    for at, (each, categories) in enumerate(made):
        table = breakdown.confusion(each, len(categories))
        title = "Confusion" + (f": {names[at]}" if several else "")
        shown.append(_table(table, categories, [*categories, "not found"], (title, at)))
    return shown


def _of_words(runs: Sequence[Stored], names: Sequence[str], asked: Sequence[Sequence[Sample]]) -> list[Figure]:
    """Confusion of short answers: the most frequent truth of a sample against what was said."""
    shown = []
    for at, (run, samples) in enumerate(zip(runs, asked, strict=True)):
        pairs = [(_first(sample), _said(run.answers.get(sample.id))) for sample in samples]
        often = [word for word, _ in Counter(true for true, _ in pairs).most_common(confusion.MOST - 4)]
        index = {word: place for place, word in enumerate(often)}
        table: NDArray[np.int64] = np.zeros((len(often), len(often) + 1), dtype=np.int64)
        for true, said in pairs:
            if true in index:
                table[index[true], index.get(said, len(often))] += 1
        title = "Answers" + (f": {names[at]}" if len(names) > 1 else "")
        shown.append(_table(table, often, [*often, "another answer"], (title, at)))
    return shown


def _table(counts: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str], drawn: tuple[str, int]) -> Figure:
    title, series = drawn
    table, row_names, column_names = confusion.shorten(counts, rows, columns)
    frame = Frame(title, "called", "truth")
    return Figure(
        confusion.draw_confusion(table, row_names, column_names, frame, series),
        "Each row is one truth; the darker, the larger its share of the row.",
    )


def _first(sample: Sample) -> str:
    """The most frequent answer of people, in the case and spaces of a plain comparison."""
    answers = Counter(" ".join(each.lower().split()) for each in sample.truth(TextTarget).answers)
    return answers.most_common(1)[0][0] if answers else ""


def _said(said: Prediction | None) -> str:
    return "" if said is None or said.status != "ok" else " ".join(said.text.lower().strip(" .").split())


def _overlap(
    shape: objects.Shape, found: Sequence[object], true: Sequence[object], crowd: Sequence[bool]
) -> NDArray[np.float64]:
    """IoU of every found shape with every true one, float [D, G]; with a crowd, the share of the found one in it."""
    from pycocotools import mask as coco

    if not found or not true:
        return np.zeros((len(found), len(true)))
    sides = [_xywh(each) if shape == "box" else list(each) for each in (found, true)]
    return np.nan_to_num(np.asarray(coco.iou(*sides, list(map(int, crowd))), dtype=np.float64))


def _xywh(boxes: Sequence[object]) -> NDArray[np.float64]:
    corners = np.array(boxes, dtype=np.float64).reshape(-1, 4)
    corners[:, 2:] -= corners[:, :2]
    return corners
