"""Words that the sample world and its prompts use, and the paraphrases that training asks with."""

import re

from benchmarks.world.expressions import VOCABULARY
from benchmarks.world.scenes import COLOURS, SHAPES
from refvlm.prompting import PROMPT_WORDS
from refvlm.tokenizer import WordTokenizer

TEMPLATES: dict[str, tuple[str, ...]] = {
    "box": (
        "Locate {} with a box.",
        "Locate {} with a box.",
        "Where is {}?",
        "Find {} and draw a box around it.",
    ),
    "mask": (
        "Segment {} with a mask.",
        "Segment {} with a mask.",
        "Outline {}.",
        "Find {} and mark all of its pixels.",
    ),
}
"""Per unit; the wording that the task files use stands twice, so that half of all questions use it."""


def build_tokenizer() -> WordTokenizer:
    """Make the tokenizer of the tiny preset."""
    words = {word for templates in TEMPLATES.values() for text in templates for word in re.findall(r"[A-Za-z]+", text)}
    return WordTokenizer.build({*words, *VOCABULARY, *COLOURS, *SHAPES, *PROMPT_WORDS})
