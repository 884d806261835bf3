"""Poses by another program: whatever finds the joints of a person in an image and a box can answer unit keypoint.

    class Mine(PoseDecoder):
        @classmethod
        def build(cls, config, level_widths, options): return cls(config)
        def estimate(self, images, boxes): return my_estimator(images, boxes)

and one line in `refvlm.decoders.registry` make it a decoder; `keypoint_decoder: mine` with `decoders: {mine: {}}` lets
it answer. It does not learn with the model.
"""

import torch
from torch import Tensor

from benchmarks.schema import Instance
from refvlm.config import RefVLMConfig
from refvlm.decoders.base import Decoder, Reply
from refvlm.decoders.keypoint import pose_instances
from refvlm.decoders.pretrained import to_rgb


class PoseDecoder(Decoder):
    """Images and boxes -> joints; a subclass says how."""

    def __init__(self, config: RefVLMConfig) -> None:
        super().__init__()
        self.how = config.pixels

    def estimate(self, images: Tensor, boxes: Tensor) -> Tensor:
        """Find the joints of M people.

        Args:
            images: float32 [M, 3, S, S], RGB of 0 to 255, the square input of each person's picture.
            boxes: float32 [M, 4], cxcywh in 0..1 of it.

        Returns:
            float32 [M, K, 3], x and y in 0..1 of the square, and how sure each joint is, 0 to 1.
        """
        raise NotImplementedError

    def answer(self, reply: Reply) -> list[Instance]:
        """One pose for each row."""
        decoded = reply.decoded
        assert decoded.features is not None
        square = decoded.features.square[decoded.located.image[reply.rows]]
        with torch.no_grad():
            joints = self.estimate(to_rgb(square, self.how), decoded.boxes[reply.rows].float())
        return pose_instances(reply, joints[..., :2], joints[..., 2])
