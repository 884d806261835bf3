"""The page: words of strangers stay words, nothing can be fetched, numbers survive NaN."""

import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser

import pytest

from results.report.page import Card, Chapter, Entry, Figure, Number, Page, Said, Table, cut, render, value_text

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)>&\"'`{{7*7}}\u2028\ud800"


def page(words="calm", value=0.5, **others):
    entry = Entry(words, words, words, (Said(value, "ok", words, words),), {words: words})
    parts = {
        "title": words, "subtitle": words, "marks": (words,), "notes": (words,), "runs": (words,),
        "metric": ("iou", True),
        "cards": (Card(words, words, (Number(words, words),)),),
        "chapters": (Chapter("tables", words, words, (), (Table(words, (words,), ((words,),)),)),),
        "galleries": (), "entries": (entry,),
    }  # fmt: skip
    return Page(**{**parts, **others})


class Tags(HTMLParser):
    """Every element with its attributes, and the text of scripts."""

    def __init__(self):
        super().__init__()
        self.seen, self.scripts = [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += data


def parsed(text):
    tags = Tags()
    tags.feed(text)
    return tags


def data_of(text):
    return json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)[1])


def test_hostile_words_add_no_element_and_no_handler():
    calm, hostile = parsed(render(page())), parsed(render(page(HOSTILE)))
    assert [tag for tag, _ in hostile.seen] == [tag for tag, _ in calm.seen]
    assert not any(name.startswith("on") for _, attrs in hostile.seen for name in attrs)
    assert len(hostile.scripts) == 2


def test_hostile_words_reach_the_script_as_they_are():
    [entry] = data_of(render(page(HOSTILE)))["entries"]
    assert entry[0] == HOSTILE.replace("\ud800", "?")


def test_only_the_pages_own_script_may_run_and_nothing_may_be_fetched():
    text = render(page())
    policy = next(attrs["content"] for tag, attrs in parsed(text).seen if attrs.get("http-equiv"))
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy and "img-src data:" in policy
    addresses = [attrs[name] for _, attrs in parsed(text).seen for name in ("src", "href") if name in attrs]
    assert addresses and all(each.startswith(("data:", "#")) for each in addresses)


def test_the_same_page_gives_the_same_bytes():
    assert render(page(HOSTILE)) == render(page(HOSTILE))


@pytest.mark.parametrize("value", [math.nan, math.inf, None])
def test_a_value_that_is_none_is_null_for_the_script_and_undefined_for_people(value):
    [entry] = data_of(render(page(value=value)))["entries"]
    assert entry[3][0][0] is None
    assert value_text(value, 100) == "undefined"


def test_values_for_people():
    assert value_text(0.12345, 100) == "12.35" and value_text(0.12345) == "0.1235" and value_text(1234.5) == "1234"


def test_text_is_cut_between_characters_and_says_so():
    assert cut("short", 5) == "short"
    assert cut("ä" * 10, 5) == "ää… (10 characters)"
    assert cut("\ud800", 5) == "?"


def test_svg_stands_as_it_was_made():
    chapter = Chapter("curves", "Curves", figures=(Figure('<svg class="plot"><title>t</title></svg>', "below"),))
    assert '<svg class="plot"><title>t</title></svg>' in render(page(chapters=(chapter,)))


def test_every_part_of_the_contents_is_there():
    text = render(page())
    anchors = re.findall(r'<a href="#([a-z-]+)"', text)
    assert anchors and all(f'id="{name}"' in text for name in anchors)
