import pytest

from metrics.vqa_normalise import CONTRACTIONS, punctuation, strip, words


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("t-shirt", "t shirt"),  # no space beside the mark: it becomes one
        ("dog, cat", "dog cat"),  # a space beside it: deleted
        ("2,000", "2000"),  # a comma between digits: deleted
        ("2,000-3,000", "20003000"),  # and so is every other mark then
        ("u.s.a.", "usa"),
        ("10.5", "10.5"),
        ("man's 50% 1:30 a&b", "man's 50% 1:30 a&b"),
        ("." * 40 + "x", "." * 8 + "x"),  # 32 periods at most
    ],
)
def test_punctuation_follows_the_official_rules(text, want):
    assert punctuation(text) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("The Red  car", "red car"),
        ("None", "0"),
        ("ten dogs", "10 dogs"),
        ("dont know", "don't know"),
        ("couldnt've couldn'tve", "couldn't've couldn't've"),
        ("somebody'd", "somebodyd"),  # the official table has this one the wrong way round
        ("its Im hes", "its im he's"),
    ],
)
def test_words_follow_the_official_rules(text, want):
    assert words(text) == want


def test_every_contraction_differs_from_its_key_by_one_apostrophe():
    for key, word in CONTRACTIONS.items():
        if key != "somebody'd":
            assert any(word[:i] + word[i + 1 :] == key for i, char in enumerate(word) if char == "'")


def test_strip_turns_line_breaks_into_spaces():
    assert strip("\ta\nb \n") == "a b"
