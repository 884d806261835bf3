"""Score referring boxes from files: `refs.json` with `instances.json`, or the plain rows of Shikra and MiniGPT-4.

Plain rows are a JSON list of {img_id, sents, bbox as left, top, width, height}. An answer names its row by `index`
(from 0), or by `img_id` and `sents`; where a file asks the same sentence of the same image several times, one such
answer serves all of these rows, and several are taken in the order of the rows.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metrics.base import Card, Row, Scorer, ScoreReport
from metrics.boxes import box_giou_xywh, box_iou_xywh, mattnet_iou_xywh
from metrics.coco_columns import Describe, column, numbers
from metrics.errors import DataError
from metrics.json_files import load_json
from metrics.options import choice
from metrics.rec import CARD, aggregate
from metrics.referring_files import (
    Answer,
    Expression,
    References,
    choose_split,
    find_references,
    join_answers,
    protocol_name,
    read_answers,
    read_references,
    refs_of,
)

Box = tuple[float, float, float, float]
RANKS = (1, 5, 10)
MDETR_GIOU = 0.5


@dataclass(frozen=True)
class BoxPair:
    """A target box and its answer, boxes xywh.

    Attributes:
        target_xywh: the truth.
        top_xywh: the top-ranked box; None where there is no answer.
        ranked_xywh: all boxes of the answer, best first; None where the file has no record for this expression.
    """

    target_xywh: Box
    top_xywh: Box | None
    ranked_xywh: tuple[Box, ...] | None


def read_pairs(targets: Path, predictions: Path, split: str, form: str) -> list[BoxPair]:
    """Read targets and predictions and join them.

    Args:
        split: one official split, or "all".
        form: how predicted boxes are written, "xywh" or "xyxy".

    Raises:
        DataError: a file breaks its format, or an answer does not fit.
    """
    path = find_references(targets) if targets.is_dir() else targets
    content = load_json(path)
    answers = read_answers(predictions)
    if any("sents" in row for row in refs_of(path, content)[:1]):
        if split != "all":
            raise DataError(f"option split={split}: {path} holds plain rows of one split; leave the option out")
        boxes = _targets(column(content, "bbox", _row_name(path)), _row_name(path))
        found = _join_rows(path, content, answers)
    else:
        references = read_references(path, content)
        chosen = choose_split(references, split)
        boxes = _annotated(references, chosen)
        by_key = join_answers(references, answers)
        found = [by_key.get(expression.key) for expression in chosen]
    return [_pair(box, answer, form) for box, answer in zip(boxes, found, strict=True)]


def _row_name(path: Path) -> Describe:
    return lambda place: f"{path}: row {place}"


def _annotated(references: References, expressions: Sequence[Expression]) -> list[Box]:
    """Take the one box that every expression refers to."""
    for expression in expressions:
        if len(expression.annotation_ids) != 1:
            count = len(expression.annotation_ids)
            raise DataError(f"{expression.label} refers to {count} objects: rec needs one, use gres for the others")
    ids = [expression.annotation_ids[0] for expression in expressions]
    values = [references.annotation(each, "bbox") for each in ids]
    return _targets(values, lambda place: f"{references.instances}: annotation {ids[place]!r}")


def _targets(values: Sequence[Any], describe: Describe) -> list[Box]:
    boxes = numbers(values, 4, "bbox", describe)
    inverted = (boxes[:, 2:] < 0).any(axis=1)
    if inverted.any():
        raise DataError(f"{describe(int(inverted.argmax()))}: its bbox has a negative width or height: correct it")
    return [_box(box) for box in boxes.tolist()]


def _box(values: Sequence[float]) -> Box:
    x, y, w, h = values
    return x, y, w, h


def _join_rows(path: Path, rows: Sequence[Mapping[str, Any]], answers: Sequence[Answer]) -> list[Answer | None]:
    """Give every plain row its answer."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        places[str(row.get("img_id")), str(row.get("sents"))].append(place)
    found: list[Answer | None] = [None] * len(rows)
    by_text: dict[tuple[str, str], list[Answer]] = defaultdict(list)
    for answer in answers:
        if "index" in answer.record:
            _put(found, answer, answer.record["index"], path)
        elif "img_id" in answer.record and "sents" in answer.record:
            by_text[str(answer.record["img_id"]), str(answer.record["sents"])].append(answer)
        else:
            raise DataError(f'{answer.where} has neither "index" nor "img_id" and "sents": name the row it answers')
    for key, given in by_text.items():
        if key not in places:
            raise DataError(f"{given[0].where} answers {key[1]!r} on {key[0]}, which {path} does not ask: remove it")
        if len(given) > len(places[key]):
            raise DataError(f"{given[-1].where} answers {key[1]!r} on {key[0]} again, after {given[0].where}: keep one")
        served = given * len(places[key]) if len(given) == 1 else given
        for place, answer in zip(places[key], served, strict=False):
            _put(found, answer, place, path)
    return found


def _put(found: list[Answer | None], answer: Answer, place: Any, path: Path) -> None:
    if type(place) is not int or not 0 <= place < len(found):
        raise DataError(f"{answer.where} answers row {place!r}, but {path} has rows 0 to {len(found) - 1}: correct it")
    earlier = found[place]
    if earlier is not None:
        raise DataError(f"{answer.where} answers row {place} of {path} again, after {earlier.where}: keep one")
    found[place] = answer


