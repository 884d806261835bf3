"""Earlier spellings of the grammar are read as what they meant, under the name of their variant only."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.errors import UnknownName
from refvlm import trp
from refvlm.trp import SPECIAL_TOKENS, UNITS, Answer, PlanItem, Text, Triplet
from refvlm.trp_history import VARIANTS, parse

KITES = (Triplet("kite", "box", 2), Text(" over "), Triplet("sea", "box", 1), Text("."))
KITE_PLAN = (PlanItem("kite", "box", 2), PlanItem("sea", "box", 1))
VISUAL = "<v>" + "<VRT>" * 64 + "</v>"
OLD_BODY = (
    "<Phrase>kite</Phrase>(<Unit>box</Unit><REF>[0], <Unit>box</Unit><REF>[1]) over "
    "<Phrase>sea</Phrase>(<Unit>box</Unit><REF>[0])."
)
BODY = "<Phrase>kite</Phrase>(<Unit>box</Unit>[0]<REF>[1]<REF>) over <Phrase>sea</Phrase>(<Unit>box</Unit>[0]<REF>)."
LEAD = "Unit decode (True). Class name, target unit and number:"
OLD = f"<Task>Unit decode (True). VRT prepared (False). Generate VRT (True).</Task>{VISUAL}{OLD_BODY}"
TAGGED = (
    f"<Task>\n{LEAD}\n- Name: kite Unit: <Unit>box</Unit> Num: 2\n- Name: sea Unit: <Unit>box</Unit> Num: 1\n</Task>\n"
)
RELEASED = f"<Task>\n{LEAD}\n- Name: kite Unit: box Num: 2\n- Name: sea Unit: box Num: 1\n</Task>\n{BODY}"


@pytest.mark.parametrize(
    "text",
    [
        OLD,
        OLD.replace("VRT prep", "VPT prep").replace("Generate VRT", "Generate VPT"),
        f"<Task>Unit decode (True). VRT prepared (True). Generate VRT (False).</Task>{OLD_BODY}",
        OLD.replace("<REF>", "<REF><REF><REF>"),
    ],
)
def test_old_answers_with_flags_and_visual_tokens(text):
    assert parse(text, variant="old-cot") == Answer((), KITES)


def test_an_old_answer_in_words():
    text = "<Task>Unit decode (False). Generate VRT (False).</Task>It is a kite & a tail."
    assert parse(text, variant="old-cot") == Answer((), (Text("It is a kite & a tail."),))


@pytest.mark.parametrize("body", [OLD_BODY, BODY])
def test_new_plans_with_tags_inside(body):
    assert parse(TAGGED + body, variant="new-cot") == Answer(KITE_PLAN, KITES)


@pytest.mark.parametrize("variant", ["vt-plug", "ref-vlm"])
def test_released_answers(variant):
    answer = parse(RELEASED, variant=variant)
    assert answer == Answer(KITE_PLAN, KITES)
    assert answer.plan_agrees
    assert parse("<Task>\nUnit decode (False).\n</Task>\nThe answer is 4.", variant).body == (Text("The answer is 4."),)


def test_phrases_nest_in_released_answers_and_the_plan_lists_the_inner_one_first():
    text = (
        f"<Task>\n{LEAD}\n- Name: a hat Unit: mask Num: 1\n- Name: man in a hat Unit: mask Num: 1\n</Task>\n"
        "<Phrase>man in <Phrase>a hat</Phrase>(<Unit>mask</Unit>[0]<REF>)</Phrase>(<Unit>mask</Unit>[0]<REF>)."
    )
    answer = parse(text, variant="vt-plug")
    assert answer.ok
    assert answer.plan_agrees
    assert answer.triplets[1].phrase == "man in a hat"


def test_a_phrase_that_spells_a_field_of_the_plan_is_read_to_the_last_one():
    text = f"<Task>\n{LEAD}\n- Name: label Unit: cm Num: 3 Unit: box Num: 1\n</Task>\n"
    assert parse(text, variant="ref-vlm").plan == (PlanItem("label Unit: cm Num: 3", "box", 1),)


def test_nothing_is_unescaped():
    text = "<Task>\nUnit decode (False).\n</Task>\nR&amp;B"
    assert parse(text, variant="ref-vlm").body == (Text("R&amp;B"),)


@pytest.mark.parametrize(
    ("variant", "text", "code"),
    [
        ("old-cot", RELEASED, "bad_plan_line"),
        ("old-cot", OLD.replace(VISUAL, ""), "bad_visual_tokens"),
        ("old-cot", OLD.replace(OLD_BODY, "words"), "bad_flag"),
        ("old-cot", OLD.replace("[1]", "[0]"), "bad_index"),
        ("old-cot", OLD.replace("</Unit><REF>[1]", "</Unit><REF><REF>[1]"), "ragged_refs"),
        ("old-cot", OLD.replace("<Unit>box</Unit><REF>[1]", "<Unit>mask</Unit><REF>[1]"), "mixed_units"),
        ("old-cot", OLD.replace("box", "sofa"), "unknown_unit"),
        ("old-cot", "so " + OLD, "text_before_plan"),
        ("old-cot", "", "no_plan"),
        ("new-cot", RELEASED, "bad_plan_line"),
        ("vt-plug", TAGGED + BODY, "bad_plan_line"),
        ("vt-plug", RELEASED.replace(BODY, OLD_BODY), "stray_tag"),
        ("ref-vlm", OLD, "bad_plan_line"),
    ],
)
def test_what_a_variant_does_not_spell_is_said(variant, text, code):
    assert code in {each.code for each in parse(text, variant).diagnostics}


def test_the_variant_is_never_guessed():
    with pytest.raises(UnknownName, match="ref-vlm"):
        parse(RELEASED, variant="refvlm")


def test_our_own_grammar_is_no_variant_of_the_past():
    """What refbench writes without escapes reads the same under ref-vlm, so that both can be compared."""
    text = trp.render(trp.answer_for(KITES))
    assert parse(text, variant="ref-vlm") == trp.parse(text)


pieces = st.one_of(
    st.text(max_size=5),
    st.sampled_from((*SPECIAL_TOKENS, *UNITS, "(", ")", "[0]", ", ", "\n", OLD, TAGGED, BODY, RELEASED, LEAD, VISUAL)),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(pieces, max_size=15).map("".join), st.sampled_from(VARIANTS))
def test_any_text_is_read_under_every_variant(text, variant):
    answer = parse(text, variant)
    assert all(0 <= each.offset <= len(text) for each in answer.diagnostics)
    assert sum(triplet.count for triplet in answer.triplets) <= text.count("<REF>")
    if answer.ok and not answer.triplets:
        assert "<REF>" not in text


@pytest.mark.parametrize(
    "piece", ["<Phrase>", "</Phrase>(<Unit>", "<Unit>box</Unit><REF>[0], ", "[0]<REF>", ", ", "<VRT>"]
)
@pytest.mark.parametrize("variant", VARIANTS)
def test_long_answers_of_one_piece_are_read(variant, piece):
    assert not parse(f"<Phrase>a</Phrase>({piece * 20_000}", variant).ok
    assert not parse(f"<Task>{piece * 20_000}", variant).ok
