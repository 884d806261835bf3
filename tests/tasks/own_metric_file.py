"""A metric as a user would write it: how far the middle of the first box lies from the middle of the right one."""

import math

from metrics.base import Card, Metric
from tasks.base import OwnMetric


def measure(sample, prediction):
    """Distance of the middles in diagonals of the image; an answer without a box is one whole diagonal away."""
    height, width = sample.image.size_hw
    boxes = prediction.boxes() if prediction.status == "ok" else []
    if not boxes:
        return {"distance": 1.0, "answered": 0}
    (x, y), (right_x, right_y) = middle(boxes[0]), middle(sample.target.box_xyxy)
    return {"distance": min(math.hypot(x - right_x, y - right_y) / math.hypot(width, height), 1.0), "answered": 1}


def middle(box):
    """The middle of a box, x and y in pixels."""
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def aggregate(rows):
    """Mean distance, and the share of expressions that were answered."""
    distances = [row["distance"] for row in rows]
    return {
        "middle_error": sum(distances) / len(rows),
        "middle_answered": sum(row["answered"] for row in rows) / len(rows),
    }


MIDDLE = Metric(
    name="middle",
    kind="rec",
    protocol="middle/1",
    aggregate=aggregate,
    headline="middle_error",
    higher_is_better=False,
    card=Card(
        definition="distance between the middles of answered and right box, in diagonals of the image",
        source="written for this test",
        edge_rules=("no answer is one diagonal away",),
        keys={"middle_error": "mean distance of the middles", "middle_answered": "share of answers with a box"},
        bounds={"middle_error": (1.0, 0.0)},
    ),
)
METRICS = [OwnMetric(MIDDLE, measure)]
