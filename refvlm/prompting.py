"""The prompt of the reference model: a task command and the user's words (the full-command regime)."""

from benchmarks.schema import Unit

TASK_NAMES: dict[str, str] = {"box": "detection", "mask": "segmentation", "text": "vqa"}


def turn_text(prompt: str, wants: Unit) -> str:
    """Write the turn that a model is given; the image tokens stand before it."""
    unit = f"<Unit>{wants}</Unit>" if wants != "text" else "None"
    return f"{TASK_NAMES.get(wants, wants)} {unit}\nuser: {prompt}\nassistant:"


PROMPT_WORDS = ("user", "assistant", "None", *TASK_NAMES.values())
