"""Videos of the sample world: a few frames of one shape that moves, as MSR-VTT and as TGIF publish theirs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import COLOURS, OUTLINES, SHAPES, SIZE, SplitName, polygon_masks

MOVES = {
    "to the right": (1, 0),
    "to the left": (-1, 0),
    "up": (0, -1),
    "down": (0, 1),
}
"""Direction in words -> steps in x and y."""
VERBS = ("moves", "slides", "goes", "travels")
FORMS = (
    "a {colour} {shape} {verb} {where}",
    "the {shape} {verb} {where}",
    "a {shape} in {colour} {verb} {where} on a grey ground",
    "something {colour} {verb} {where}",
    "one {colour} {shape} that {verb} {where}",
)
FRAMES, STEP_PX, RADIUS_PX = 4, 14, 16
AT_MOST = 12


@dataclass(frozen=True, slots=True)
class Clip:
    """What moves, and where to."""

    colour: str
    shape: str
    where: str


def write_msrvtt(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `msrvtt` below a data root, twenty sentences a video; no annotations without test scenes."""
    clips = {f"video{7010 + k}": choose_clip(seed, 5500, k) for k in range(min(AT_MOST, scenes.get("test", 0)))}
    for name, clip in clips.items():
        _write_frames(folder / "msrvtt" / "frames" / name, clip)
    if clips:
        videos = [{"id": k, "video_id": name, "category": 0, "split": "test"} for k, name in enumerate(clips)]
        texts = [(name, sentence) for name, clip in clips.items() for sentence in describe(clip)]
        sentences = [{"sen_id": k, "video_id": name, "caption": sentence} for k, (name, sentence) in enumerate(texts)]
        content = json.dumps({"info": {}, "videos": videos, "sentences": sentences})
        (folder / "msrvtt" / "test_videodatainfo.json").write_text(content, encoding="utf-8")


def write_tgif(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `tgif` below a data root, three sentences a GIF; no annotations without test scenes."""
    clips = {f"tumblr_n{k:05d}": choose_clip(seed, 5600, k) for k in range(min(AT_MOST, scenes.get("test", 0)))}
    for name, clip in clips.items():
        _write_frames(folder / "tgif" / "frames" / name, clip)
    if clips:
        addresses = {name: f"https://example.org/{name}.gif" for name in clips}
        lines = [f"{addresses[name]}\t{text}\n" for name, clip in clips.items() for text in describe(clip)[:3]]
        (folder / "tgif" / "splits").mkdir()
        (folder / "tgif" / "tgif-v1.0.tsv").write_text("".join(lines), encoding="utf-8")
        listed = "".join(f"{address}\n" for address in addresses.values())
        (folder / "tgif" / "splits" / "test.txt").write_text(listed, encoding="utf-8")


def choose_clip(seed: int, stream: int, number: int) -> Clip:
    """Draw one clip."""
    rng = np.random.default_rng([seed, stream, number])
    return Clip(str(rng.choice(list(COLOURS))), str(rng.choice(SHAPES)), str(rng.choice(list(MOVES))))


def draw_frames(clip: Clip) -> list[np.ndarray]:
    """Draw a clip: uint8 [S, S, 3] each."""
    step = np.array(MOVES[clip.where], dtype=float) * STEP_PX
    first = np.full(2, SIZE / 2) - step * (FRAMES - 1) / 2
    outlines = [OUTLINES[clip.shape] * RADIUS_PX + first + step * k for k in range(FRAMES)]
    frames = []
    for mask in polygon_masks(outlines):
        frame = np.full((SIZE, SIZE, 3), 128, dtype=np.uint8)
        frame[mask] = COLOURS[clip.colour]
        frames.append(frame)
    return frames


def describe(clip: Clip) -> list[str]:
    """Twenty sentences: every form with every verb, so that the first three differ in form."""
    words = {"colour": clip.colour, "shape": clip.shape, "where": clip.where}
    return [form.format(verb=verb, **words) for verb in VERBS for form in FORMS]


def _write_frames(folder: Path, clip: Clip) -> None:
    folder.mkdir(parents=True)
    for number, frame in enumerate(draw_frames(clip), start=1):
        (folder / f"frame_{number:04d}.jpg").write_bytes(jpeg(frame))


PARTS = [write_msrvtt, write_tgif]
