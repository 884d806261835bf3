"""What training asks with: the banks of wordings in `configs/prompts`, the default in half of all cases."""

from functools import cache
from pathlib import Path

import numpy as np
import yaml

BANKS = Path(__file__).parents[2] / "configs" / "prompts"
KEYS = (
    "answer_about_region", "answer_briefly", "answer_yes_or_no", "choose_region", "describe_image", "describe_region",
    "describe_with_masks", "detect_objects", "estimate_depth", "locate_choice", "locate_expression", "locate_joints",
    "locate_joints_in_box", "segment_answer", "segment_everything", "segment_expression", "segment_objects",
    "segment_region", "segment_regions", "segment_salient",
)  # fmt: skip
"""Prompts that `refvlm.training.questions` asks with."""


@cache
def wordings(key: str) -> tuple[str, ...]:
    """All wordings of a prompt, the default first; `{question}` stands for the question."""
    bank = yaml.safe_load((BANKS / f"{key}.yaml").read_text(encoding="utf-8"))
    return (bank["default"], *bank["paraphrases"])


def word(key: str, rng: np.random.Generator, question: str = "") -> str:
    """Draw a wording: the default in half of all cases, else one of the paraphrases."""
    known = wordings(key)
    place = 0 if rng.random() < 0.5 else int(rng.integers(1, len(known)))
    return known[place].replace("{question}", question)
