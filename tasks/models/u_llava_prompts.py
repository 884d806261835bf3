"""What u-LLaVA is asked and, where it is forced to answer, what it is made to say.

Wordings are those of its own evaluation. Its training answers a request for an object with a mask token, in the head
of 2025 also a location token, and the object's name between tags; `FORCED` is that answer up to its last token that
is decoded. Their evaluation puts the true category between the tags, behind those tokens, where no state that is
decoded can see it; here nothing stands there, and where Grounding DINO needs a name, the model says it itself.
"""

from typing import Literal

from benchmarks.schema import Query
from tasks.models.conversations import CONVERSATIONS

Variant = Literal["dino", "loc"]
SEG, LOC, TAG, TAG_END = "[SEG]", "[LOC]", "[tag]", "[/tag]"
IMAGE_START, IMAGE_PATCH, IMAGE_END = "<img_beg>", "<image_patch>", "</img_end>"
VIDEO_START, VIDEO_PATCH, VIDEO_END = "<vid_beg>", "<video_patch>", "</vid_end>"
SPECIAL = (
    IMAGE_PATCH, VIDEO_PATCH, IMAGE_START, IMAGE_END, VIDEO_START, VIDEO_END, SEG, LOC, TAG, TAG_END,
)  # fmt: skip
"""In the order in which training appends them to Vicuna's 32,000 tokens and a `[PAD]`."""
FORCED = {"loc": f"Sure. Mask: {SEG}; Location: {LOC};", "dino": f"Sure. Info: {SEG};"}
LAYOUT = CONVERSATIONS["llava_v1"]


def names_one_object(query: Query) -> bool:
    """Whether a query asks for the object of an expression, or for the salient one: what the model was trained for."""
    salient = query.wants == "mask" and not query.question
    return query.wants in ("mask", "box") and not query.categories and (bool(query.question) or salient)


def instruction(query: Query, by_authors: bool) -> str:
    """Word a query: as the authors' evaluation does where they have words for it, else as the task does."""
    if not by_authors or query.regime != "instruction" or not names_one_object(query):
        return query.prompt
    if not query.question:
        return "Find the salient object in the image."
    return f"Output the segmentation mask of the {query.question} in the image."


def whole(text: str, patches: int, video: bool) -> str:
    """Write everything before the answer: a photo stands before the instruction, a video behind it.

    Args:
        text: the instruction.
        patches: placeholders for the features of the photo or video.
        video: which of both it is.
    """
    if video:
        return LAYOUT.ask(f"{text}{VIDEO_START}{VIDEO_PATCH * patches}{VIDEO_END}")
    return LAYOUT.ask(f"{IMAGE_START}{IMAGE_PATCH * patches}{IMAGE_END}\n{text}")


def brief(prompt: str) -> str:
    """The same with one placeholder in place of many, as it is kept with an answer."""
    for patch in (IMAGE_PATCH, VIDEO_PATCH):
        first, found, rest = prompt.partition(patch)
        prompt = first + found + rest.replace(patch, "")
    return prompt
