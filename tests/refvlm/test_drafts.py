"""Guesses at how answers go on: what they are made from, and that no answer depends on them."""

from collections.abc import Sequence

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from refvlm.drafts import Drafts
from refvlm.generation import Prompt, generate
from refvlm.habits import Habits
from refvlm.key_values import KeyValues
from refvlm.passes import Reader
from refvlm.tokenizer import EOS
from refvlm.trp import Text, Triplet, answer_for, render

END = 1
NONE = Habits()
ANSWERS = (
    answer_for((Triplet("the circle", "mask", 3), Text(", "), Triplet("the large blue square", "box", 2), Text("."))),
    answer_for((Text("the object."),)),
)
QUESTIONS = ("Find the circle and draw a box around it.", "Where is it?")


PROMPT = [90, 91]


def taught(*texts: list[int], habits: Habits = NONE, prompt: Sequence[int] = PROMPT) -> Drafts:
    drafts = Drafts(habits, [prompt])
    for text in texts:
        for k, token in enumerate(text):
            drafts.learn(0, text[:k], token)
    return drafts


def test_an_answer_goes_on_as_the_one_before():
    assert taught([5, 6, 7, 8, END]).follow(0, [5, 6], END) == [7, 8]


def test_what_came_more_often_is_guessed_and_the_longest_beginning_counts():
    drafts = taught(*[[4, 2, 5, 6, 7]] * 3, [9, 2, 5, 6, 8])
    assert drafts.follow(0, [5, 6], END) == [7]
    assert drafts.follow(0, [9, 2, 5, 6], END) == [8]


def test_nothing_is_guessed_that_is_unlikely_or_was_never_met():
    drafts = taught(*[[2, 3, token] for token in range(10, 16)])
    assert drafts.follow(0, [2, 3], END) == []
    assert drafts.follow(0, [8, 9], END) == []


def test_what_training_taught_is_guessed_before_the_batch_has_said_anything():
    habits = Habits.of([([90, 91, 5, 6, 7, END], 2)] * 3)
    assert taught(habits=habits).follow(0, [], END) == [5, 6, 7]
    assert taught(habits=habits, prompt=[80, 81]).follow(0, [], END) == [], "of another command"


def test_an_answer_repeats_what_its_question_says():
    turns = [([90, 91, word, other, 9, 8, word, other, END], 5) for word in (2, 3) for other in (5, 6, 7)]
    drafts = taught(habits=Habits.of(turns), prompt=[90, 91, 2, 22, 9])
    assert drafts.follow(0, [8, 2], END) == [22]


@given(st.lists(st.integers(2, 5), max_size=40), st.lists(st.integers(2, 5), max_size=12))
def test_a_guess_is_short_and_never_holds_the_end(text, before):
    guess = taught([*text, END]).follow(0, before, END)
    assert len(guess) <= 24
    assert END not in guess


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("wrong", [False, True])
def test_answers_are_the_same_whether_guesses_come_true_or_not(nano, tokenizer, pixels, script, wrong, monkeypatch):
    """Scores and states come from passes of other lengths: float32 sums in another order."""
    prompts = [Prompt(row, tuple(tokenizer.encode(text))) for row, text in enumerate(QUESTIONS)]
    answers = [[*tokenizer.encode(render(answer)), tokenizer.ids[EOS]] for answer in ANSWERS]
    nano.llm.lm_head = script.teach(nano, pixels, [prompt.ids for prompt in prompts], answers)
    passes: list[int] = []
    nano.llm.model.layers[0].self_attn.q_proj.register_forward_hook(lambda _, __, out: passes.append(len(out)))
    first = generate(nano, tokenizer, pixels, prompts)
    before = len(passes)
    shift = 1 if wrong else 0
    turns = [
        ([*prompt.ids, *(token + shift if token + shift < len(tokenizer) else 2 for token in answer)], len(prompt.ids))
        for prompt, answer in zip(prompts, answers, strict=True)
    ]
    monkeypatch.setattr(nano, "habits", Habits.of(turns * 3))
    again = generate(nano, tokenizer, pixels, prompts)
    assert [each.ids for each in again.answers] == [each.ids for each in first.answers]
    assert [list(each.ids) for each in again.answers] == [answer[:-1] for answer in answers]
    for mine, expected in zip(again.answers, first.answers, strict=True):
        assert mine.scores == pytest.approx(expected.scores, abs=1e-5)
    torch.testing.assert_close(again.ref_states, first.ref_states, atol=1e-5, rtol=1e-4)
    assert wrong or len(passes) - before < before - 2


@torch.inference_mode()
def test_what_is_forgotten_is_as_if_it_had_never_been_read(nano, pixels):
    tokens = torch.randn(2, 6, 32, generator=torch.Generator().manual_seed(4))
    reader, rows = Reader(nano), torch.tensor([0, 1])
    images = reader.read_images(nano.vision(pixels).tokens)
    expected = nano.states(images, rows, tokens[:, :4])
    memory = KeyValues(images, rows)
    reader.read(memory, torch.cat([tokens[0, :2], torch.full((3, 32), 9.0), tokens[1, :3]]), [5, 3], [])
    memory.forget([5, 3], [3, 1])
    assert memory.get_seq_length() == images.get_seq_length() + 2
    states = reader.read(memory, tokens[:, 2:4].flatten(0, 1), [2, 2], range(4))
    torch.testing.assert_close(states.view(2, 2, -1), expected[:, 2:], atol=1e-5, rtol=1e-4)
