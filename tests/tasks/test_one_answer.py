from dataclasses import replace

import pytest
from PIL import Image

from benchmarks.errors import ConfigError, ModelError
from benchmarks.schema import Group, ImageRef, Instance, Prediction, Region
from refvlm import trp
from refvlm.answers import PlanItem, Text, Triplet, answer_for
from tasks import one_answer
from tasks.base import LoadOptions, ModelEntry
from tasks.models.registry import all_models
from tasks.one_answer import Question


@pytest.fixture
def image(tmp_path):
    Image.new("RGB", (40, 30), "red").save(tmp_path / "photo.png")
    return ImageRef(tmp_path / "photo.png", (30, 40))


def entry(*units, **facts):
    """A model of some units that is never loaded."""
    return ModelEntry("made", "test", units, load=lambda _: pytest.fail("nothing is loaded"), **facts)


def test_a_model_that_learned_with_commands_decides_where_nothing_is_said(image):
    asked = one_answer.put(Question(image, " where is it? "), entry("box", "mask", commands=True))
    assert asked.decided
    assert asked.query.regime == "instruction"
    assert asked.query.prompt == asked.query.question == "where is it?"
    assert asked.sent == "the model decides: no command is sent"


def test_a_chosen_unit_goes_to_it_as_a_command(image):
    asked = one_answer.put(Question(image, "the cat", "mask"), entry("box", "mask", commands=True))
    assert (asked.query.wants, asked.query.regime, asked.decided) == ("mask", "full", False)
    assert asked.sent == "unit mask, as you chose, which goes to the model as a command"


@pytest.mark.parametrize(
    ("words", "unit", "why"),
    [
        ("Segment the cat", "mask", "'segment'"),
        ("please segmenting it", "mask", "'segment'"),
        ("where is the cat?", "box", "'where is'"),
        ("Detect cats", "box", "'detect'"),
        ("the unboxed cat", "text", "names no other"),
        ("estimate the depth", "text", "names no other"),  # it has none
    ],
)
def test_for_other_models_the_words_decide_and_that_is_said(words, unit, why, image):
    asked = one_answer.put(Question(image, words), entry("box", "mask", "text"))
    assert asked.query.wants == unit
    assert why in asked.sent
    assert not asked.decided


def test_a_model_of_one_unit_is_asked_for_that(image):
    asked = one_answer.put(Question(image, "segment it"), entry("box"))
    assert (asked.query.wants, asked.sent) == ("box", "unit box, the only one of this model")


def test_a_model_that_takes_pictures_alone_gets_no_words_and_that_is_said(image):
    alone = entry("text", refuse=lambda query, _: "no words, please" if query.question else "")
    asked = one_answer.put(Question(image, "describe it"), alone)
    assert (asked.query.question, asked.query.prompt) == ("", "describe it")
    assert asked.sent.endswith("; it looks at the whole picture, whatever the words")


def test_a_model_that_refuses_either_way_says_why(image):
    with pytest.raises(ModelError, match=r"^made cannot answer this: names are needed$"):
        one_answer.put(Question(image, "x"), entry("mask", refuse=lambda query, _: "names are needed"))


@pytest.mark.parametrize("words", ["", "  \n"])
def test_an_empty_question_is_refused(words, image):
    with pytest.raises(ConfigError, match=r"^the question is empty: write what you want to know"):
        one_answer.put(Question(image, words), entry("box"))


def test_an_endless_question_is_refused(image):
    with pytest.raises(ConfigError, match="has 4001 characters: 4000 are the most"):
        one_answer.put(Question(image, "a" * 4001), entry("box"))


def test_a_unit_that_a_model_lacks_names_what_it_has_and_who_has_the_unit(image):
    with pytest.raises(ModelError, match=r"^made has no unit depth: it answers with box; models with depth: .*refvlm"):
        one_answer.put(Question(image, "x", "depth"), entry("box"))


