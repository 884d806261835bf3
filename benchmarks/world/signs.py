"""The reading part of the sample world: signs before a scene, asked about (TextVQA) and described (TextCaps).

Words are drawn with Pillow's bitmap font, enlarged pixel by pixel, so that they are the same on every machine.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.world.few import few
from benchmarks.world.photos import jpeg
from benchmarks.world.scenes import COLOURS, SIZE, Scene, SplitName

_WORDS = (
    "apple bank cafe door east farm gate hotel inn jazz kiosk lake menu north opera park quiet river sale taxi "
    "under video west exit yard zone book cold fire gold home iron milk open push rain shop tea wood"
)
WORDS = _WORDS.split()
ANNOTATORS = 10
_ENLARGED, _MARGIN = 2, 4


@dataclass(frozen=True, slots=True)
class Sign:
    """A word on a board: its colour, and whether it hangs in the upper or the lower half."""

    word: str
    colour: str
    place: str


def write_signs(folder: Path, seed: int, scenes: Mapping[SplitName, int]) -> None:
    """Write `textvqa`, with the photos of both benchmarks, below a data root."""
    (photos := folder / "textvqa" / "train_images").mkdir(parents=True)
    questions: list[dict[str, Any]] = []
    captions: list[dict[str, Any]] = []
    for index, scene in enumerate(few(seed, scenes, "test")):
        rng = np.random.default_rng([seed, 5100, index])
        signs, image_id = choose_signs(rng), f"{index:016x}"
        (photos / f"{image_id}.jpg").write_bytes(jpeg(draw_signs(scene, signs)))
        shared = {"image_id": image_id, "image_width": SIZE, "image_height": SIZE, "set_name": "val"}
        for place, (question, answer) in enumerate(ask_about(signs)):
            ids = {"question_id": index * 10 + place, "question": question, "answers": [answer] * ANNOTATORS}
            questions.append({**shared, **ids, "question_tokens": question.rstrip("?").split()})
        references = describe(signs)
        captions += [
            {**shared, "caption_id": index * 5 + k, "caption_str": caption, "reference_strs": references}
            for k, caption in enumerate(references)
        ]
    for name, version, data in (("TextVQA", "0.5.1", questions), ("TextCaps", "0.1", captions)):
        content = {"dataset_type": "val", "dataset_name": name.lower(), "dataset_version": version, "data": data}
        if data:
            path = folder / "textvqa" / f"{name}_{version}_val.json"
            path.write_text(json.dumps(content), encoding="utf-8")


def choose_signs(rng: np.random.Generator) -> tuple[Sign, Sign]:
    """Draw an upper and a lower sign of two words and two colours."""
    words, colours = rng.permutation(WORDS)[:2].tolist(), rng.permutation(list(COLOURS))[:2].tolist()
    return Sign(words[0], colours[0], "upper"), Sign(words[1], colours[1], "lower")


def draw_signs(scene: Scene, signs: tuple[Sign, Sign]) -> np.ndarray:
    """Draw signs over the picture of a scene: uint8 [S, S, 3]."""
    picture = Image.fromarray(scene.image)
    for sign in signs:
        board = _board(sign)
        top = SIZE // 4 if sign.place == "upper" else 3 * SIZE // 4
        picture.paste(board, ((SIZE - board.width) // 2, top - board.height // 2))
    return np.asarray(picture)


def ask_about(signs: tuple[Sign, Sign]) -> list[tuple[str, str]]:
    """Three questions with their answers."""
    upper, lower = signs
    return [
        (f"what is written on the {upper.colour} sign?", upper.word),
        ("what does the lower sign say?", lower.word),
        (f"what color is the sign that says {lower.word}?", lower.colour),
    ]


def describe(signs: tuple[Sign, Sign]) -> list[str]:
    """Five references."""
    upper, lower = signs
    return [
        f"A {upper.colour} sign says {upper.word} and a {lower.colour} one says {lower.word}.",
        f"Two signs with the words {upper.word} and {lower.word} hang before some shapes.",
        f"The word {upper.word} stands above the word {lower.word}.",
        f"A sign labeled {upper.word} hangs over a {lower.colour} sign labeled {lower.word}.",
        f"{upper.word.capitalize()} is written on the upper sign, {lower.word} on the lower one.",
    ]


def _board(sign: Sign) -> Image.Image:
    """A board with a word, black on its colour."""
    font = ImageFont.load_default_imagefont()
    left, top, right, bottom = (round(edge) for edge in font.getbbox(sign.word))
    letters = Image.new("1", (right - left, bottom - top))
    ImageDraw.Draw(letters).text((-left, -top), sign.word, fill=1, font=font)
    letters = letters.resize((letters.width * _ENLARGED, letters.height * _ENLARGED), Image.Resampling.NEAREST)
    board = Image.new("RGB", (letters.width + 2 * _MARGIN, letters.height + 2 * _MARGIN), COLOURS[sign.colour])
    board.paste((0, 0, 0), (_MARGIN, _MARGIN), letters)
    return board


PARTS = [write_signs]
