import pytest

from metrics.ptb_rules import match


@pytest.mark.parametrize(
    ("text", "token", "verbatim"),
    [
        ("don't", "do", False),
        ("n't", "n't", False),
        ("12:30pm", "12:30", False),
        ("http://a.b/c.", "http://a.b/c", True),
        ("-----x", "-----", False),
        ("¿que", "¿", False),
        ("U.S.-based", "U.S.-based", False),
        ("1 1/2 cups", "1 1/2", False),
    ],
)
def test_the_longest_rule_wins_and_looking_ahead_is_not_taking(text, token, verbatim):
    end, as_it_stands = match(text + "\n\n", 0)
    assert (text[:end], as_it_stands) == (token, verbatim)


def test_a_token_may_start_anywhere():
    assert match("a cat's toy\n\n", 2) == (5, False)
