import unicodedata

import pytest

from metrics.ptb_characters import FOLDING


@pytest.mark.parametrize(
    ("char", "stands_for"),
    [
        ("a", "a"),
        ("é", "é"),
        ("日", "é"),
        ("\u0301", "ˆ"),
        ("٣", "٠"),
        ("™", "™"),
        ("👍", "\0"),
        ("\x01", "\0"),
        ("\t", " "),
    ],
)
def test_characters_fold_to_their_class(char, stands_for):
    assert char.translate(FOLDING) == stands_for


def test_folding_keeps_places():
    text = "naïve 👍 ½ ˆ\u0301 ١٢\xa0x"
    assert len(text.translate(FOLDING)) == len(text)


def test_classes_agree_with_unicode_where_both_know_a_character():
    letters = [chr(code) for code in range(128, 0x10000) if chr(code).translate(FOLDING) == "é"]
    assert len(letters) == pytest.approx(48_410, abs=1)  # measured, and the soft hyphen, which acts as a letter
    assert all(unicodedata.category(char)[0] in "LM" for char in letters if char != "\xad")
    digits = [chr(code) for code in range(128, 0x10000) if chr(code).translate(FOLDING) == "٠"]
    assert {unicodedata.category(char) for char in digits} == {"Nd"}
