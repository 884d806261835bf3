import pytest

from benchmarks.schema import ImageRef, Query
from tasks.models import families
from tasks.models.vpgtrans_preset import VpgTransPreset
from tasks.models.vpgtrans_prompts import clean, decoding_for, shown, words_for


@pytest.mark.parametrize(
    ("base", "question", "text"),
    [
        ("vl-llama", "What (color) is it?", "<image>Question: what color is it? Answer:"),
        ("vl-llama", "", "<image>"),
        ("vl-vicuna", "What is it?", "###Human: <Img><image></Img> What is it? Briefly. ###Assistant: "),
        ("vl-vicuna", "", "###Human: <Img><image></Img>  Briefly. ###Assistant: "),
    ],
)
def test_golden_prompts(base, question, text, tmp_path):
    preset = families.member("vpgtrans", base, VpgTransPreset).preset
    query = Query("s", ImageRef(tmp_path / "x.png", (1, 1)), question, f"{question} Briefly.", "text")
    assert shown(words_for(query, preset), preset) == text


def test_questions_are_cleaned_and_cut_as_lavis_does():
    assert clean('Is "This": a (dog); or ~#* it. Hm! ') == "is this a dog or  it hm"
    assert len(clean("word " * 80).split()) == 50


def test_the_task_s_limit_lowers_the_authors_one_only(tmp_path):
    preset = families.member("vpgtrans", "vl-llama", VpgTransPreset).preset
    query = Query("s", ImageRef(tmp_path / "x.png", (1, 1)), "", "", "text", max_new_tokens=4)
    assert (decoding_for(query, preset).max_new_tokens, decoding_for(query, preset).min_new_tokens) == (4, 4)
    assert preset.answer.length_penalty == -1.0
    assert preset.describe.max_new_tokens == 30
