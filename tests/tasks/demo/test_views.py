"""An answer as HTML: nothing that a model says can become markup, and colours are those of the picture."""

from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from benchmarks.geometry import encode
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Query
from results.report.palette import hue
from results.report.sheet import Line, Panel
from tasks import one_answer
from tasks.demo import views
from tasks.demo.answering import Progress
from tasks.demo.scoring import Score

RAW = (
    "<Task>\nUnit decode (True).\n- Name: circle Unit: mask Num: 1\n- Name: star Unit: box Num: 2\n</Task>\n"
    "<Phrase>circle</Phrase>(<Unit>mask</Unit>[0]<REF>) & <Phrase>star</Phrase>(<Unit>box</Unit>[0]<REF>[1]<REF>)."
)
EVIL = "<img src=x onerror=alert(1)>\"'&"


class Page(HTMLParser):
    """Tags with their attributes, and text by tag."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self._open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open:
            self.texts.setdefault(self._open[-1], []).append(data)


@pytest.fixture
def progress(tmp_path):
    image = ImageRef(tmp_path / "none.png", (10, 20))
    plane = np.zeros((10, 20), dtype=bool)
    plane[2:5, 3:9] = True
    groups = (
        Group("circle", "mask", (Instance(score=0.8, mask_rle=encode(plane)),)),
        Group("star", "box", (Instance(score=0.5, box_xyxy=(1, 2, 3, 4)), Instance(box_xyxy=(5, 6, 7, 8)))),
    )

    def build(raw=RAW, groups=groups, **more):
        query = Query("a", image, "what?", "what?", "mask")
        prediction = Prediction("a", "ok", raw, groups=groups)
        answered = one_answer.read(query, prediction, 1.5)
        fields = {"stage": "done", "seconds": 1.5, "load_s": 2.0, "sent": "as asked"}
        return Progress("toy", raw=raw, query=query, answered=answered, **{**fields, **more})

    return build


def test_triplets_have_the_colours_of_their_objects(progress):
    page = Page(views.card(progress()))
    marks = [attrs["style"] for tag, attrs in page.tags if tag == "mark"]
    assert page.texts["mark"] == ["circle", "star"]
    for style, colour in zip(marks, (hue(0), hue(1)), strict=True):
        assert style.startswith("background:rgb({},{},{});".format(*colour))
    swatches = [attrs["style"] for tag, attrs in page.tags if tag == "i"]
    assert swatches == [marks[0], marks[1], marks[1]]


def test_objects_come_with_their_confidence_and_place(progress):
    page = Page(views.card(progress()))
    assert [attrs["value"] for tag, attrs in page.tags if tag == "meter"] == ["0.800", "0.500"]
    cells = " | ".join(text.strip() for text in page.texts["td"])
    assert "mask of 18 px" in cells and "box 1, 2, 3, 4" in cells and "not told" in cells and "0.80" in cells


def test_plan_grammar_raw_answer_and_timing_are_there(progress):
    page = Page(views.card(progress()))
    assert page.texts["li"] == ["circle: 1 × mask", "star: 2 × box"]
    told = " ".join(page.texts["dd"])
    assert "no fault; the answer keeps to the plan" in told and "answered in 1.50 s; loading took 2.00 s" in told
    assert RAW in page.texts["pre"] and "what?" in page.texts["pre"]


def test_faults_of_the_grammar_are_named(progress):
    page = Page(views.card(progress(RAW.replace("</Phrase>(<Unit>mask", "</Phrase>(<Unit>smell"))))
    assert any("smell" in text and "character" in text for text in page.texts["li"])


def test_nothing_that_is_said_becomes_markup(progress):
    evil = progress(EVIL, (Group(EVIL, "box", (Instance(score=0.5, box_xyxy=(1, 2, 3, 4)),)),), sent=EVIL)
    panel = Panel(Image.new("RGB", (4, 4)), EVIL, (Line(EVIL),))
    html = views.card(evil, [panel, panel], Score(((EVIL, EVIL),), EVIL, EVIL))
    page = Page(html + views.card(Progress(EVIL, "refused", reason=EVIL)) + views.note(EVIL))
    pictures = [attrs for tag, attrs in page.tags if tag == "img"]
    assert len(pictures) == 2 and all(attrs["src"].startswith("data:image/webp;base64,") for attrs in pictures)
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert EVIL in page.texts["h3"] and EVIL in page.texts["td"] and EVIL in page.texts["figcaption"]


@pytest.mark.parametrize("stage", ["waiting", "loading", "answering"])
def test_an_answer_in_the_making_is_shown_as_it_is(stage):
    assert "rb-wait" in views.card(Progress("toy", stage))
    page = Page(views.card(Progress("toy", stage, raw="<Task>\nUnit")))
    assert page.texts["pre"] == ["<Task>\nUnit"] and ("article", {"class": "rb-card", "data-stage": stage}) in page.tags


def test_a_failure_is_told(progress):
    answered = one_answer.read(progress().query, Prediction("a", "parse_error", "<Task>", error="it was cut"))
    html = views.card(Progress("toy", "done", query=progress().query, answered=answered, raw="<Task>"))
    assert "the answer cannot be read: it was cut" in html


def test_pictures_keep_their_size_and_aspect(progress):
    panel = Panel(Image.new("RGB", (64, 20)), "answer", key=Image.new("RGB", (64, 10)))
    page = Page(views.card(progress(), [panel]))
    picture, key = [attrs for tag, attrs in page.tags if tag == "img"]
    assert (picture["width"], picture["height"]) == ("64", "20")
    assert key["src"].startswith("data:image/png;base64,")
