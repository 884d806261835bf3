"""What training asks with: the default wording of every task, and paraphrases of our own."""

from collections.abc import Mapping

import numpy as np

WORDINGS: Mapping[str, tuple[str, ...]] = {
    "locate_expression": ("Locate {} with a box.", "Where is {}?", "Find {} and draw a box around it."),
    "segment_expression": ("Segment {} with a mask.", "Outline {}.", "Find {} and mark all of its pixels."),
    "answer_briefly": ("{} Answer with a single word or phrase.", "{}", "Question: {} Short answer:"),
    "answer_yes_or_no": ("{} Answer with yes or no.", "{}", "{} Say yes or no."),
    "describe_image": ("Describe the image in one sentence.", "What does the image show?", "Write a caption."),
    "detect_objects": (
        "Detect every object in the image with a box and name it.",
        "Find all objects and draw a box around each.",
        "Which objects are there? Box them.",
    ),
    "segment_objects": (
        "Segment every object in the image with a mask and name it.",
        "Mark the pixels of all objects.",
        "Which objects are there? Outline each.",
    ),
    "segment_everything": (
        "Segment everything in the image with masks, objects and surroundings alike, and name it.",
        "Give a mask to every object and all that is behind them.",
        "Divide the whole image into named masks.",
    ),
    "segment_regions": (
        "Divide the whole image into regions, one mask for each class, and name it.",
        "Give one mask to each kind of thing.",
        "Mark the pixels of every class.",
    ),
    "locate_joints": (
        "Find every person in the image and give the position of each joint.",
        "Find all people and their joints.",
        "Where are the joints of each person?",
    ),
    "estimate_depth": (
        "Estimate the depth of every pixel.",
        "How far is each pixel?",
        "Give a depth map of the scene.",
    ),
    "segment_region": (
        "Segment the object that <region> marks.",
        "Mark all pixels of what <region> shows.",
        "Outline the thing at <region>.",
    ),
    "locate_joints_in_box": (
        "Give the position of each joint of the {} in the box.",
        "Where are the joints of the {} at <region>?",
        "Find the joints of the {} that <region> marks.",
    ),
    "describe_with_masks": (
        "Describe the image and segment with a mask what each phrase names.",
        "Write a caption and outline what it names.",
        "What is in the image? Mark every object that you name.",
    ),
    "segment_salient": (
        "Segment the salient object(s).",
        "Mark what stands out.",
        "Outline the most striking objects.",
    ),
    "segment_answer": (
        "Segment with a mask what this asks for: {}",
        "{} Answer with a mask.",
        "Outline what is meant: {}",
    ),
    "describe_region": (
        "Describe the marked region in a short phrase.",
        "What does <region> show?",
        "Name the object at <region>.",
    ),
}
"""Per key of a prompt: the default first, `{}` for the question."""


def word(key: str, rng: np.random.Generator, question: str = "") -> str:
    """Draw a wording: the default in half of all cases, else one of the paraphrases."""
    wordings = WORDINGS[key]
    place = 0 if rng.random() < 0.5 else int(rng.integers(1, len(wordings)))
    return wordings[place].replace("{}", question)
