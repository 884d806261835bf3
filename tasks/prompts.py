"""What a model is told to do. A task file names a template; `{question}` stands for the annotated expression."""

from benchmarks.errors import unknown

TEMPLATES = {
    "locate_expression": "Locate {question} with a box.",
    "answer_briefly": "{question} Answer with a single word or phrase.",
    "answer_yes_or_no": "{question} Answer with yes or no.",
    "describe_image": "Describe the image in one sentence.",
    "segment_expression": "Segment {question} with a mask.",
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
