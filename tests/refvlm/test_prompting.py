"""What the reference model reads in each regime, and that it keeps to a limit on its answer."""

import pytest
from PIL import Image

from benchmarks.schema import ImageRef, Query
from refvlm.constrain import Vocabulary
from refvlm.predictor import Predictor
from refvlm.prompting import turn_text


def test_the_command_names_task_and_unit_and_is_left_out_without_one():
    assert turn_text("Segment it.", "mask") == "segmentation <Unit>mask</Unit>\nuser: Segment it.\nassistant:"
    assert turn_text("How many?", "text") == "vqa None\nuser: How many?\nassistant:"
    assert turn_text("Segment it.", None) == "user: Segment it.\nassistant:"


def test_regions_that_the_words_do_not_name_come_behind_them():
    assert turn_text("Name <region>.", None, 2) == "user: Name <region>. <region>\nassistant:"


@pytest.fixture
def query(tmp_path):
    """Ask for a mask on a grey picture."""
    path = tmp_path / "grey.png"
    Image.new("RGB", (96, 64), (128, 128, 128)).save(path)

    def build(**changes):
        fields = {"question": "the red circle", "prompt": "Segment the red circle with a mask.", "wants": "mask"}
        return Query("a", ImageRef(path, (64, 96)), **{**fields, **changes})

    return build


def test_the_prompt_that_was_read_is_in_the_prediction_and_follows_the_regime(query):
    regimes = ("full", "instruction", "wrong")
    answers = Predictor().predict([query(regime=regime) for regime in regimes])
    first = [answer.prompt.partition("\n")[0] for answer in answers]
    assert first == ["segmentation <Unit>mask</Unit>", f"user: {query().prompt}", "detection <Unit>box</Unit>"]


def test_a_limit_on_the_answer_is_kept(query):
    predictor = Predictor()
    free, short = predictor.predict([query(), query(max_new_tokens=1)])
    tokens = [len(predictor.tokenizer.encode(answer.text)) for answer in (free, short)]
    frame = Vocabulary.of(predictor.tokenizer, predictor.units).least_room
    assert tokens[1] <= frame + 1 < tokens[0]
    assert short.status == "ok"
