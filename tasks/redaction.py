"""Keeps values of secret environment variables out of what is written: records, logs and error texts."""

import os
import re
from collections.abc import Mapping

SECRET = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
"""What names of secrets look like."""
_LEAST_LENGTH = 6


def scrub(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Replace the value of every variable whose name looks like that of a secret; very short values are left alone."""
    hidden = {value for name, value in environ.items() if SECRET.search(name) and len(value) >= _LEAST_LENGTH}
    for value in sorted(hidden, key=len, reverse=True):
        text = text.replace(value, "***")
    return text
