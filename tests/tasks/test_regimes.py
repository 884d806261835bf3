"""Regimes: the task side writes a command for models without a template for it, and for nobody else."""

from dataclasses import replace

import pytest

from tasks.models.registry import find
from tasks.regimes import commanding, resolve


def test_the_default_regime_is_the_models_own():
    assert resolve(None, find("refvlm")) == "full"
    assert resolve(None, find("oracle")) == "instruction"
    assert resolve("wrong", find("refvlm")) == resolve("wrong", find("oracle")) == "wrong"


@pytest.mark.parametrize(
    ("regime", "text"),
    [
        ("full", "Command:\n- task: segmentation\n- answer elements: phrase, unit\n- unit: mask\nSegment it."),
        ("instruction", "Segment it."),
        ("wrong", "Command:\n- task: detection\n- answer elements: phrase, unit\n- unit: box\nSegment it."),
    ],
)
def test_a_model_without_a_template_reads_the_command_in_its_prompt(regime, text):
    assert commanding("Segment it.", "mask", regime, find("oracle")) == text


def test_a_model_with_a_template_gets_the_instruction_alone():
    assert commanding("Segment it.", "mask", "wrong", replace(find("oracle"), commands=True)) == "Segment it."


def test_an_answer_in_words_is_a_sentence_without_a_unit():
    text = commanding("How many?", "text", "full", find("oracle"))
    assert text == "Command:\n- task: answering\n- answer elements: sentence\n- unit: none\nHow many?"
