"""What a CI server shows: JUnit XML, Markdown, a badge, a plot of the history and text; hostile names included."""

import re
from datetime import datetime
from xml.etree import ElementTree

import pytest

from results.regression import history
from results.regression.badge import badge
from results.regression.check import Check, Verdict
from results.regression.junit import to_xml
from results.regression.layout import SHOWN, to_text
from results.regression.markdown import MOST_ROWS, to_markdown

EVIL = '<b>"x"\'&|`*_[a](http://e.vil)\n@team #1 :tada: ]]>\x1b[31m\x00\ud800-->'


def check(status="pass", **changes):
    base = {
        "rule": "no drop", "kind": "absolute", "model": "toy", "task": "refcoco_res", "split": "testA",
        "status": status, "reason": "changed by -1.00", "metric": "ciou", "unit": "fraction",
        "baseline": 0.8, "candidate": 0.79,
    }  # fmt: skip
    return Check(**{**base, **changes})


@pytest.fixture(scope="module")
def verdict():
    checks = (check(), check("fail", p=0.01, interval=(-0.03, -0.002)), check("skip", baseline=None, split="testB"))
    return Verdict(checks, ("a note",), "main.json", "runs", "c0ffee", "2026-01-02T03:04:05+02:00")


@pytest.fixture(scope="module")
def evil():
    """Every text that comes from a file of somebody else is hostile."""
    texts = dict.fromkeys(("rule", "kind", "model", "task", "split", "metric", "part", "unit", "reason"), EVIL)
    return Verdict((check("fail", **texts), check("skip", **texts)), (EVIL,), EVIL, EVIL, EVIL, EVIL)


SUITE = {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "skipped", "time"}


def assert_valid_junit(data):
    """The rules of Ant's schema of JUnit reports, which is the strictest in use, written down anew."""
    root = ElementTree.fromstring(data)
    assert (root.tag, root.attrib) == ("testsuites", {})
    assert [suite.get("id") for suite in root] == [str(place) for place in range(len(root))]
    for suite in root:
        assert (suite.tag, set(suite.attrib)) == ("testsuite", SUITE)
        assert suite.get("name").strip()
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp"))
        assert datetime.fromisoformat(suite.get("timestamp"))
        cases = suite.findall("testcase")
        assert [part.tag for part in suite] == ["properties", *["testcase"] * len(cases), "system-out", "system-err"]
        assert all(set(each.attrib) == {"name", "value"} and each.get("name") for each in suite.find("properties"))
        for tag, count in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            assert int(suite.get(count)) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.get("tests")) == len(cases)
        for case in cases:
            assert set(case.attrib) == {"name", "classname", "time"}
            assert len(case) <= 1
            assert all(each.tag != "failure" or each.get("type") is not None for each in case)
    return root


def test_junit_holds_a_suite_for_each_row_and_a_case_for_each_check(verdict):
    root = assert_valid_junit(to_xml(verdict))
    assert [suite.get("name") for suite in root] == ["refcoco_res testA", "refcoco_res testB"]
    assert root[0].get("timestamp") == "2026-01-02T01:04:05"
    failure = root[0].find("testcase/failure")
    assert failure.get("message") == "changed by -1.00"
    assert "baseline 80.00, candidate 79.00, change -1.00" in failure.text


def test_junit_of_hostile_names_and_of_nothing_is_valid(evil):
    root = assert_valid_junit(to_xml(evil))
    assert "<b>" in root[0].get("name")  # escaped in the file, so read back as text
    assert not root.findall(".//b")
    assert_valid_junit(to_xml(Verdict(())))


def test_markdown_is_a_table_with_the_failed_checks_first(verdict):
    text = to_markdown(verdict)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1
    assert re.fullmatch(r"\|( -+:? \|)+", rows[1])
    assert [row[2] for row in rows[2:]] == ["✗", "✓", "–"]
    assert text.startswith("### ❌")
    assert text.splitlines()[-1] == "- a note"


def test_nothing_in_a_hostile_name_is_markdown_html_a_mention_or_a_link(evil):
    text = to_markdown(evil)
    assert text.count("\n") == to_markdown(Verdict((check("fail"), check("skip")), ("n",), "b", "c")).count("\n")
    for raw in ("<b>", "`", "*", "[a]", "http:", "@", ":tada:", "\x1b", "\x00", "#1", "_["):
        assert raw not in re.sub(r"</?code>|^### ", "", text).replace("&#", "&"), raw
    assert "&#64;\u200bteam" in text
    text.encode("utf-8")


