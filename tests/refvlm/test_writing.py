"""Writing answers: what is kept, in what runs tokens are read, and that padding is seen by nobody."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.multiprocessing.reductions import StorageWeakRef

from refvlm.config import LlmConfig
from refvlm.generation import Prompt, generate
from refvlm.key_values import KeyValues
from refvlm.model import RefVLM
from refvlm.tokenizer import EOS
from refvlm.trp import Text, Triplet, answer_for, render
from refvlm.writing import best_reach

ANSWERS = (
    answer_for((Triplet("the circle", "mask", 3), Text(", "), Triplet("the large blue square", "box", 2), Text("."))),
    answer_for((Text("the object."),)),
)
QUESTIONS = ("Find the circle and draw a box around it.", "Where is it?")


def watched(model: RefVLM) -> tuple[list[int], list[StorageWeakRef]]:
    """Watch a language model: living states of all layers at the start of every pass, and references to the states."""
    living: list[int] = []
    seen: list[StorageWeakRef] = []
    for layer in model.llm.model.layers:
        for part in (layer.self_attn.v_proj, layer.mlp):
            part.register_forward_hook(lambda _, __, out: seen.append(StorageWeakRef(out.untyped_storage())))

    def count(*_):
        living.append(sum(not each.expired() for each in seen))

    model.llm.model.layers[0].self_attn.q_proj.register_forward_pre_hook(count)
    return living, seen


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("layers", [2, 6])
def test_no_state_of_any_layer_outlives_its_pass(nano_config, tokenizer, pixels, script, layers):
    """So what generation holds beside the keys and values does not depend on the number of layers."""
    torch.manual_seed(0)
    llm = LlmConfig(width=32, layers=layers, heads=2, mlp_width=48)
    model = RefVLM(nano_config.model_copy(update={"llm": llm})).eval()
    prompts = [Prompt(row, tuple(tokenizer.encode(text))) for row, text in enumerate(QUESTIONS)]
    answers = [[*tokenizer.encode(render(answer)), tokenizer.ids[EOS]] for answer in ANSWERS]
    model.llm.lm_head = script.teach(model, pixels, [prompt.ids for prompt in prompts], answers)
    living, seen = watched(model)
    batch = generate(model, tokenizer, pixels, prompts)
    assert batch.answers[0].text == render(ANSWERS[0])
    assert len(living) > 3
    # only the states that the next tokens were just chosen from may wait for the next pass to replace them
    assert max(living) <= 1
    del batch
    assert all(each.expired() for each in seen)


def test_what_must_follow_is_read_in_one_pass(nano, tokenizer, pixels, script):
    prompts = [Prompt(0, tuple(tokenizer.encode(QUESTIONS[0])))]
    answer = [*tokenizer.encode(render(ANSWERS[0])), tokenizer.ids[EOS]]
    nano.llm.lm_head = script.teach(nano, pixels[:1], [prompts[0].ids], [answer])
    living, _ = watched(nano)
    batch = generate(nano, tokenizer, pixels, prompts)
    constrained = len(living)
    assert list(batch.answers[0].ids) == answer[:-1]
    free = generate(nano, tokenizer, pixels, prompts, constrain=False)
    assert free.answers[0].ids == batch.answers[0].ids
    assert free.answers[0].scores == pytest.approx(batch.answers[0].scores, abs=1e-5)
    assert len(living) - constrained >= len(answer)  # a pass a token
    assert constrained < len(answer) / 2


def test_padding_is_seen_by_nobody_wherever_it_stands(nano, pixels):
    """The same tokens, in runs with padding between them and in one run: the same states, to float32 rounding."""
    tokens = torch.randn(2, 7, 32, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        images = nano.read_images(nano.vision(pixels).tokens)
        rows = torch.tensor([0, 1])
        whole = nano.states(images, rows, tokens)
        memory, got = KeyValues(images, rows), [[], []]
        taken = [0, 0]
        for lengths in ((3, 1), (1, 4), (3, 2)):
            run = torch.full((2, max(lengths), 32), 1e3)  # what padding holds must not matter
            for row, length in enumerate(lengths):
                run[row, :length] = tokens[row, taken[row] : taken[row] + length]
                taken[row] += length
            real = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
            positions, mask = memory.append(real)
            out = nano.llm.model(
                inputs_embeds=run, attention_mask=mask, position_ids=positions, past_key_values=memory, use_cache=True
            ).last_hidden_state
            for row, length in enumerate(lengths):
                got[row].append(out[row, :length])
    for row in range(2):
        torch.testing.assert_close(torch.cat(got[row]), whole[row], atol=1e-5, rtol=1e-4)


@given(st.lists(st.integers(0, 40), min_size=1, max_size=32), st.integers(0, 2000))
def test_a_pass_reads_something_and_no_further_than_any_row(pending, cost):
    reach = best_reach(pending, cost)
    assert reach <= max(pending)
    assert reach > 0 or not any(pending)


def test_a_single_answer_is_read_as_far_as_it_goes_and_one_long_run_waits_for_company():
    assert best_reach([17], 48) == 17
    assert best_reach([17] + [1] * 31, 48) == 1
    assert best_reach([17] * 20 + [1] * 12, 48) == 17
