"""Queries in, predictions out: the reference model as a program of its own, usable without the harness."""

from collections.abc import Sequence
from pathlib import Path

import torch
from pycocotools import mask as coco_mask

from benchmarks.errors import ModelError
from benchmarks.schema import Group, Instance, Prediction, Query, Status, Unit
from refvlm import checkpoint
from refvlm.fingerprint import fingerprint
from refvlm.generation import Generated, GeneratedBatch, generate
from refvlm.model import Decoded
from refvlm.processor import Letterbox, normalise
from refvlm.prompting import turn_text
from refvlm.trp import parse

BUNDLED = Path(__file__).parent / "weights" / "tiny"
"""The checkpoint that comes with the package: trained on the sample world."""
DECODED_UNITS = ("box", "mask")


class Predictor:
    """A loaded checkpoint."""

    def __init__(self, folder: Path = BUNDLED, device: str = "cpu", dtype: str = "float32") -> None:
        """Load a checkpoint folder.

        Raises:
            ModelError: it is damaged, does not fit its configuration, or the device is not there.
        """
        self.hash = fingerprint(folder)
        try:
            self.model, self.tokenizer = checkpoint.load(folder, device, getattr(torch, dtype))
        except (RuntimeError, AssertionError) as error:
            if isinstance(error, ModelError):
                raise
            raise ModelError(
                f"the model cannot run on {device} ({str(error).splitlines()[0]}): try --device cpu"
            ) from None

    def fingerprint(self) -> str:
        """SHA-256 of the checkpoint."""
        return self.hash

    def predict(self, queries: Sequence[Query]) -> list[Prediction]:
        """Answer queries as one batch, greedily. Images that several queries share are encoded once.

        Raises:
            DataError: an image cannot be read.
            ModelError: a query wants a visual prompt or a unit that this checkpoint has no decoder for.
        """
        for query in queries:
            if query.regions or query.wants not in DECODED_UNITS:
                what = "visual prompts" if query.regions else f"unit '{query.wants}'"
                raise ModelError(
                    f"{query.sample_id}: this model answers {', '.join(DECODED_UNITS)}; it takes no {what}"
                )
        paths = list(dict.fromkeys(query.image for query in queries))
        boxes = [Letterbox(image.size_hw, self.model.config.image_size) for image in paths]
        pixels = torch.stack([normalise(box.paste(image.open_rgb())) for box, image in zip(boxes, paths, strict=True)])
        turns = [turn_text(query.prompt, query.wants) for query in queries]
        image = [paths.index(query.image) for query in queries]
        batch = generate(self.model, self.tokenizer, pixels, image, [self.tokenizer.encode(turn) for turn in turns])
        return [
            self._prediction(query, turns[row], batch, batch.answers[row], boxes[image[row]])
            for row, query in enumerate(queries)
        ]

    def _prediction(
        self, query: Query, turn: str, batch: GeneratedBatch, answer: Generated, letterbox: Letterbox
    ) -> Prediction:
        parsed = parse(answer.text)
        problems = [diagnostic.message for diagnostic in parsed.diagnostics]
        if not answer.finished:
            problems.append(f"the answer was cut after {len(answer.ids)} tokens")
        groups: list[Group] = []
        if not problems and batch.decoded is not None:
            groups = self._groups(answer, batch.decoded, letterbox)
        status: Status = "parse_error" if problems else "ok"
        return Prediction(query.sample_id, status, answer.text, turn, tuple(groups), "; ".join(problems[:3]))

    def _groups(self, answer: Generated, decoded: Decoded, letterbox: Letterbox) -> list[Group]:
        """Route every triplet to the decoder of the unit that the model itself named."""
        groups: list[Group] = []
        ref = answer.first_ref
        for group, score in zip(answer.groups, answer.scores, strict=True):
            unit: Unit = "box" if self.tokenizer.decode(group.unit).strip() == "box" else "mask"
            instances = [_instance(unit, decoded, ref + i, score, letterbox) for i in range(len(group.refs))]
            phrase = self.tokenizer.decode(answer.ids[slice(*group.phrase)]).strip()
            groups.append(Group(phrase=phrase, unit=unit, instances=tuple(instances)))
            ref += len(group.refs)
        return groups


def _instance(unit: Unit, decoded: Decoded, row: int, score: float, letterbox: Letterbox) -> Instance:
    if unit == "box":
        return Instance(score=score, box_xyxy=letterbox.box_out(decoded.boxes[row]))
    mask = letterbox.mask_out(decoded.masks[row])
    rle = coco_mask.encode(mask.astype("uint8", order="F"))
    return Instance(score=score, mask_rle={"size": list(mask.shape), "counts": rle["counts"].decode("ascii")})
