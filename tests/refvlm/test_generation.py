"""Generation: generated states equal teacher-forced ones, batches equal single answers, units route per group."""

import pytest
import torch
from PIL import Image

from benchmarks.schema import ImageRef, Query
from benchmarks.world.scenes import generate as draw
from refvlm.generation import Prompt, generate
from refvlm.model import RefVLM
from refvlm.predictor import BUNDLED, Predictor
from refvlm.tokenizer import EOS, WordTokenizer
from refvlm.trp import Text, Triplet, answer_for, render

ANSWERS = (
    answer_for((Triplet("the red star", "box", 1), Text("."))),
    answer_for((Triplet("the circle", "mask", 3), Text(", "), Triplet("the large blue square", "box", 2), Text("."))),
    answer_for((Text("the object."),)),
)
PROMPTS = ("Locate the red star with a box.", "Find the circle and draw a box around it.", "Where is the object?")


def scripted(script, model: RefVLM, tokenizer: WordTokenizer, rows: list[int], pixels: torch.Tensor):
    """Force the answers of these rows in one batch, each on its own image."""
    answers = [[*tokenizer.encode(render(ANSWERS[row])), tokenizer.ids[EOS]] for row in rows]
    prompts = [Prompt(row, tuple(tokenizer.encode(PROMPTS[row]))) for row in rows]
    model.llm.lm_head = script.teach(model, pixels[rows], [prompt.ids for prompt in prompts], answers)
    return generate(model, tokenizer, pixels, prompts)


@pytest.fixture
def pixels() -> torch.Tensor:
    return torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))


def test_generated_states_equal_teacher_forced_states(nano, tokenizer, pixels, script):
    batch = scripted(script, nano, tokenizer, [0, 1, 2], pixels)
    features = nano.vision(pixels)
    expected = []
    for row in range(3):
        ids = torch.tensor([*tokenizer.encode(PROMPTS[row]), *batch.answers[row].ids])[None]
        states = nano.states(nano.read_images(features.tokens), torch.tensor([row]), nano.embed(ids))[0]
        expected.append(states[ids[0] == tokenizer.special_ids["<REF>"]])
    assert [len(states) for states in expected] == [1, 5, 0]
    # float32 sums over up to 100 positions in another order: errors of a few 1e-6.
    torch.testing.assert_close(batch.ref_states, torch.cat(expected).detach(), atol=1e-5, rtol=1e-4)


def test_a_batch_answers_as_single_prompts_do_whatever_the_padding(nano, tokenizer, pixels, script):
    together = scripted(script, nano, tokenizer, [0, 1, 2], pixels)
    for row in range(3):
        alone = scripted(script, nano, tokenizer, [row], pixels[[0, 1, 2]])
        start, count = together.answers[row].first_ref, sum(len(g.refs) for g in together.answers[row].groups)
        assert alone.answers[0].ids == together.answers[row].ids
        assert alone.answers[0].groups == together.answers[row].groups
        if count == 0:
            assert alone.decoded is None
            continue
        rows = slice(start, start + count)
        # Another batch sums in another order; see above.
        torch.testing.assert_close(alone.ref_states, together.ref_states[rows], atol=1e-5, rtol=1e-4)
        torch.testing.assert_close(alone.decoded.boxes, together.decoded.boxes[rows], atol=1e-4, rtol=1e-3)
        torch.testing.assert_close(alone.decoded.masks, together.decoded.masks[rows], atol=1e-3, rtol=1e-3)


def test_groups_keep_their_unit_phrase_and_number_of_instances(nano, tokenizer, pixels, script):
    answer = scripted(script, nano, tokenizer, [1, 0, 2], pixels).answers[0]
    assert [tokenizer.decode(group.unit) for group in answer.groups] == ["mask", "box"]
    assert [len(group.refs) for group in answer.groups] == [3, 2]
    assert answer.text == render(ANSWERS[1])
    assert answer.finished
    assert all(0 < score <= 1 for score in answer.scores)


def test_an_endless_answer_is_cut_and_says_so(nano, tokenizer, pixels, script):
    nano.llm.lm_head = script(torch.zeros(1, 32), [tokenizer.special_ids["<REF>"]], len(tokenizer))
    batch = generate(nano, tokenizer, pixels, [Prompt(0, tuple(tokenizer.encode("Where is it?")))], constrain=False)
    assert not batch.answers[0].finished
    assert len(batch.answers[0].ids) == nano.config.max_new_tokens == len(batch.ref_states)


def test_the_bundled_model_answers_in_the_unit_asked_for(tmp_path):
    scene = draw(5, "test", 0)
    path = tmp_path / "scene.png"
    Image.fromarray(scene.image).save(path)
    image = ImageRef(path, (128, 128))
    queries = [
        Query("a", image, "the leftmost object", "Locate the leftmost object with a box.", "box"),
        Query("b", image, "the leftmost object", "Segment the leftmost object with a mask.", "mask"),
    ]
    box, mask = Predictor(BUNDLED).predict(queries)
    assert (box.status, mask.status) == ("ok", "ok")
    assert len(box.boxes()) == 1
    assert not box.masks()
    assert len(mask.masks()) == 1
    assert mask.masks()[0]["size"] == [128, 128]
    assert box.groups[0].phrase == "the leftmost object"
