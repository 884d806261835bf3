"""The prompt of the reference model: a task command, unless the regime gives none, and the user's words."""

from collections.abc import Sequence

from benchmarks.schema import Unit
from refvlm.tokenizer import REGION
from refvlm.trp import Answer, Text

TASK_NAMES: dict[str, str] = {"box": "detection", "mask": "segmentation", "text": "vqa"}


def turn_text(prompt: str, commanded: Unit | None, regions: int = 0) -> str:
    """Write the turn that a model is given; the image tokens stand before it.

    Args:
        prompt: the user's words.
        commanded: unit that the command asks for; None for no command.
        regions: visual prompts; those that the words do not mention as `<region>` are added behind them.
    """
    words = f"user: {mentioned(prompt, regions)}\nassistant:"
    if commanded is None:
        return words
    unit = f"<Unit>{commanded}</Unit>" if commanded != "text" else "None"
    return f"{TASK_NAMES.get(commanded, commanded)} {unit}\n{words}"


def mentioned(prompt: str, regions: int) -> str:
    """The user's words with a `<region>` for every visual prompt; those they do not mention are added behind them."""
    return prompt + f" {REGION}" * max(0, regions - prompt.count(REGION))


def spread_regions(ids: Sequence[int], region: int, tokens: int) -> tuple[int, ...]:
    """Give every visual prompt the places of all its tokens."""
    return tuple(i for each in ids for i in ([each] * tokens if each == region else [each]))


def spoken_text(answer: Answer) -> str:
    """The words of an answer without its plan and the marks of its triplets."""
    words = "".join(part.text if isinstance(part, Text) else part.phrase for part in answer.body)
    return " ".join(words.split())


PROMPT_WORDS = ("user", "assistant", "None", "keypoint", "depth", *TASK_NAMES.values())