def _pair(target_xywh: Box, answer: Answer | None, form: str) -> BoxPair:
    if answer is None:
        return BoxPair(target_xywh, None, None)
    record, where = answer.record, answer.where
    if "bbox" not in record and "ranked_boxes" not in record:
        raise DataError(f'{where} has neither "bbox" nor "ranked_boxes": write null where there is no answer')
    ranked = _ranked(record.get("ranked_boxes"), where, form)
    given = _ranked(record["bbox"], where, form) if "bbox" in record else ranked
    return BoxPair(target_xywh, given[0] if given else None, ranked or given)


def _ranked(value: Any, where: str, form: str) -> tuple[Box, ...]:
    """Read one box or a list of boxes, best first, as xywh."""
    if value is None:
        return ()
    several = isinstance(value, list) and all(isinstance(each, list) for each in value)
    boxes = numbers(value if several else [value], 4, "bbox", lambda place: where)
    if form == "xyxy":
        boxes[:, 2:] -= boxes[:, :2]
    return tuple(_box(box) for box in boxes.tolist())


def _row(pair: BoxPair, iou: Callable[[Box, Box], float]) -> Row:
    """Measure the top-ranked box alone."""
    if pair.top_xywh is None:
        return {"iou": 0.0, "malformed": 0, "missing": 1}
    malformed = _is_malformed(pair.top_xywh)
    return {
        "iou": 0.0 if malformed else iou(pair.top_xywh, pair.target_xywh),
        "malformed": int(malformed),
        "missing": 0,
    }


def _is_malformed(box_xywh: Box) -> bool:
    return box_xywh[2] < 0 or box_xywh[3] < 0


def _mdetr(pairs: Sequence[BoxPair], protocol: str) -> ScoreReport:
    """Score as MDETR does: generalised IoU >= 0.5 for a box among the first k, over expressions with a record."""
    ranked = [(pair.target_xywh, pair.ranked_xywh) for pair in pairs if pair.ranked_xywh is not None]
    if not ranked:
        raise DataError("variant=mdetr scores answered expressions only, and there is none: choose another variant")
    hits = [[_is_close(box, target) for box in boxes] for target, boxes in ranked]
    return ScoreReport(
        metric="rec",
        protocol=protocol,
        n=len(ranked),
        missing=sum(not boxes for _, boxes in ranked),
        malformed=sum(bool(boxes) and _is_malformed(boxes[0]) for _, boxes in ranked),
        metrics={f"p@{k}": sum(any(hit[:k]) for hit in hits) / len(hits) for k in RANKS},
        notes=(MDETR_NOTE.format(len(pairs) - len(ranked)),),
    )


def _is_close(box_xywh: Box, target_xywh: Box) -> bool:
    return not _is_malformed(box_xywh) and box_giou_xywh(box_xywh, target_xywh) >= MDETR_GIOU


def score(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score predicted boxes of referring expressions.

    Args:
        targets: folder of `refs.json` and `instances.json`, the references file itself, or a file of plain rows.
        predictions: JSON lines.
        options: see `SCORERS`.

    Raises:
        DataError: naming the file, the id and what to do.
    """
    variant = choice(options, "variant", ("ge", "gt", "mattnet", "mdetr"), "ge")
    form = choice(options, "box", ("xywh", "xyxy"), "xywh")
    split = options.get("split", "all")
    pairs = read_pairs(targets, predictions, split, form)
    protocol = protocol_name("rec/1", {"variant": (variant, "ge"), "split": (split, "all")})
    if variant == "mdetr":
        return _mdetr(pairs, protocol)
    rows = [_row(pair, mattnet_iou_xywh if variant == "mattnet" else box_iou_xywh) for pair in pairs]
    return ScoreReport(
        metric="rec",
        protocol=protocol,
        n=len(rows),
        missing=sum(int(row["missing"]) for row in rows),
        malformed=sum(int(row["malformed"]) for row in rows),
        metrics=aggregate(rows, "gt" if variant == "gt" else "ge"),
    )


MDETR_NOTE = (
    "MDETR thresholds generalised IoU, looks at the first k boxes and leaves expressions without a record out "
    "({} here): never compare these with acc@T"
)
FILE_CARD = Card(
    definition=CARD.definition,
    source=f"{CARD.source}; variant=mattnet: lichengunc/MAttNet; variant=mdetr: RefExpEvaluator of MDETR",
    edge_rules=(
        *CARD.edge_rules,
        "variant=gt: hits need IoU > T, and acc@T_ge shows the inclusive rule where it differs",
        "variant=mattnet: the intersection counts pixels inclusively, sides below one pixel give IoU 0",
        "variant=mdetr: generalised IoU of the first k boxes, answered expressions only",
    ),
    keys={**CARD.keys, "p@K": "variant=mdetr: share of answered expressions with a hit among the first K boxes"},
)
SCORERS = [
    Scorer(
        name="rec",
        score=score,
        targets="folder with refs.json and instances.json (or that refs file), or a JSON list of img_id, sents, bbox",
        predictions=(
            "JSON lines of ref_id, sent_id (plain rows: index, or img_id and sents) and bbox [x, y, w, h], or null, "
            "or several boxes best first"
        ),
        card=FILE_CARD,
        options={
            "variant": "ge (default: IoU >= T) | gt (IoU > T) | mattnet (pixel IoU) | mdetr (generalised IoU, top k)",
            "split": "all (default) or one split of the references",
            "box": "xywh (default) | xyxy: how predicted boxes are written",
        },
    )
]
