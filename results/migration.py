"""Results of earlier schema versions, brought up to the present one step by step.

A step turns the content that one version wrote into what the next one would have written. What cannot be known any more
is left empty, never guessed. Files are not rewritten: a result is what was written when its run ended.
"""

from collections.abc import Callable, Mapping
from typing import Any

Content = dict[str, Any]
Steps = Mapping[int, Callable[[Content], Content]]
STEPS: Steps = {}
"""Version -> step from it to the next one. The version of a file is raised together with an entry here."""


def upgrade(content: Content, to: int, steps: Steps = STEPS) -> Content:
    """Bring the content of a file up to a version, as far as there are steps.

    Args:
        content: with its version under `schema`; it is not changed.
        to: version that is wanted.
        steps: those that there are.

    Returns:
        The content of the version that was reached; that is `to` unless a step is missing or the file is newer.
    """
    version = content.get("schema")
    while isinstance(version, int) and version < to and version in steps:
        content = {**steps[version](dict(content)), "schema": version + 1}
        version += 1
    return content
