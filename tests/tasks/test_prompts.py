import pytest

from benchmarks.errors import UnknownName
from tasks.prompts import TEMPLATES, render


@pytest.mark.parametrize("key", sorted(TEMPLATES))
def test_every_template_about_something_holds_the_question_once(key):
    about_the_whole_image = key in ("describe_image", "segment_salient")
    assert render(key, "the red cup").count("the red cup") == (0 if about_the_whole_image else 1)


def test_a_question_is_never_read_as_a_template():
    assert render("locate_expression", "{0} {question}") == "Locate {0} {question} with a box."


def test_an_unknown_template_gets_the_nearest_name():
    with pytest.raises(UnknownName, match="did you mean segment_expression"):
        render("segment_expresion", "x")