def test_visual_prompts_that_a_model_does_not_take_name_those_that_do(image):
    region = Region("point", points_xy=((1.0, 1.0),))
    with pytest.raises(ModelError, match=r"^made takes no visual prompts: .*models that take them: .*refvlm"):
        one_answer.put(Question(image, "x", regions=(region,)), entry("box", regions=False))


@pytest.mark.parametrize("name", ["oracle", "constant", "floor"])
def test_models_that_need_a_benchmark_are_no_help_with_a_photo(name, image):
    with pytest.raises(ModelError, match=f"^{name} answers samples of a benchmark only.* refvlm"):
        one_answer.put(Question(image, "x"), all_models()[name])
    assert name not in one_answer.models_with()


@pytest.mark.parametrize(
    "region",
    [
        Region("box", box_xyxy=(0, 0, 41, 30)),
        Region("box", box_xyxy=(-1, 0, 4, 3)),
        Region("box", box_xyxy=(5, 5, 5, 9)),
        Region("box", box_xyxy=(9, 5, 5, 9)),
        Region("point", points_xy=((40.5, 2),)),
        Region("scribble", points_xy=((1, 1), (1, -3))),
        Region("mask", mask_rle={"size": [40, 30], "counts": "ab"}),
        Region("point", points_xy=((float("nan"), 2),)),
    ],
)
def test_visual_prompts_outside_the_picture_are_refused(region):
    with pytest.raises(ConfigError, match="40"):
        one_answer.check_regions([region], (30, 40))


def test_visual_prompts_may_touch_the_edge():
    whole = Region("box", box_xyxy=(0, 0, 40, 30))
    one_answer.check_regions([whole, Region("point", points_xy=((40, 30), (0, 0)))], (30, 40))


class Model:
    """Says what it was made with, or raises it."""

    def __init__(self, says):
        self.says = says

    def predict(self, queries):
        if isinstance(self.says, Exception):
            raise self.says
        return [replace(self.says, sample_id=query.sample_id) for query in queries]

    def fingerprint(self):
        return ""


TEXT = trp.render(answer_for((Text("It is "), Triplet("the cat", "box", 1), Text("."))))
SAYS = Prediction("", "ok", TEXT, groups=(Group("the cat", "box", (Instance(box_xyxy=(1, 2, 3, 4)),)),))


def test_an_answer_is_read(image):
    asked = one_answer.put(Question(image, "x"), entry("box"))
    found = one_answer.answer(asked, entry("box"), Model(SAYS))
    assert found.words == "It is the cat."
    assert found.prediction.sample_id == "photo"
    assert found.reading is not None
    assert found.reading.plan == (PlanItem("the cat", "box", 1),)
    assert found.seconds > 0


@pytest.mark.parametrize(
    ("says", "reason"),
    [(RuntimeError("out of luck"), "out of luck"), (replace(SAYS, groups=(Group("x", "bx", ()),)), "unusable answer")],
)
def test_a_model_that_fails_leaves_a_failed_prediction(says, reason, image):
    found = one_answer.answer(one_answer.put(Question(image, "x"), entry("box")), entry("box"), Model(says))
    assert found.prediction.status == "failed"
    assert reason in found.prediction.error


def test_a_text_without_the_grammar_is_read_as_words():
    assert one_answer.reading_of("a cat, [1, 2, 3, 4]") is None


def test_the_bundled_model_answers_as_in_a_run(small_world, tmp_path):
    from tasks import one_sample
    from tasks.data import Data

    sample = one_sample.find("refcocog/umd/val", Data(small_world, "sample"))
    bundled = one_answer.entry_of("refvlm")
    model = bundled.load(LoadOptions())
    asked = one_answer.put(Question(sample.image, f"Segment {sample.question} with a mask.", "mask"), bundled)
    found = one_answer.answer(asked, bundled, model).prediction
    [own] = model.predict([sample.query(f"Segment {sample.question} with a mask.", "mask")])
    assert (found.text, found.groups) == (own.text, own.groups)
    assert found.status == "ok"
