"""The road figure: its names are those of the code, and nothing lies outside or on top of something else."""

from itertools import combinations
from xml.etree import ElementTree

import pytest

from results.report import lettering
from tasks import road

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def svg():
    return ElementTree.fromstring(road.draw())


def test_the_stages_are_named_as_in_the_code():
    names = [stage.name for stage in road.stages()]
    assert names == [
        "Benchmark", "Sample", "Query", "Model.predict", "Prediction", "TaskKind.measure", "Metric.aggregate", "Record",
    ]  # fmt: skip
    assert [stage.place for stage in road.stages()][3:5] == ["tasks.base", "benchmarks.schema"]


def test_every_name_stands_in_the_picture_in_its_order(svg):
    texts = ["".join(each.itertext()) for each in svg.iter(f"{SVG}text")]
    found = [text for text in texts if text[:1].isdigit()]
    assert found == [f"{place}  {stage.name}" for place, stage in enumerate(road.stages(), start=1)]


def test_boxes_lie_inside_and_apart(svg):
    boxes = [
        tuple(float(each.get(key)) for key in ("x", "y", "width", "height"))
        for each in svg.iter(f"{SVG}rect")
        if each.get("x")
    ]
    assert len(boxes) == len(road.stages())
    assert all(x >= 0 and y >= 0 and x + w <= road.WIDTH and y + h <= road.HEIGHT for x, y, w, h in boxes)
    for (ax, ay, aw, ah), (bx, by, bw, bh) in combinations(boxes, 2):
        assert ax + aw < bx or bx + bw < ax or ay + ah < by or by + bh < ay


def test_words_are_no_wider_than_their_box():
    for stage in road.stages():
        for words in stage.says:
            assert lettering.width(words, 14) <= 236, words  # of our own font, about as wide as a browser's
