"""The id of a run: ten hexadecimal digits of what makes it that run."""

import hashlib
import json
from typing import Any

LENGTH = 10


def of(content: Any) -> str:
    """Shorten JSON content to ten hexadecimal digits; the order of keys makes no difference."""
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:LENGTH]
