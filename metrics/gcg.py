"""Grounded captions (GCG): masks for the phrases of a generated caption, scored by GLaMM's rules, and one of ours.

Protocol gcg/1. GLaMM's mIoU averages over matched pairs only, so a model that finds one object of five and stays
silent about the rest is not punished; `miou_penalised` divides by all objects or all masks, whichever are more.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from metrics import captions, detection
from metrics.base import Card, Metric, Row
from metrics.text_similarity import Similarity, jaccard

THRESHOLD = 0.5
KEYS = ("ap50", "miou", "recall", "meteor", "cider", "miou_penalised")


def measure(iou: np.ndarray, labels: Sequence[str], phrases: Sequence[str], similarity: Similarity = jaccard) -> Row:
    """Match the masks of one image with its objects.

    Args:
        iou: float [G, P], overlap of each true object with each predicted mask, both in the order of their files.
        labels: name of each true object, [G].
        phrases: phrase of each predicted mask, [P]; "" where there is none.
        similarity: how alike two phrases are.

    Returns:
        `iou_mean` over the matched pairs (0 without any), `iou_penalised`, `hits` of recall and `objects` G.

    Raises:
        ValueError: shapes do not fit.
    """
    if iou.shape != (len(labels), len(phrases)):
        raise ValueError(f"iou is {iou.shape} but there are {len(labels)} labels and {len(phrases)} phrases")
    overlaps = []
    hits = 0
    hitting = True
    left = np.array(iou, dtype=float)
    while left.size and left.max() > 0:
        row, column = divmod(int(left.argmax()), left.shape[1])
        best = float(left[row, column])
        overlaps.append(best)
        # GLaMM stops counting hits at the first pair that fails, even where a later pair would pass.
        hitting = hitting and best >= THRESHOLD and similarity(labels[row], phrases[column]) >= THRESHOLD
        hits += hitting
        left[row, :] = 0
        left[:, column] = 0
    return {
        "iou_mean": sum(overlaps) / len(overlaps) if overlaps else 0.0,
        "iou_penalised": sum(overlaps) / max(*iou.shape, 1),
        "hits": hits,
        "objects": len(labels),
    }


def aggregate(rows: Sequence[Row]) -> dict[str, float]:
    """Turn rows into scores.

    `meteor` and `cider` come only where all rows hold those of `captions` too, `ap50` where they hold what
    `metrics.ap_rows` writes (NaN where there is no object).

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("gcg has no rows to aggregate: score at least one image")
    scores = {
        "miou": sum(row["iou_mean"] for row in rows) / len(rows),
        "recall": sum(row["hits"] for row in rows) / max(sum(row["objects"] for row in rows), 1),
        "miou_penalised": sum(row["iou_penalised"] for row in rows) / len(rows),
    }
    if all("cider" in row for row in rows):
        scores |= {key: value for key, value in captions.aggregate(rows).items() if key in KEYS}
    if all("true_category" in row for row in rows):
        scores["ap50"] = detection.aggregate_rows(rows)["ap50"]
    return {key: scores[key] for key in KEYS if key in scores}


CARD = Card(
    definition="captions whose phrases carry masks: AP50 of the masks without classes, mean IoU of matched masks, "
    "share of objects found with the right phrase, METEOR and CIDEr of the captions",
    source="GLaMM eval/gcg/evaluate.py (Rasheed et al. 2024), COCO segm AP and coco-caption",
    edge_rules=(
        "unit: one image; recall: one true object",
        "ap50: one category, all masks score 1.0, so ties go by the order of images and of their masks",
        "miou: pairs of object and mask are taken by descending IoU, each once, while IoU > 0; mean over pairs, then "
        "over images; objects left over do not count; 0 for an image without a pair",
        "miou_penalised (ours): the sum over pairs divided by the number of objects or of masks, whichever is larger",
        "recall: pairs by descending IoU count while IoU >= 0.5 and phrases are alike >= 0.5; the first that fails "
        "ends the image, as in GLaMM",
        "likeness of phrases: GLaMM takes the cosine of mean-pooled bert-base-uncased (option bert names a local "
        "copy); without it the share of common words, and the protocol says so: these recalls are not comparable",
        "an image without prediction scores 0 everywhere and an empty caption; GLaMM's script leaves such images out "
        "of METEOR and CIDEr",
        "a mask of another size than its image overlaps nothing, counts as a mask and as malformed",
        "METEOR needs Java and pycocoevalcap: None where they are absent",
    ),
    keys={
        "ap50": "average precision of masks at IoU 0.5, as COCO defines it",
        "miou": "mean IoU of matched pairs, in [0, 1]",
        "recall": "share of objects found by mask and phrase",
        "meteor": "METEOR 1.5 of the captions, in [0, 1]",
        "cider": "CIDEr-D of the captions, in [0, 10]",
        "miou_penalised": "mean IoU in which objects and masks left over count as 0",
    },
    bounds={"cider": (0.0, None)},
    units={"cider": "CIDEr-D points"},
)
GCG = Metric(name="gcg", kind="gcg", protocol="gcg/1 text=jaccard", aggregate=aggregate, headline="miou", card=CARD)
GCG_BERT = replace(GCG, name="gcg_bert", protocol="gcg/1 text=bert")
METRICS = [GCG, GCG_BERT]
