"""What adapters of vision checkpoints share: pictures made ready ahead, and batches of those that fit together.

Pictures keep the size that the checkpoint's own processor gives them, so only those of equal shapes go through the
model at once; nothing is padded that the processor does not pad.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

from benchmarks.schema import ImageRef, Prediction, Query
from tasks.base import LoadOptions
from tasks.models import checkpoints
from tasks.models.families import Member, P

if TYPE_CHECKING:
    import torch

Inputs = Mapping[str, "torch.Tensor"]
"""What a processor makes of one question: tensors whose first axis has one entry."""


class VisionModel(Generic[P]):
    """A loaded checkpoint: its network, its processor, and how its preset uses them. A family adds `predict`."""

    def __init__(self, member: Member[P], folder: Path, options: LoadOptions, auto_class: Any) -> None:
        """Load the network; a family loads its processor.

        Raises:
            ModelError: see `checkpoints.model`.
        """
        self.preset, self._folder = member.preset, folder
        self.arguments = dict(options.args)
        self._dtype = options.dtype
        self.alone = False
        """Whether the network must see one picture at a time, because those of a batch change each other's answers."""
        self.model = checkpoints.model(
            folder,
            auto_class,
            options,
            self.preset.spare_keys,
            self.preset.trust_remote_code,
            self.preset.absent_keys,
        )

    def fingerprint(self) -> str:
        """Hash over weights and settings."""
        return checkpoints.fingerprint(self._folder, self.preset.settings())

    def batches(self, inputs: Sequence[Inputs]) -> Iterator[tuple[list[int], "dict[str, torch.Tensor]"]]:
        """Join inputs of equal shapes: (their places, tensors on the network's device, in its number format)."""
        import torch

        shapes: dict[tuple[Any, ...], list[int]] = {}
        for place, each in enumerate(inputs):
            shape = tuple((key, tuple(value.shape)) for key, value in each.items())
            shapes.setdefault((shape, place if self.alone else None), []).append(place)
        for places in shapes.values():
            joined = {key: torch.cat([inputs[place][key] for place in places]) for key in inputs[places[0]]}
            yield places, {key: self.placed(value) for key, value in joined.items()}

    def placed(self, value: "torch.Tensor") -> "torch.Tensor":
        """Bring a tensor to the device, and numbers with a fraction to the number format, of the network."""
        import torch

        dtype = getattr(torch, self._dtype) if value.is_floating_point() else value.dtype
        return value.to(self.model.device, dtype)


def pictures(queries: Sequence[Query], see: Callable[[ImageRef], Inputs]) -> list[Inputs]:
    """What the processor makes of every query's picture, made ahead where the run could."""
    return [query.image.seen(see) for query in queries]


def reply(query: Query, **answer: Any) -> Prediction:
    """Build an answer that could be read, to a query. Its prompt is empty unless the network was given words."""
    return Prediction(sample_id=query.sample_id, status="ok", **answer)
