"""The board: a picture that people draw points, boxes, scribbles and masks on, as a component of the page."""

import json
from pathlib import Path

import gradio

from tasks.demo import marks
from tasks.demo.scenes import Scene
from tasks.demo.views import address

_HERE = Path(__file__).parent
_MOST_PX = 1600
"""Longer side of the picture as the page gets it; marks are in pixels of the original all the same."""


def board() -> gradio.HTML:
    """Build an empty board. Its value is what was drawn, see `tasks.demo.marks`."""
    return gradio.HTML(
        value="[]",
        html_template=(_HERE / "board.html").read_text("utf-8"),
        js_on_load=(_HERE / "board.js").read_text("utf-8"),
        elem_id="rb-board",
        apply_default_css=False,
    )


def shown(scene: Scene) -> str:
    """What the board takes: a picture with the marks that it comes with.

    Raises:
        DataError: it cannot be read.
    """
    picture = scene.image.open_rgb()
    height, width = scene.image.size_hw
    picture.thumbnail((_MOST_PX, _MOST_PX))
    content = {"src": address(picture), "width": width, "height": height, "marks": marks.to_json(scene.regions)}
    return json.dumps(content)