def test_a_long_markdown_table_is_cut_after_the_failed_ones():
    checks = (*[check()] * (MOST_ROWS + 50), check("fail"))
    text = to_markdown(Verdict(checks))
    assert text.count("\n| ✓") == MOST_ROWS - 1
    assert text.count("\n| ✗") == 1
    assert "51 more checks are not shown" in text
    assert len(text.encode()) < 1 << 20


@pytest.mark.parametrize(
    ("statuses", "word"),
    [(["pass", "pass", "skip"], "passed 2/2"), (["pass", "fail", "fail"], "2 regressed"), (["skip"], "nothing checked"),
     ([], "nothing checked")],
)  # fmt: skip
def test_the_badge_says_how_it_went(statuses, word):
    svg = badge(Verdict(tuple(check(status) for status in statuses)))
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == f"refbench: {word}"
    texts = [each.text for each in root.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["refbench", word]


def test_the_badge_of_a_hostile_label_is_valid():
    assert ElementTree.fromstring(badge(Verdict(()), label=EVIL)).get("aria-label").startswith("<b>")


def luminance(colour):
    """Relative luminance of #rrggbb (WCAG 2)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_white_letters_stand_out_on_every_colour_of_the_badge():
    svgs = [badge(Verdict(tuple(check(status) for status in each))) for each in (["pass"], ["fail"], [])]
    colours = {colour for svg in svgs for colour in re.findall(r'fill="(#[0-9a-f]{6})"', svg)}
    assert len(colours) == 4
    assert all(1.05 / (luminance(colour) + 0.05) >= 4.5 for colour in colours)


def test_few_checks_are_all_laid_out_and_of_many_those_that_failed(verdict):
    assert to_text(verdict).count("no drop") == 3
    many = Verdict((*[check()] * SHOWN, check("fail", task="odd_one")))
    text = to_text(many)
    assert text.count("odd_one") == 2
    assert text.count("refcoco_res") == 0
    assert to_text(many, every=True).count("refcoco_res") == SHOWN
    assert text.splitlines()[-1] == f"REGRESSION: {SHOWN} of {SHOWN + 1} checks passed, 1 failed, 0 could not be made"


def test_a_terminal_gets_no_control_characters(evil):
    text = to_text(evil)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\ud800-\udfff]", text)


def points(svg):
    return ElementTree.fromstring(svg).findall(".//{http://www.w3.org/2000/svg}circle")


def test_the_history_is_in_order_of_time_with_the_candidate_last(write_run, tmp_path):
    def run(name, day, share, **changes):
        ious = [1.0] * share + [0.0] * (10 - share)
        facts = {"ended": f"2026-01-0{day}T00:00:00+00:00", "git": {"commit": f"{day}" * 40}}
        return write_run(tmp_path, ious, name=name, facts=facts, **changes)

    known = [run("c", 3, 7), run("a", 1, 5), run("b", 2, 6), run("other", 2, 6, model="other"),
             run("official", 2, 6, options={"prompt": "other"})]  # fmt: skip
    candidate = run("d", 4, 4)
    [track] = history.tracks([candidate], [*known, candidate, known[0]])
    assert [point.label for point in track.points] == ["1111111", "2222222", "3333333", "4444444"]
    assert [point.value for point in track.points] == [0.5, 0.6, 0.7, 0.4]
    assert [point.is_candidate for point in track.points] == [False, False, False, True]
    heights = [float(circle.get("cy")) for circle in points(history.plot([track]))]
    assert heights[2] < heights[1] < heights[0] < heights[3]


def test_the_history_of_hostile_names_of_undefined_numbers_and_of_nothing_is_valid():
    point = history.Point(EVIL, EVIL, None, None, True)
    tracks = [history.Track(EVIL, EVIL, (point, history.Point("a", "", 0.5, (0.4, 0.6), False)))] * 30
    svg = history.plot(tracks)
    assert len(points(svg)) == history.MOST_PANELS
    assert "and 6 rows more" in svg
    ElementTree.fromstring(history.plot([]))


@pytest.mark.parametrize(
    ("statuses", "passed", "word"),
    [
        (("pass", "skip"), True, "passed"),
        (("pass", "fail"), False, "REGRESSION"),
        (("skip", "skip"), False, "NOTHING CHECKED"),
        ((), False, "NOTHING CHECKED"),
    ],
)
def test_a_gate_that_could_check_nothing_stays_shut(statuses, passed, word):
    found = Verdict(tuple(check(status) for status in statuses))
    assert (found.passed, found.headline().partition(":")[0]) == (passed, word)
