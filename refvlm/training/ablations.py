"""Our decoders against the published design: measures the runs of configs/train/ablations and writes them as a table.

    for name in ours published; do refbench train --config configs/train/ablations/$name.yaml \
        --out runs/ablations/$name; done
    python -m refvlm.training.ablations --runs runs/ablations --out docs/ablations.md

Decoders are measured alone: the language model hears the true answers about scenes that no run has seen, so that a word
it has not learnt yet hides nothing. Weights are those of the checkpoint, the moving average.
"""

import argparse
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.errors import ConfigError
from refvlm import checkpoint
from refvlm.decoders.base import Decoded, Decoder, Reply
from refvlm.decoders.joint_truth import as_set
from refvlm.losses import JointTruth, Targets, box_iou, decoder_losses, mask_iou, oks_of, to_xyxy
from refvlm.model import RefVLM
from refvlm.processor import Letterbox
from refvlm.training.batches import Batch, build
from refvlm.training.config import TrainConfig, load_config
from refvlm.training.step import decoded_of

CONFIGS = Path("configs/train/ablations")
FIRST_SCENE = 900_000
"""Index of the first scene that is measured on; runs begin at 0."""
COLUMNS = {"boxes": "box IoU", "acc": "box acc@.5", "masks": "mask IoU", "oks": "OKS"}
_SURE = 1.96
"""Standard errors on either side of a mean that hold the true one in 95 of 100 cases."""


@dataclass(frozen=True)
class Figure:
    """A mean over targets.

    Attributes:
        mean: in 0..1.
        margin: half of its 95 % interval, by the spread between scenes, whose targets are not independent; NaN for one
            scene.
        count: targets.
    """

    mean: float
    margin: float
    count: int

    @classmethod
    def of(cls, values: Tensor, scenes: Tensor) -> "Figure":
        """Take the mean of values float [N], each of a scene, int [N]."""
        _, place = torch.unique(scenes, return_inverse=True)
        clusters = int(place.max()) + 1
        sums, counts = (
            torch.zeros(clusters, dtype=torch.float64).index_add(0, place, each.double())
            for each in (values, torch.ones_like(values))
        )
        mean = sums.sum() / counts.sum()
        spread = ((sums - mean * counts) ** 2).sum() * clusters / max(clusters - 1, 1)
        margin = _SURE * float(spread.sqrt() / counts.sum()) if clusters > 1 else math.nan
        return cls(float(mean), margin, len(values))


def measure(config: TrainConfig, folder: Path, batches: int = 8) -> dict[str, Figure]:
    """Measure one run on scenes of its own kinds of questions.

    Args:
        config: what it was trained by.
        folder: its checkpoint.
        batches: how many batches of its own size.

    Returns:
        Mean IoU of boxes and of masks, share of boxes with at least 0.5, and mean OKS of labelled joints where joints
        are asked for.
    """
    model, tokenizer = checkpoint.load(folder)
    size, found = config.data.images_per_step, dict[str, list[tuple[Tensor, Tensor]]]()
    for number in range(batches):
        first = FIRST_SCENE + number * size
        batch = build(list(range(first, first + size)), False, tokenizer, config.data, config.region_tokens)
        with torch.inference_mode():
            for name, (values, images) in _measured(model, batch, decoded_of(model, batch)).items():
                found.setdefault(name, []).append((values.float(), images + first))
    return {name: Figure.of(*(torch.cat(each) for each in zip(*parts, strict=True))) for name, parts in found.items()}


def _measured(model: RefVLM, batch: Batch, decoded: Decoded) -> dict[str, tuple[Tensor, Tensor]]:
    """Compare every `<REF>` with the target that it is matched with; values, and the image of each."""
    rows = batch.spatial.nonzero()[:, 0]
    if not len(rows):
        return {}
    sizes = torch.unique_consecutive(batch.group[rows], return_counts=True)[1].tolist()
    targets = Targets(batch.boxes[rows], batch.masks[rows], sizes)
    _, match = decoder_losses(decoded.pick(rows), targets)
    image = batch.image[batch.ref_row[rows]]
    boxes = box_iou(to_xyxy(decoded.boxes[rows]), to_xyxy(targets.boxes[match]))[0]
    overlaps = mask_iou(decoded.masks[rows], targets.masks[match])
    found = {"boxes": (boxes, image), "acc": (boxes >= 0.5, image), "masks": (overlaps, image)}
    posed = batch.joints[rows[match], 0, 2] >= 0
    if posed.any() and "keypoint" in model.answering:
        truth = JointTruth(as_set(batch.joints[rows[match]][posed], "coco"), targets.masks[match][posed].mean((1, 2)))
        similar = oks_of(_joints(model.decoder_of("keypoint"), decoded, rows[posed]), truth)
        labelled = truth.joints[..., 2] > 0
        found["oks"] = similar[labelled], image[posed][labelled.nonzero()[:, 0]]
    return found


