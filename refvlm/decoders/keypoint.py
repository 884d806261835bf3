"""Keypoint decoder: looks at the pixels inside a box and finds every joint on a heat map of its own.

The published decoder regresses joints from query slots; reading them off maps trains from scratch many times faster, as
reference points do for boxes.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.schema import Instance
from refvlm.config import KeypointConfig, RefVLMConfig
from refvlm.decoders.base import Decoded, Decoder, Reply, Truth, noise
from refvlm.decoders.joint_truth import as_set
from refvlm.decoders.query import Located, local_soft_argmax
from refvlm.joints import joint_set, wanted_set
from refvlm.losses import JointTruth, joint_losses
from refvlm.vision import coordinate_maps

VISIBILITIES = 3
"""0 not there, 1 hidden, 2 visible, as COCO flags them."""
_JITTER = 0.08
"""While training it looks into true boxes that are moved and scaled by about this share, as decoded ones are off."""


class KeypointDecoder(Decoder):
    """Located queries, pixel embeddings and boxes -> joints of one set, or of several, each with a head of its own."""

    def __init__(self, config: RefVLMConfig, keypoint: KeypointConfig) -> None:
        super().__init__()
        self.config = keypoint
        width = keypoint.width
        self.enter = nn.Conv2d(config.decoder.pixel_width + 2, width, 3, padding=1)
        self.tell = nn.Linear(config.decoder.width, width)
        self.layers = nn.ModuleList(_RoiBlock(width) for _ in range(3))
        self.heat = nn.Conv2d(width, keypoint.joints, 1)
        self.seen = nn.Linear(width, keypoint.joints * VISIBILITIES)
        self.further = nn.ModuleDict({name: _Head(width, len(joint_set(name).names)) for name in keypoint.sets[1:]})

    def forward(
        self, located: Located, pixels: Tensor, rows: Tensor, boxes: Tensor, kind: str = ""
    ) -> tuple[Tensor, Tensor]:
        """Find the joints of some queries.

        Args:
            located: N queries.
            pixels: float [B, P, S, S], pixel embeddings.
            rows: int [M], which of the N queries.
            boxes: float [M, 4], where to look, cxcywh in 0..1 of the square input.
            kind: which of its sets of joints; the first where none is named.

        Returns:
            Heat maps, float32 logits [M, K, C*C] over the widened box, and visibility logits [M, K, 3].
        """
        return self._read(self._look(located, pixels, rows, boxes), kind)

    def _look(self, located: Located, pixels: Tensor, rows: Tensor, boxes: Tensor) -> Tensor:
        """Features over the widened boxes, [M, width, C, C]."""
        cells = self.config.cells
        axis = coordinate_maps(cells, boxes.float())[0]  # [2, C, C], -1..1
        centre, reach = boxes[:, :2], boxes[:, 2:] / 2 * self.config.margin
        at = centre[:, :, None, None] + reach[:, :, None, None] * axis  # [M, 2, C, C] in 0..1
        grid = (at * 2 - 1).permute(0, 2, 3, 1).to(pixels.dtype)
        looked = functional.grid_sample(pixels[located.image[rows]], grid, align_corners=False)
        relative = axis[None].expand(len(rows), -1, -1, -1).to(looked.dtype)
        x = self.enter(torch.cat([looked, relative], 1)) + self.tell(located.query[rows])[:, :, None, None]
        for layer in self.layers:
            x = layer(x)
        out: Tensor = x
        return out

    def _read(self, x: Tensor, kind: str) -> tuple[Tensor, Tensor]:
        """Apply the head of a set of joints."""
        heat, seen = (self.heat, self.seen) if kind in ("", self.config.sets[0]) else self._further(kind)
        told = seen(x.mean((2, 3))).float().reshape(len(x), -1, VISIBILITIES)
        return heat(x).float().flatten(2), told

    def _further(self, kind: str) -> tuple[nn.Module, nn.Module]:
        head = self.further[kind]
        assert isinstance(head, _Head)
        return head.heat, head.seen

    def points(self, heat: Tensor, boxes: Tensor) -> Tensor:
        """Read joints off heat maps [M, K, C*C]: float32 [M, K, 2], xy in 0..1 of the square input."""
        cells, count = self.config.cells, heat.shape[1]
        inside = local_soft_argmax(heat.flatten(0, 1), cells, 5).reshape(-1, count, 2)  # 0..1 of the widened box
        return boxes[:, None, :2] + (inside - 0.5) * boxes[:, None, 2:] * self.config.margin

    def answer(self, reply: Reply) -> list[Instance]:
        """One pose for each row, of the set of joints that the question names."""
        decoded, kind = reply.decoded, wanted_set(reply.joints, self.config.sets)
        boxes = decoded.boxes[reply.rows]
        heat, seen = self(decoded.located, decoded.pixels, reply.rows, boxes, kind)
        return pose_instances(reply, self.points(heat, boxes), 1 - seen.softmax(2)[:, :, 0])

    def losses(self, decoded: Decoded, truth: Truth) -> dict[str, Tensor]:
        """Look for the joints in true boxes that are moved a little; the sum over its sets of joints."""
        rows = posed(truth)
        if not len(rows):
            return {}
        true, moved = truth.boxes[rows], noise((len(rows), 4), truth.seed).to(truth.boxes.device) * _JITTER
        boxes = torch.cat([true[:, :2] + moved[:, :2] * true[:, 2:], true[:, 2:] * moved[:, 2:].exp()], 1)
        widened = torch.cat([boxes[:, :2], boxes[:, 2:] * self.config.margin], 1)
        looked = self._look(decoded.located, decoded.pixels, rows, boxes)
        areas, total = areas_of(truth, rows), torch.zeros((), device=boxes.device)
        for kind in self.config.sets:
            heat, seen = self._read(looked, kind)
            wanted = JointTruth(as_set(truth.joints[rows], kind), areas, kind)
            total = total + joint_losses(heat, seen, self.points(heat, boxes), widened, wanted)
        return {"joints": total}


def posed(truth: Truth) -> Tensor:
    """Rows whose joints are asked for, int [M]."""
    return truth.spatial[truth.joints[truth.spatial, 0, 2] >= 0]


def areas_of(truth: Truth, rows: Tensor) -> Tensor:
    """Area of people as a share of the square, float [M]; half of the box where the mask is not known."""
    areas = truth.masks[rows].mean((1, 2))
    return torch.where(areas > 0, areas, 0.5 * truth.boxes[rows, 2] * truth.boxes[rows, 3])


def pose_instances(reply: Reply, points: Tensor, sure: Tensor) -> list[Instance]:
    """Bring joints [M, K, 2] in 0..1 of the square, with how sure each is there [M, K], to the picture."""
    places, there, out = points.cpu(), sure.cpu(), reply.letterbox
    boxes = reply.decoded.boxes[reply.rows]
    return [
        Instance(
            score=score,
            box_xyxy=out.box_out(boxes[k]),
            keypoints=tuple(
                (*out.point_out(float(x), float(y)), float(value))
                for (x, y), value in zip(places[k], there[k], strict=True)
            ),
        )
        for k, score in enumerate(reply.scores())
    ]


class _Head(nn.Module):
    """Heat maps and visibility of a further set of joints."""

    def __init__(self, width: int, joints: int) -> None:
        super().__init__()
        self.heat = nn.Conv2d(width, joints, 1)
        self.seen = nn.Linear(width, joints * VISIBILITIES)


class _RoiBlock(nn.Module):
    """A residual pair of 3x3 convolutions that also hears the mean of the whole map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))
        self.whole = nn.Linear(width, width)
        self.second = nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        """[M, C, S, S] -> the same shape."""
        inner = self.first(x)
        out: Tensor = x + self.second(inner + self.whole(inner.mean((2, 3)))[:, :, None, None])
        return out
