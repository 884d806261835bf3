"""Options of a protocol: known names and values only."""

import pytest

from benchmarks.errors import ConfigError, UnknownName
from tasks import protocol


def test_unknown_options_are_named_with_the_nearest():
    assert protocol.only({"phrases": "exact"}, ("phrases", "scores")) == {"phrases": "exact"}
    with pytest.raises(UnknownName, match="no protocol option is called 'phrase'; did you mean phrases"):
        protocol.only({"phrase": "exact"}, ("phrases", "scores"))


def test_a_choice_has_a_default_and_no_other_values():
    assert protocol.choice({}, "average", ("a", "b"), "b") == "b"
    assert protocol.choice({"average": "a"}, "average", ("a", "b"), "b") == "a"
    with pytest.raises(ConfigError, match="option average is 'c', not one of a, b"):
        protocol.choice({"average": "c"}, "average", ("a", "b"), "b")


def test_a_share_is_a_number_from_0_to_1():
    assert protocol.share({}, "min_visible", 0.5) == 0.5
    assert protocol.share({"min_visible": "1"}, "min_visible", 0.5) == 1.0
    for wrong in ("-0.1", "1.5", "nan", "half", ""):
        with pytest.raises(ConfigError, match=f"option min_visible is '{wrong}', not a number from 0 to 1"):
            protocol.share({"min_visible": wrong}, "min_visible", 0.5)
