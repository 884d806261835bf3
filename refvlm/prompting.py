"""The prompt of the reference model: a task command and the user's words (the full-command regime)."""

from collections.abc import Sequence

from benchmarks.schema import Unit
from refvlm.tokenizer import REGION
from refvlm.trp import Answer, Text

TASK_NAMES: dict[str, str] = {"box": "detection", "mask": "segmentation", "text": "vqa"}


def turn_text(prompt: str, wants: Unit, regions: int = 0) -> str:
    """Write the turn that a model is given; the image tokens stand before it.

    Args:
        prompt: the user's words.
        wants: unit of the answer.
        regions: visual prompts; those that the words do not mention as `<region>` are added behind them.
    """
    unit = f"<Unit>{wants}</Unit>" if wants != "text" else "None"
    unmentioned = f" {REGION}" * max(0, regions - prompt.count(REGION))
    return f"{TASK_NAMES.get(wants, wants)} {unit}\nuser: {prompt}{unmentioned}\nassistant:"


def spread_regions(ids: Sequence[int], region: int, tokens: int) -> tuple[int, ...]:
    """Give every visual prompt the places of all its tokens."""
    return tuple(i for each in ids for i in ([each] * tokens if each == region else [each]))


def spoken_text(answer: Answer) -> str:
    """The words of an answer without its plan and the marks of its triplets."""
    words = "".join(part.text if isinstance(part, Text) else part.phrase for part in answer.body)
    return " ".join(words.split())


PROMPT_WORDS = ("user", "assistant", "None", "keypoint", "depth", *TASK_NAMES.values())
