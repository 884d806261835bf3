"""Both grammars: what is written is read back, what a model may say is what training writes, golden questions."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.errors import ConfigError
from refvlm import trp_history
from refvlm.constrain import Automaton
from refvlm.grammars import PREAMBLE, TRP, VD_COT, read, turn_in, vocabulary, write
from refvlm.tokenizer import EOS
from refvlm.training.vocabulary import build_tokenizer
from refvlm.trp import UNITS, Text, Triplet, answer_for

BODIES = [
    (Text("yes."),),
    (Triplet("red star", "mask", 2), Text(", "), Triplet("blue circle", "box", 1), Text(".")),
    (Text("a "), Triplet("person", "keypoint", 1), Text(" and the "), Triplet("whole scene", "depth", 1), Text(".")),
]
NESTED = (Text("see "), Triplet("the star in the circle", "mask", 1,
          (Text("the star in "), Triplet("the circle", "box", 1))), Text("."))  # fmt: skip
WORDS = st.text("abc 09,é", min_size=1, max_size=8).map(str.strip).filter(bool)
TRIPLETS = st.builds(Triplet, WORDS, st.sampled_from(UNITS), st.integers(1, 3))


@pytest.mark.parametrize("grammar", [TRP, VD_COT])
@given(body=st.lists(TRIPLETS, max_size=3))
def test_what_is_written_is_read_back(grammar, body):
    answer = answer_for(tuple(body))
    assert read(write(answer, grammar), grammar) == answer


@pytest.mark.parametrize("grammar", [TRP, VD_COT])
def test_nested_phrases_are_read_back(grammar):
    answer = answer_for(NESTED)
    back = read(write(answer, grammar), grammar)
    assert back == answer
    assert back.plan_agrees
    assert [each.phrase for each in back.triplets] == ["the circle", "the star in the circle"]


def test_vd_cot_is_spelled_as_published():
    assert write(answer_for(BODIES[1]), VD_COT) == (
        "<Task>\n"
        "Unit decode (True). Class name, target unit and number:\n"
        "- Name: red star Unit: mask Num: 2\n"
        "- Name: blue circle Unit: box Num: 1\n"
        "</Task>\n"
        "<Phrase>red star</Phrase>(<Unit>mask</Unit>[0]<REF>[1]<REF>), "
        "<Phrase>blue circle</Phrase>(<Unit>box</Unit>[0]<REF>)."
    )
    assert write(answer_for(BODIES[0]), VD_COT) == "<Task>\nUnit decode (False).\n</Task>\nyes."


@pytest.mark.parametrize(
    "body",
    [(Text("a <REF> b"),), (Triplet("a</Phrase>", "box", 1),), (Triplet("a\nb", "box", 1),),
     (Triplet("a Unit: b", "box", 1),)],
)  # fmt: skip
def test_vd_cot_refuses_what_it_cannot_escape_and_trp_does_not(body):
    with pytest.raises(ValueError, match="looks like the grammar"):
        write(answer_for(body), VD_COT)
    assert read(write(answer_for(body), TRP), TRP) == answer_for(body)


def test_older_spellings_are_read_only():
    old = (
        "<Task>\nUnit decode (True). Class name, target unit and number:\n"
        "- Name: cat Unit: <Unit>box</Unit> Num: 2\n</Task>\n"
        "<Phrase>cat</Phrase>(<Unit>box</Unit><REF>[0], <Unit>box</Unit><REF>[1])"
    )
    answer = trp_history.parse(old, "new-cot")
    assert answer.ok
    assert answer.triplets == (Triplet("cat", "box", 2),)
    assert not read(old, VD_COT).ok


@pytest.mark.parametrize("grammar", [TRP, VD_COT])
@pytest.mark.parametrize("body", BODIES)
def test_constrained_decoding_can_say_what_training_writes(grammar, body):
    tokenizer = build_tokenizer(grammar)
    ids = [*tokenizer.encode(write(answer_for(body), grammar)), tokenizer.ids[EOS]]
    automaton = Automaton(vocabulary(tokenizer, UNITS, grammar), 200)
    for token in ids:
        assert automaton.allowed()[token], tokenizer.decode([token])
        automaton.take(token)
    back = read(tokenizer.decode(ids), grammar)
    assert back.ok
    assert back.triplets == answer_for(body).triplets
    assert back.plan_agrees


@pytest.mark.parametrize("grammar", [TRP, VD_COT])
def test_whatever_is_chosen_under_the_constraint_reads_well(grammar):
    tokenizer = build_tokenizer(grammar)
    words = vocabulary(tokenizer, UNITS, grammar)
    source = torch.Generator().manual_seed(0)
    seen = set()
    for _ in range(40):
        automaton, ids = Automaton(words, 120), []
        while not ids or ids[-1] != tokenizer.ids[EOS]:
            allowed = automaton.allowed().nonzero()[:, 0]
            ids.append(int(allowed[torch.randint(len(allowed), (), generator=source)]))
            automaton.take(ids[-1])
        answer = read(tokenizer.decode(ids), grammar)
        assert answer.ok, answer.diagnostics
        assert answer.plan_agrees
        seen |= {len({each.unit for each in answer.triplets})}
    assert max(seen) > 1  # several units in one answer


def test_a_tokenizer_without_the_words_is_refused():
    with pytest.raises(ConfigError, match="grammar: vd_cot from the start"):
        vocabulary(build_tokenizer(), UNITS, VD_COT)


def test_golden_questions():
    assert turn_in(TRP, "Segment it.", "mask") == "segmentation <Unit>mask</Unit>\nuser: Segment it.\nassistant:"
    assert turn_in(VD_COT, "Segment it.", "mask", 1) == (
        "A task command comes first. Answer with sentence, phrase or unit, as it says.\n"
        "task: segmentation\nelements: phrase, unit\nunit: <Unit>mask</Unit>\n"
        "user: Segment it. <region>\nassistant:"
    )
    assert turn_in(VD_COT, "How many?", "text") == (
        f"{PREAMBLE}\ntask: vqa\nelements: sentence\nunit: none\nuser: How many?\nassistant:"
    )
    assert turn_in(VD_COT, "How many?", None) == f"{PREAMBLE}\nuser: How many?\nassistant:"
    tokenizer = build_tokenizer(VD_COT)
    for wants in ("box", "mask", "keypoint", "depth", "text"):
        ids = tokenizer.encode(turn_in(VD_COT, "Locate it.", wants))
        assert "⁇" not in tokenizer.decode(ids)
