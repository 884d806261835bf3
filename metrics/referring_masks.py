"""Score referring masks from files: `refs.json` or `grefs.json` with `instances.json`, and answers as JSON lines."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metrics import gres, res
from metrics.base import Card, Row, Scorer, ScoreReport
from metrics.coco_masks import read_masks
from metrics.errors import DataError
from metrics.json_files import load_json
from metrics.masks import Rle, area, empty, join
from metrics.options import choice
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
)


@dataclass(frozen=True)
class MaskPair:
    """A target mask and its answer.

    Attributes:
        size_hw: size of the image.
        target: union of its annotations; None where the expression has no target.
        pred: union of the predicted masks; None where there is none.
        answer: the record that was read; None where the file has none.
    """

    size_hw: tuple[int, int]
    target: Rle | None
    pred: Rle | None
    answer: Answer | None

    def flag(self) -> bool:
        """Read the field `no_target` of the answer; False where there is no answer.

        Raises:
            DataError: the field is absent or not true or false.
        """
        if self.answer is None:
            return False
        value = self.answer.record.get("no_target")
        if type(value) is not bool:
            raise DataError(
                f'{self.answer.where}: "no_target" is {value!r} but must be true or false: add it, or choose '
                "no_target=empty to read masks without pixels as refusals"
            )
        return value


def read_pairs(targets: Path, predictions: Path, split: str) -> list[MaskPair]:
    """Read targets and predictions and join them.

    Args:
        split: one official split, or "all".

    Raises:
        DataError: a file breaks its format, or an answer does not fit.
    """
    path = find_references(targets) if targets.is_dir() else targets
    content = load_json(path)
    if isinstance(content, list) and content and isinstance(content[0], dict) and "sents" in content[0]:
        raise DataError(f"{path} holds plain rows with boxes only: masks need refs.json with instances.json")
    references = read_references(path, content)
    by_key = join_answers(references, read_answers(predictions))
    chosen = choose_split(references, split)
    true = _target_masks(references, chosen)
    found = _predicted_masks(references, chosen, by_key)
    return [
        MaskPair(
            size_hw=references.size_hw(each.image_id),
            target=true.get(each.annotation_ids),
            pred=found.get(each.key),
            answer=by_key.get(each.key),
        )
        for each in chosen
    ]


def _target_masks(references: References, chosen: Sequence[Expression]) -> dict[tuple[Any, ...], Rle]:
    """Join the annotations of every reference: annotation ids -> mask."""
    wanted = {each.annotation_ids: each.image_id for each in chosen if each.annotation_ids}
    owners = {annotation_id: image_id for ids, image_id in wanted.items() for annotation_id in ids}
    ids = list(owners)
    rles = _masks(
        [references.annotation(each, "segmentation") for each in ids],
        [references.size_hw(image_id) for image_id in owners.values()],
        lambda place: f"{references.instances}: annotation {ids[place]!r}",
    )
    by_id = dict(zip(ids, rles, strict=True))
    return {key: join([by_id[each] for each in key]) for key in wanted}


def _predicted_masks(
    references: References, chosen: Sequence[Expression], answers: Mapping[tuple[Any, ...], Answer]
) -> dict[tuple[Any, ...], Rle]:
    """Join the masks of every answer: expression key -> mask; answers without a mask are left out."""
    parts = [
        (each, answers[each.key], part)
        for each in chosen
        if each.key in answers
        for part in _segmentations(answers[each.key])
    ]
    rles = _masks(
        [part for _, _, part in parts],
        [references.size_hw(each.image_id) for each, _, _ in parts],
        lambda place: f"{parts[place][1].where} (image {parts[place][0].image_id!r})",
    )
    grouped: dict[tuple[Any, ...], list[Rle]] = {}
    for (each, _, _), rle in zip(parts, rles, strict=True):
        grouped.setdefault(each.key, []).append(rle)
    return {key: join(masks) for key, masks in grouped.items()}


def _segmentations(answer: Answer) -> list[Any]:
    """List the masks of an answer: none for null, several for a list of run lengths, else the one it holds."""
    if "segmentation" not in answer.record:
        raise DataError(f'{answer.where} has no "segmentation": write null where there is no mask')
    value = answer.record["segmentation"]
    if value is None or value == []:
        return []
    if isinstance(value, list) and all(isinstance(each, dict) for each in value):
        return value
    return [value]


def _masks(segmentations: Sequence[Any], sizes_hw: Sequence[tuple[int, int]], where: Callable[[int], str]) -> list[Rle]:
    """Compress masks and refuse those of another size than their image."""
    masks = read_masks(segmentations, np.array(sizes_hw, dtype=np.int64).reshape(-1, 2), where)
    if masks.odd.any():
        place = int(np.argmax(masks.odd))
        have, want = masks.rles[place]["size"], sizes_hw[place]
        raise DataError(
            f"{where(place)}: its mask is {have[0]} x {have[1]} but the image is {want[0]} x {want[1]} "
            "(rows x columns): bring the mask to the size of the image"
        )
    return list(masks.rles)


_AGGREGATES = {"refbench": res.aggregate, "lavt": res.aggregate_lavt, "lisa": res.aggregate_lisa}


def score_res(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score predicted masks of referring expressions.

    Args:
        targets: folder of `refs.json` or `grefs.json` and `instances.json`, or the references file itself.
        predictions: JSON lines.
        options: see `SCORERS`.

    Raises:
        DataError: naming the file, the id and what to do.
    """
    variant = choice(options, "variant", tuple(_AGGREGATES), "refbench")
    samples = choice(options, "samples", ("all", "targets"), "all")
    split = options.get("split", "all")
    pairs = read_pairs(targets, predictions, split)
    kept = [pair for pair in pairs if samples == "all" or pair.target is not None]
    if not kept:
        raise DataError(f"option samples=targets: no expression of split {split} in {targets} has a target")
    rows = [res.measure(pair.pred, pair.target or empty(pair.size_hw)) for pair in kept]
    return ScoreReport(
        metric="res",
        protocol=protocol_name(
            "res/1",
            {"variant": (variant, "refbench"), "samples": (samples, "all"), "split": (split, "all")},
        ),
        n=len(rows),
        missing=sum(int(row["missing"]) for row in rows),
        malformed=0,
        metrics=_AGGREGATES[variant](rows),
        notes=_res_notes(pairs, samples),
    )


