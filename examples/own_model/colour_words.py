"""A model in one file: it finds what has the colour that a question names. `--include examples/own_model`.

It needs no weights and no network, so it is a floor for referring tasks: what colour alone can tell. A model of yours
differs in `load`, which reads its weights, and in `_answer`.
"""

from collections.abc import Sequence

import numpy as np

from benchmarks.geometry import encode
from benchmarks.schema import Group, Instance, Prediction, Query
from tasks.base import LoadOptions, ModelEntry

COLOURS = {
    "red": (220, 50, 40), "orange": (240, 150, 40), "yellow": (240, 220, 50), "green": (50, 160, 70),
    "blue": (50, 90, 210), "purple": (140, 70, 170), "pink": (240, 150, 190), "brown": (130, 85, 50),
    "black": (20, 20, 20), "white": (245, 245, 245), "gray": (128, 128, 128), "grey": (128, 128, 128),
}  # fmt: skip
"""Word -> red, green, blue in 0..255."""
REACH = 80.0
"""How far, in those units, a pixel may lie from its colour."""


class ColourWords:
    """Finds the largest patch of the colour that a question names; nothing where it names none."""

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer each query alone: the batch changes nothing."""
        return [_answer(query) for query in queries]

    def fingerprint(self) -> str:
        """Everything that answers depend on; a model with weights hashes them."""
        return f"{COLOURS} {REACH}"


def _answer(query: Query) -> Prediction:
    found = next((word for word in query.question.lower().split() if word in COLOURS), None)
    mask = None if found is None else largest_patch(np.asarray(query.image.open_rgb()), COLOURS[found])
    if mask is None:
        return Prediction(query.sample_id, "ok", prompt=query.prompt)
    ys, xs = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = (float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1))
    instance = Instance(score=1.0, box_xyxy=box, mask_rle=encode(np.asfortranarray(mask, dtype=np.uint8)))
    return Prediction(
        query.sample_id, "ok", prompt=query.prompt, groups=(Group(query.question, query.wants, (instance,)),)
    )


def largest_patch(photo: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray | None:
    """The largest connected patch near a colour: bool [H, W] from uint8 [H, W, 3]; None where no pixel is near."""
    from scipy import ndimage

    near = np.linalg.norm(photo.astype(np.float64) - colour, axis=2) < REACH
    labels, count = ndimage.label(near)
    if not count:
        return None
    return np.asarray(labels == 1 + np.bincount(labels.ravel())[1:].argmax())


def load(options: LoadOptions) -> ColourWords:
    """Read weights from `options.weights`, and put the network on `options.device`; here there is none."""
    return ColourWords()


MODELS = [
    ModelEntry(
        name="colour-words",
        kind="example",
        units=("box", "mask"),
        load=load,
        description="the largest patch of the colour that the question names",
        weights="none",
    )
]
