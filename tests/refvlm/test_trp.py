"""The grammar: what is written is read back, and anything at all can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refvlm.trp import (
    FLAG_FALSE,
    SPECIAL_TOKENS,
    UNITS,
    Answer,
    PlanItem,
    Text,
    Triplet,
    answer_for,
    parse,
    render,
)

phrases = st.text(max_size=20)
counts = st.integers(1, 12)
triplets = st.builds(Triplet, phrases, st.sampled_from(UNITS), counts)
texts = st.builds(Text, st.text(min_size=1, max_size=20))


def joined(parts: list[Text | Triplet]) -> tuple[Text | Triplet, ...]:
    """Neighbouring texts are one text once they are written down."""
    out: list[Text | Triplet] = []
    for part in parts:
        if out and isinstance(part, Text) and isinstance(out[-1], Text):
            out[-1] = Text(out[-1].text + part.text)
        else:
            out.append(part)
    return tuple(out)


@given(st.lists(st.one_of(triplets, texts), max_size=5))
def test_what_is_rendered_is_parsed_back(parts):
    answer = answer_for(joined(parts))
    assert parse(render(answer)) == answer


mutations = st.lists(
    st.one_of(
        st.text(max_size=12), st.sampled_from((*SPECIAL_TOKENS, "[0]", "(", ")", "\n", "- Name: a Unit: box Num: 1"))
    ),
    max_size=20,
).map("".join)


@given(st.one_of(st.text(), mutations))
def test_any_text_is_parsed_without_raising_and_nothing_is_lost_silently(text):
    answer = parse(text)
    assert answer.exact == (not answer.diagnostics)
    if answer.exact:
        assert parse(render(answer)) == answer


@given(st.lists(triplets, min_size=1, max_size=3), st.data())
def test_cutting_an_answer_short_is_noticed_unless_only_closing_text_is_lost(parts, data):
    text = render(answer_for(tuple(parts)))
    cut = text[: data.draw(st.integers(0, len(text) - 1))]
    answer = parse(cut)
    assert not answer.ok or not answer.plan_agrees


def test_a_referring_answer_reads_as_upstream_writes_it():
    text = (
        "<Task>\nUnit decode (True).\n- Name: red mug Unit: box Num: 2\n</Task>\n"
        "<Phrase>red mug</Phrase>(<Unit>box</Unit>[0]<REF>[1]<REF>)."
    )
    assert parse(text) == Answer(plan=(PlanItem("red mug", "box", 2),), body=(Triplet("red mug", "box", 2), Text(".")))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no_plan"),
        ("<REF>", "stray_tag"),
        (f"<Task>\n{FLAG_FALSE}\nhello\n</Task>\n", "bad_plan_line"),
        ("<Task>\nUnit decode (True).\n</Task>\n", "bad_flag"),
        (f"<Task>\n{FLAG_FALSE}\n</Task>\n<Phrase>a</Phrase>(<Unit>sofa</Unit>[0]<REF>)", "unknown_unit"),
        (f"<Task>\n{FLAG_FALSE}\n</Task>\n<Phrase>a</Phrase>(<Unit>box</Unit>[1]<REF>)", "bad_index"),
        (f"so <Task>\n{FLAG_FALSE}\n</Task>\n", "text_before_plan"),
    ],
)
def test_each_break_of_the_grammar_has_its_code(text, code):
    assert code in {diagnostic.code for diagnostic in parse(text).diagnostics}


def test_a_plan_that_promises_other_triplets_does_not_agree():
    answer = parse(
        "<Task>\nUnit decode (True).\n- Name: a Unit: box Num: 1\n</Task>\n"
        "<Phrase>a</Phrase>(<Unit>mask</Unit>[0]<REF>)"
    )
    assert answer.ok
    assert not answer.plan_agrees


@pytest.mark.parametrize("bad", [Triplet("a", "sofa", 1), Triplet("a", "box", 0)])
def test_an_answer_that_cannot_be_written_is_refused(bad):
    with pytest.raises(ValueError, match=r"sofa|at least one"):
        render(answer_for((bad,)))
