import pytest

from benchmarks.errors import DataError
from benchmarks.regions import box, point

SIZE = (40, 60)


def test_a_point_may_lie_on_the_edge_of_its_photo():
    assert point([60, 0], SIZE, "f").points_xy == ((60.0, 0.0),)


def test_a_box_may_reach_beyond_its_photo_and_stays_as_annotated():
    assert box([-1, 5, 62, 20.5], SIZE, "f").box_xyxy == (-1.0, 5.0, 62.0, 20.5)
    assert box([10, 9, 20, 9], SIZE, "f").box_xyxy == (10.0, 9.0, 20.0, 9.0)  # without an area, but there


@pytest.mark.parametrize(
    ("build", "values", "words"),
    [
        (point, [61, 3], "f.json: point 61, 3 is not on the photo, 60x40"),
        (point, [3, 41], "point 3, 41 is not on the photo"),
        (point, [-0.5, 3], "point -0.5, 3 is not on the photo"),
        (point, [3], "a point must be x, y, got"),
        (point, [3, "4"], "a point must be x, y"),
        (point, [3, float("nan")], "a point must be x, y"),
        (point, None, "a point must be x, y"),
        (box, [20, 5, 10, 9], "box 20, 5, 10, 9 is not x1, y1, x2, y2"),
        (box, [10, 9, 20, 8], "is not x1, y1, x2, y2"),
        (box, [61, 5, 70, 9], "box 61, 5, 70, 9 is not on the photo, 60x40"),
        (box, [1, 2, 3], "a box must be x1, y1, x2, y2"),
    ],
)
def test_what_is_no_prompt_on_the_photo_is_refused(build, values, words):
    with pytest.raises(DataError, match=words):
        build(values, SIZE, "f.json")
