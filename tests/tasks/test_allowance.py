import pytest

from tasks.allowance import Allowance


@pytest.mark.parametrize(
    ("text", "failed", "exceeded"),
    [("0", 0, False), ("0", 1, True), ("12", 12, False), ("12", 13, True), ("5%", 10, False), ("5%", 11, True),
     ("0%", 1, True), ("0.5%", 1, False), ("100%", 200, False)],
)  # fmt: skip
def test_a_number_or_a_share_of_two_hundred_samples(text, failed, exceeded):
    allowed = Allowance.read(text)
    assert allowed.exceeded(failed, 200) is exceeded
    assert str(allowed) == text


@pytest.mark.parametrize("text", ["-1", "1.5", "101%", "-2%", "nan%", "%", "5%5", "some"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError):
        Allowance.read(text)