def _res_notes(pairs: Sequence[MaskPair], samples: str) -> tuple[str, ...]:
    absent = sum(pair.target is None for pair in pairs)
    if not absent:
        return ()
    fate = "were compared with an empty mask (samples=targets leaves them out)" if samples == "all" else "were left out"
    return (f"{absent} expressions have no target and {fate}; the metric gres scores refusals",)


def score_gres(targets: Path, predictions: Path, options: Mapping[str, str]) -> ScoreReport:
    """Score predicted masks and refusals of expressions with one, several or no targets.

    Args:
        targets: folder of `grefs.json` and `instances.json`, or the references file itself.
        predictions: JSON lines.
        options: see `SCORERS`.

    Raises:
        DataError: naming the file, the id and what to do.
    """
    flag = choice(options, "no_target", ("field", "empty"), "field")
    split = options.get("split", "all")
    rows = [_gres_row(pair, flag) for pair in read_pairs(targets, predictions, split)]
    missing = sum(int(row["missing"]) for row in rows)
    return ScoreReport(
        metric="gres",
        protocol=protocol_name("gres/1", {"no_target": (flag, "field"), "split": (split, "all")}),
        n=len(rows),
        missing=missing,
        malformed=0,
        metrics=gres.aggregate(rows),
        notes=(f"t_acc counts the {missing} missing answers as ReLA does: none of them is a refusal",)
        if missing
        else (),
    )


def _gres_row(pair: MaskPair, flag: str) -> Row:
    empty_answer = pair.answer is not None and (pair.pred is None or area(pair.pred) == 0)
    return gres.measure(pair.pred, pair.target, pair.flag() if flag == "field" else empty_answer)


_TARGETS = "folder with {} and instances.json, or that refs file"
_SPLIT = {"split": "all (default) or one split of the references"}
_MASK = "segmentation (RLE, polygons, a list of RLEs that are joined, or null)"
RES_CARD = Card(
    definition=res.CARD.definition,
    source=res.CARD.source,
    edge_rules=(
        *res.CARD.edge_rules,
        *(f"variant=lavt: {rule}" for rule in res.LAVT_CARD.edge_rules if rule not in res.CARD.edge_rules),
        *(f"variant=lisa: {rule}" for rule in res.LISA_CARD.edge_rules if rule not in res.CARD.edge_rules),
        "a no_target field is not read: the mask alone counts",
    ),
    keys=res.CARD.keys,
)
GRES_CARD = Card(
    definition=gres.CARD.definition,
    source=gres.CARD.source,
    edge_rules=(
        *gres.CARD.edge_rules,
        "no_target=empty: an answer without a mask pixel is read as a refusal, whatever its field says",
    ),
    keys=gres.CARD.keys,
)
SCORERS = [
    Scorer(
        name="res",
        score=score_res,
        targets=_TARGETS.format("refs.json or grefs.json"),
        predictions=f"JSON lines of ref_id, sent_id and {_MASK}",
        card=RES_CARD,
        options={
            "variant": "refbench (default) | lavt (empty union is IoU 0) | lisa (its epsilons, empty union is IoU 1)",
            "samples": "all (default) | targets: leave expressions without a target out",
            **_SPLIT,
        },
    ),
    Scorer(
        name="gres",
        score=score_gres,
        targets=_TARGETS.format("grefs.json"),
        predictions=f"JSON lines of ref_id, sent_id, no_target (true or false) and {_MASK}",
        card=GRES_CARD,
        options={
            "no_target": "field (default): the refusal is the field no_target | empty: it is a mask without pixels",
            **_SPLIT,
        },
    ),
]
