"""What a model is told to do. A task file names a template; `{question}` stands for the annotated expression."""

from benchmarks.errors import unknown

TEMPLATES = {
    "detect_objects": "Detect every object in the image with a box and name it.",
    "locate_joints": "Find every person in the image and give the position of each joint.",
    "locate_joints_in_box": "Give the position of each joint of the {question} in the box.",
    "locate_expression": "Locate {question} with a box.",
    "answer_briefly": "{question} Answer with a single word or phrase.",
    "answer_or_unanswerable": "{question} Answer with a single word or phrase, or unanswerable if it cannot be told.",
    "answer_yes_or_no": "{question} Answer with yes or no.",
    "describe_image": "Describe the image in one sentence.",
    "describe_image_text": "Describe the image in one sentence, using the text that can be read in it.",
    "describe_region": "Describe the marked region in a short phrase.",
    "describe_video": "Describe the video in one sentence.",
    "describe_with_masks": "Describe the image and segment with a mask what each phrase names.",
    "segment_answer": "Segment with a mask what this asks for: {question}",
    "segment_everything": "Segment everything in the image with masks, objects and surroundings alike, and name it.",
    "segment_expression": "Segment {question} with a mask.",
    "segment_objects": "Segment every object in the image with a mask and name it.",
    "segment_regions": "Divide the whole image into regions, one mask for each class, and name it.",
    "segment_salient": "Segment the salient object(s).",
}


def template(key: str) -> str:
    """Look up a template.

    Raises:
        UnknownName: there is none of that name.
    """
    if key not in TEMPLATES:
        raise unknown("prompt", key, TEMPLATES)
    return TEMPLATES[key]


def render(key: str, question: str) -> str:
    """Fill a template in with a question, which is never itself read as a template."""
    return template(key).replace("{question}", question)