def _joints(decoder: Decoder, decoded: Decoded, rows: Tensor) -> Tensor:
    """What a decoder of joints answers, float [M, 17, 2] in 0..1 of the square."""
    unit = Letterbox((1, 1), 1)
    poses = decoder.answer(Reply(decoded, rows, unit, 1.0))
    return torch.tensor([pose.keypoints for pose in poses])[..., :2]


def page(measured: Mapping[str, Mapping[str, Figure]], says: Mapping[str, str]) -> str:
    """Lay out the runs as Markdown: a table for each sort of data, ours first, a column for all that is measured there.

    Args:
        measured: figures of each run.
        says: first line of each run's file, "WHAT. From scratch; DATA."
    """
    sections: dict[str, list[tuple[bool, str, str]]] = {}
    for name in measured:
        what, _, data = says[name].partition(" From scratch; ")
        sections.setdefault(data, []).append((not what.startswith("Ours"), name, what))
    parts = [_HEAD]
    for data, runs in sorted(sections.items(), key=lambda section: -len(section[1])):
        keys = [key for key in COLUMNS if any(key in measured[name] for _, name, _ in runs)]
        parts += [f"\n## {data[:1].upper()}{data[1:].rstrip('.')}\n\n", f"| run | what it is | {_joined(keys)} |\n"]
        parts.append("| --- | --- |" + " ---: |" * len(keys) + "\n")
        for _, name, what in sorted(runs):
            cells = [_cell(measured[name].get(key)) for key in keys]
            parts.append(f"| `{name}` | {what} | {' | '.join(cells)} |\n")
    return "".join(parts)


def _joined(keys: Sequence[str]) -> str:
    return " | ".join(COLUMNS[key] for key in keys)


def _cell(figure: Figure | None) -> str:
    return "-" if figure is None else f"{figure.mean:.3f} ± {figure.margin:.3f}"


def main(words: Sequence[str] | None = None) -> None:
    """Measure every run that is there and write the page.

    Raises:
        ConfigError: there is none.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configs", type=Path, default=CONFIGS, help="folder of the training files")
    parser.add_argument("--runs", type=Path, required=True, help="folder of the checkpoints, named as the files are")
    parser.add_argument("--out", type=Path, default=Path("docs/ablations.md"), help="page to write")
    parser.add_argument("--batches", type=int, default=8, help="batches to measure each run on")
    args = parser.parse_args(words)
    there = [path for path in sorted(args.configs.glob("*.yaml")) if (args.runs / path.stem / "config.json").is_file()]
    if not there:
        raise ConfigError(f"{args.runs} holds no run of {args.configs}: train one with refbench train --out first")
    measured = {path.stem: measure(load_config(path), args.runs / path.stem, args.batches) for path in there}
    says = {path.stem: path.read_text(encoding="utf-8").splitlines()[0].removeprefix("# ") for path in there}
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(page(measured, says), encoding="utf-8")
    kept = {name: {key: asdict(figure) for key, figure in figures.items()} for name, figures in measured.items()}
    (args.runs / "measured.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


_HEAD = """# Our design against the published one

Each run has the tiny preset, starts from nothing and sees the same scenes in the same order for 300 steps of 64
questions, a sixth of what boxes and masks of the bundled weights took: the tables say what is learnt early, not what is
reached in the end. The language model hears the true answers, so the figures are those of the decoders alone, on 128
scenes that no run has seen, with 95 % intervals over scenes. Each run has one seed; how far two seeds lie apart stands
in the first table. Files in `configs/train/ablations`; written by `python -m refvlm.training.ablations` from the
checkpoints.
"""

if __name__ == "__main__":
    main()
