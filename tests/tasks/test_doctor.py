import json

import numpy as np
import pytest
from PIL import Image

from benchmarks.schema import ImageRef, Query
from metrics.boxes import box_iou
from tasks import doctor, eye_chart
from tasks.models.coordinates import Convention, Picture, encode

SPOKEN = [
    Convention(space="pixel_orig"),
    Convention(space="pixel_orig", order="xywh"),
    Convention(space="pixel_resized", order="yxyx"),
    Convention(space="unit"),
    Convention(space="unit", frame="square"),
    Convention(space="0-1000"),
    Convention(space="0-1000", frame="square"),
    Convention(space="0-999", order="yxyx"),
    Convention(space="0-1000", order="xywh"),
]


@pytest.fixture(scope="module")
def charts(tmp_path_factory):
    return list(eye_chart.charts(tmp_path_factory.mktemp("charts"), 24))


def heard(charts, convention):
    """What a perfect speaker of a convention says; what it sees is resized to a third more in height than in width."""
    answers = []
    for query, box in charts:
        picture = Picture(query.image.size_hw, (560, 420))
        answers.append(doctor.Heard(encode(box, convention, picture), box, picture))
    return answers


@pytest.mark.parametrize("spoken", SPOKEN, ids=Convention.words)
def test_every_space_and_order_is_recognised_from_its_answers(charts, spoken):
    declared = Convention(space="unit", order="xywh")
    found = doctor.diagnose(heard(charts, spoken), declared)
    assert found.verdict == "differs"
    assert found.confidence >= doctor.SURE
    mine = next(each for each in found.readings if each.convention.words() == spoken.words())
    assert mine.iou >= found.readings[0].iou - 0.01  # 0-999 and 0-1000 are the same as far as rounding goes
    assert found.readings[0].convention.order == spoken.order
    assert found.readings[0].convention.frame == spoken.frame
    assert "MISMATCH: declared unit xywh" in found.sentence()


@pytest.mark.parametrize("spoken", SPOKEN, ids=Convention.words)
def test_a_right_declaration_agrees(charts, spoken):
    found = doctor.diagnose(heard(charts, spoken), spoken)
    assert (found.verdict, found.spoken) == ("agrees", 24)
    assert found.declared.iou > 0.9  # two decimals of a fraction are up to 9 pixels here


def test_location_tokens_in_the_wrong_order_are_found(charts):
    spoken = Convention(space="location_1024", order="yxyx", form="loc_tokens")
    declared = Convention(space="location_1024", order="xyxy", form="loc_tokens")
    found = doctor.diagnose(heard(charts, spoken), declared)
    assert (found.verdict, found.readings[0].convention) == ("differs", spoken)


def test_a_model_that_finds_nothing_cannot_be_judged(charts):
    silent = [doctor.Heard(None, box, Picture(query.image.size_hw)) for query, box in charts]
    found = doctor.diagnose(silent, Convention(space="unit"))
    assert (found.verdict, found.confidence, found.spoken) == ("unclear", 0.0, 0)
    blind = [doctor.Heard((0, 0, 20, 20), box, Picture(query.image.size_hw)) for query, box in charts]
    assert doctor.diagnose(blind, Convention(space="pixel_orig")).verdict == "unclear"


def test_charts_show_what_they_ask_for_and_are_the_same_every_time(charts, tmp_path):
    again = list(eye_chart.charts(tmp_path, 24))
    assert [box for _, box in again] == [box for _, box in charts]
    assert {query.image.size_hw for query, _ in charts} == set(eye_chart.SIZES_HW)
    for (query, (x1, y1, x2, y2)), (twin, _) in zip(charts, again, strict=True):
        assert query.image.path.read_bytes() == twin.image.path.read_bytes()
        height, width = query.image.size_hw
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height
        pixels = np.asarray(Image.open(query.image.path), dtype=float)
        inside = pixels[int(y1) : int(y2), int(x1) : int(x2)].reshape(-1, 3)
        ring = pixels[max(int(y1) - 4, 0) : int(y2) + 4, max(int(x1) - 4, 0) : int(x2) + 4].reshape(-1, 3)
        assert abs(np.median(inside, 0) - ring.mean(0)).max() > 5


TOY = """
from pathlib import Path
from benchmarks.schema import Prediction
from tasks import eye_chart
from tasks.base import ModelEntry
from tasks.models import box_text
from tasks.models.coordinates import Convention, Picture

class Toy:
    def __init__(self, speaks, declares):
        self.speaks, self.convention = speaks, declares
        here = Path({folder!r})
        self.truth = {{query.sample_id: box for query, box in eye_chart.charts(here, 24)}}
    def picture(self, image):
        return Picture(image.size_hw)
    def predict(self, queries):
        return [Prediction(q.sample_id, "ok", "Sure: " + box_text.write(self.truth[q.sample_id], self.speaks,
                           self.picture(q.image))) for q in queries]
    def fingerprint(self):
        return "toy"

UNIT, MILLE = Convention(space="unit"), Convention(space="0-1000")
MODELS = [
    ModelEntry("right", "toy", ("box",), lambda options: Toy(UNIT, UNIT)),
    ModelEntry("wrong", "toy", ("box",), lambda options: Toy(MILLE, UNIT)),
    ModelEntry("mute", "toy", ("text",), lambda options: Toy(UNIT, UNIT)),
]
"""


@pytest.fixture
def include(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "toys.py").write_text(TOY.format(folder=str(tmp_path)))
    return tmp_path / "mine"


def test_the_command_passes_a_right_declaration_and_fails_a_wrong_one(refbench, include):
    right = refbench("doctor", "--model", "right", "--include", include)
    assert (right.code, right.out.splitlines()[-1]) == (
        0, "right: agrees: boxes are unit xyxy, as declared (confidence 1.00)",
    )  # fmt: skip
    assert "declared" in right.out.splitlines()[2]
    wrong = refbench("doctor", "--model", "wrong", "--include", include, "--json")
    found = json.loads(wrong.out)
    assert (wrong.code, found["verdict"], found["asked"]) == (1, "differs", 24)
    assert found["spoken"]["space"] in ("0-999", "0-1000")


def test_a_model_without_boxes_is_refused(refbench, include):
    outcome = refbench("doctor", "--model", "mute", "--include", include)
    assert (outcome.code, outcome.err) == (2, "model mute answers with text: it speaks no boxes to examine\n")


def test_the_reference_model_speaks_pixels(refbench):
    outcome = refbench("doctor", "--images", 12, "--json")
    found = json.loads(outcome.out)
    assert (outcome.code, found["declared"]["space"]) == (0, "pixel_orig")
    assert found["verdict"] == "agrees"


def test_the_box_of_an_adapter_counts_as_pixels(charts):
    from benchmarks.schema import Group, Instance, Prediction

    query = Query("a", ImageRef(charts[0][0].image.path, (384, 384)), "it", "it", "box")
    answer = Prediction("a", "ok", groups=(Group("it", "box", (Instance(box_xyxy=charts[0][1]),)),))
    taken = doctor.hear(object(), query, answer, charts[0][1])
    assert box_iou(taken.numbers, taken.truth) == 1
    assert doctor.declared_of(object()).words() == "pixel_orig xyxy"
