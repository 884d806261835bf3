"""Ten thousand answers, well formed and mangled: every one is read, and nothing that broke goes unsaid."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from refvlm.trp import (
    DEEPEST,
    FLAG_FALSE,
    FLAG_TRUE,
    SPECIAL_TOKENS,
    UNITS,
    Answer,
    PlanItem,
    Text,
    Triplet,
    answer_for,
    parse,
    render,
    spoken,
)

units = st.sampled_from(UNITS)
counts = st.integers(1, 6)
words = st.one_of(
    st.text(max_size=8), st.sampled_from(("a red hat", "&lt;", "&", "<", "[0]", "Unit: box Num: 1", "\n"))
)
flat = st.builds(Triplet, words, units, counts)


def joined(parts) -> tuple[Text | Triplet, ...]:
    """Neighbouring texts are one text once they are written down, and an empty one is none."""
    out: list[Text | Triplet] = []
    for part in parts:
        if out and isinstance(part, Text) and isinstance(out[-1], Text):
            out[-1] = Text(out[-1].text + part.text)
        elif part != Text(""):
            out.append(part)
    return tuple(out)


def around(inner):
    """Phrases with triplets inside."""
    mixed = st.lists(st.one_of(inner, words.map(Text)), min_size=1, max_size=3).map(joined)
    nesting = mixed.filter(lambda parts: any(isinstance(part, Triplet) for part in parts))
    return st.builds(lambda parts, unit, count: Triplet(spoken(parts), unit, count, parts), nesting, units, counts)


triplets = st.recursive(flat, around, max_leaves=4)
bodies = st.lists(st.one_of(triplets, words.map(Text)), max_size=4).map(joined)
answers = bodies.map(answer_for)
FRAGMENTS = (
    *SPECIAL_TOKENS, "(", ")", "[0]", "[1]", "[99999999999999999999]", "[٣]", "\n", " ", "&amp;", "&", "\x00",
    "box", "sofa", FLAG_TRUE, FLAG_FALSE, "- Name: a Unit: box Num: 1", "- Name: a Unit: box Num: 0",
    "<Phrase>a</Phrase>", "(<Unit>box</Unit>[0]<REF>)", "(<Unit> mask </Unit> [1] <REF> )", "\ud800",
    f"<Task>\n{FLAG_FALSE}\n</Task>\n",
)  # fmt: skip
soups = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=4)), max_size=25).map("".join)


@st.composite
def mangled(draw) -> str:
    """An answer after up to three cuts, copies, swaps and insertions."""
    text = render(draw(answers))
    for _ in range(draw(st.integers(1, 3))):
        begin, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        piece = draw(st.one_of(st.sampled_from(FRAGMENTS), st.just(""), st.just(text[begin:end] * 2)))
        text = text[:begin] + piece + text[end:]
    return text


def check(text: str) -> None:
    """The laws of parsing, for any text."""
    answer = parse(text)
    for diagnostic in answer.diagnostics:
        assert diagnostic.code and diagnostic.message
        assert 0 <= diagnostic.offset <= len(text)
    try:
        same = render(answer) == text
    except ValueError:  # an unknown unit cannot be written
        same = False
    assert answer.exact == same
    assert answer.exact <= answer.ok
    if answer.ok:  # what it means survives being written, and is then exact
        assert parse(render(answer)) == Answer(answer.plan, answer.body)
    tags = len(re.findall("<REF>", text))
    assert sum(triplet.count for triplet in answer.triplets) <= tags


def fuzz(examples: int):
    """Without shrinking time limits: the machine may be busy."""
    quiet = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much)
    return settings(max_examples=examples, deadline=None, suppress_health_check=quiet)


@fuzz(200)
@given(answers)
def test_nested_answers_come_back_as_they_were(answer):
    assert parse(render(answer)) == answer
    assert answer.plan_agrees


@fuzz(400)
@given(st.one_of(mangled(), soups))
def test_any_answer_is_read_and_what_broke_is_said(text):
    check(text)


@pytest.mark.slow
@fuzz(10_000)
@given(st.one_of(answers.map(render), mangled(), soups))
def test_ten_thousand_answers_are_read_and_what_broke_is_said(text):
    check(text)


@fuzz(200)
@given(answers)
def test_every_character_of_a_body_is_in_a_text_or_a_triplet(answer):
    """Broken at its plan, the body is still read in full: what its parts say is the text without the tags."""
    body = render(answer).split("</Task>\n", 1)[1]
    assert parse(body).body == answer.body


@pytest.mark.parametrize(
    "piece",
    [
        "<Phrase>",
        "</Phrase>",
        "<Phrase>a</Phrase>(<Unit>",
        "</Phrase>(<Unit>box</Unit>[0]<REF>)",
        "[0]<REF>",
        " ",
        "&",
        "<",
    ],
)
def test_a_very_long_answer_of_one_piece_is_read(piece):
    check(piece * 20_000)
    check(f"<Phrase>a</Phrase>(<Unit>{piece * 20_000}")
    check(f"<Task>\n- Name: {piece * 20_000}</Task>\n")


def test_the_words_of_a_parent_phrase_are_those_of_its_inner_ones_without_tags():
    hat = "<Phrase>a red hat</Phrase>(<Unit>box</Unit>[0]<REF>)"
    text = (
        "<Task>\nUnit decode (True).\n- Name: a red hat Unit: box Num: 1\n"
        "- Name: two men, one with a red hat Unit: mask Num: 2\n"
        f"</Task>\n<Phrase>two men, one with {hat}</Phrase>(<Unit>mask</Unit>[0]<REF>[1]<REF>)."
    )
    answer = parse(text)
    assert answer.exact
    assert answer.plan_agrees
    assert answer.plan[1] == PlanItem("two men, one with a red hat", "mask", 2)
    (man, _) = answer.body
    assert isinstance(man, Triplet)
    assert man.parts == (Text("two men, one with "), Triplet("a red hat", "box", 1))
    assert [each.unit for each in answer.triplets] == ["box", "mask"]  # in the order of their <REF> tokens


def test_phrases_deeper_than_the_limit_are_text_and_said_so():
    def text(depth):
        return "<Phrase>a" * depth + "</Phrase>(<Unit>box</Unit>[0]<REF>)" * depth

    frame = f"<Task>\n{FLAG_FALSE}\n</Task>\n"
    assert parse(frame + text(DEEPEST)).ok
    answer = parse(frame + text(DEEPEST + 1))
    assert "too_deep" in {each.code for each in answer.diagnostics}
    assert len(answer.triplets) == DEEPEST


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Triplet("a", "box", 1, (Triplet("b", "box", 1),)), "say just that"),
        (Triplet("a", "box", 1, (Text("a"),)), "hold a triplet"),
        (Triplet("a", "box", 1, (Triplet("a", "sofa", 1),)), "sofa"),
    ],
)
def test_parts_that_do_not_make_their_phrase_are_refused(part, words):
    with pytest.raises(ValueError, match=words):
        render(Answer(body=(part,)))


def test_an_answer_nested_too_deep_is_refused():
    part = Triplet("a", "box", 1)
    for _ in range(DEEPEST):
        part = Triplet("a", "box", 1, (part,))
    with pytest.raises(ValueError, match="deeper"):
        render(Answer(body=(part,)))


@pytest.mark.parametrize(
    "text",
    [
        f"<Task>\n{FLAG_FALSE}\n</Task>\nsalt & pepper",
        f"<Task>\n{FLAG_FALSE}\n</Task>no line end",
        f" <Task>\n{FLAG_FALSE}\n</Task>\n",
        f"<Task>\n{FLAG_TRUE}\n- Name: a Unit: box Num: 1\n</Task>\n<Phrase>a</Phrase> (<Unit>box</Unit>[0] <REF>)",
    ],
)
def test_other_spacing_and_escaping_is_no_break_but_said(text):
    answer = parse(text)
    assert answer.ok
    assert [each.code for each in answer.diagnostics] == ["inexact"]
    assert text[: answer.diagnostics[0].offset] == render(answer)[: answer.diagnostics[0].offset]


def test_a_plan_that_announces_nothing_of_a_phrase_is_no_plan():
    answer = parse(f"<Task>\n{FLAG_TRUE}\n- Name: a Unit: box Num: 0\n</Task>\n")
    assert {each.code for each in answer.diagnostics} == {"bad_plan_line", "bad_flag"}
