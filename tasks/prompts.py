"""What a model is told to do. A task file names a template; `{question}` stands for the annotated expression."""

from benchmarks.errors import unknown

TEMPLATES = {
    "detect_objects": "Detect every object in the image with a box and name it.",
    "locate_expression": "Locate {question} with a box.",
    "answer_briefly": "{question} Answer with a single word or phrase.",
    "answer_or_unanswerable": "{question} Answer with a single word or phrase, or unanswerable if the photo cannot tell.",
    "answer_yes_or_no": "{question} Answer with yes or no.",
    "describe_image": "Describe the image in one sentence.",
    "describe_image_text": "Describe the image in one sentence, using the text that can be read in it.",
    "describe_region": "Describe the marked region in a short phrase.",
    "describe_video": "Describe the video in one sentence.",
    "segment_answer": "Segment with a mask what this asks for: {question}",
    "segment_expression": "Segment {question} with a mask.",
    "segment_objects": "Segment every object in the image with a mask and name it.",
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
