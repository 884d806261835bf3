"""Visual prompts as the page sends them: pixels in, regions out; what is no prompt is refused in words."""

import json

import numpy as np
import pytest

from benchmarks.errors import ConfigError
from benchmarks.geometry import decode, encode
from benchmarks.schema import Region
from tasks.demo import marks

SIZE = (60, 80)


def drawn(*each):
    return json.dumps([{"kind": kind, "points": points} for kind, points in each])


def test_every_kind_becomes_a_region_in_the_order_of_drawing():
    text = drawn(
        ("point", [[3, 4]]),
        ("box", [[30, 40], [10, 5]]),
        ("scribble", [[1, 1], [2, 5], [7, 7.5]]),
        ("mask", [[10, 10], [20, 10], [20, 20], [10, 20]]),
    )
    point, box, scribble, mask = marks.read(text, SIZE)
    assert point == Region("point", points_xy=((3.0, 4.0),))
    assert box == Region("box", box_xyxy=(10.0, 5.0, 30.0, 40.0))
    assert scribble == Region("scribble", points_xy=((1.0, 1.0), (2.0, 5.0), (7.0, 7.5)))
    filled = decode(mask.mask_rle)
    assert filled.shape == SIZE
    assert filled[12:19, 12:19].all() and not filled[:9].any() and not filled[:, 22:].any()


def test_what_goes_beyond_the_edge_is_cut_off_there():
    [box, scribble] = marks.read(drawn(("box", [[-5, 10], [500, 70]]), ("scribble", [[-3, 5], [4, 5]])), SIZE)
    assert box.box_xyxy == (0.0, 10.0, 80.0, 60.0)
    assert scribble.points_xy == ((0.0, 5.0), (4.0, 5.0))


def test_an_empty_drawing_is_no_region():
    assert marks.read("[]", SIZE) == marks.read("", SIZE) == ()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read"),
        ("{}", "no list of marks"),
        ("[3]", "no list of marks"),
        ("[" * 100_000, "cannot be read"),
        (drawn(("star", [[1, 1]])), "none of point, box, scribble, mask"),
        (drawn(("point", [[1, 1], [2, 2]])), "from 1 to 1 points"),
        (drawn(("point", [["1", 1]])), "points with x and y"),
        (drawn(("point", [[True, 1]])), "points with x and y"),
        ('[{"kind": "point", "points": [[NaN, 1]]}]', "points with x and y"),
        ('[{"kind": "point", "points": [[1e400, 1]]}]', "points with x and y"),
        ('[{"kind": "point"}]', "points with x and y"),
        (drawn(("box", [[5, 5], [5.4, 40]])), "less than a pixel"),
        (drawn(("box", [[90, 5], [95, 40]])), "outside the picture of 80x60"),
        (drawn(("point", [[-1, 3]])), "outside the picture"),
        (drawn(("scribble", [[1, 1]] * (marks.MOST_POINTS + 1))), "from 2 to 4000 points"),
        (drawn(*[("point", [[1, 1]])] * (marks.MOST + 1)), "17 marks are drawn, 16 are the most"),
        ('[{"given": 0}]', "another sample"),
        ('[{"given": true}]', "another sample"),
    ],
)
def test_what_is_no_prompt_is_refused_with_the_reason(text, reason):
    with pytest.raises(ConfigError, match=reason):
        marks.read(text, SIZE)


def test_marks_of_a_sample_come_back_unchanged():
    plane = np.zeros(SIZE, dtype=bool)
    plane[10:20, 30:50] = True
    given = (
        Region("box", box_xyxy=(1.5, 2.5, 20.25, 30.0)),
        Region("mask", mask_rle=encode(plane)),
        Region("point", points_xy=((1.0, 2.0), (3.0, 4.0))),
    )
    told = marks.to_json(given)
    text = json.dumps([{"given": each["given"]} for each in told])
    assert marks.read(text, SIZE, given) == given
    assert told[0]["points"] == [[1.5, 2.5], [20.25, 30.0]]
    assert [each["dots"] for each in told] == [False, True, False]
    seen = {(round(y - 0.5), round(x - 0.5)) for x, y in told[1]["points"]}
    assert seen == {(y, x) for y in range(10, 20) for x in range(30, 50) if y in (10, 19) or x in (30, 49)}
