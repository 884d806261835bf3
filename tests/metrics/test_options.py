import pytest

from metrics.errors import DataError
from metrics.options import choice, choice_float, choice_int, floats, ids, yes


def test_options_are_checked():
    options = {"n": "3", "x": "2.5", "c": "red"}
    assert (choice_int(options, "n", 1), choice_float(options, "x", 1.0)) == (3, 2.5)
    assert choice(options, "c", ("red", "blue"), "blue") == "red"
    assert (choice_int({}, "n", 1), choice_float({}, "x", 1.0), choice({}, "c", ("red",), "red")) == (1, 1.0, "red")
    for value in ("-1", "1.5", "x", ""):
        with pytest.raises(DataError, match="option n="):
            choice_int({"n": value}, "n", 1)
    for value in ("0", "nan", "inf", "-2", "x"):
        with pytest.raises(DataError, match="option x="):
            choice_float({"x": value}, "x", 1.0)
    with pytest.raises(DataError, match="option c=red is not one of blue"):
        choice(options, "c", ("blue",), "blue")


def test_lists_are_comma_separated():
    assert (ids({"images": "3, a,"}, "images"), ids({}, "images")) == (("3", "a"), None)
    assert (floats({"t": "0.5,1"}, "t", (9.0,)), floats({}, "t", (9.0,))) == ((0.5, 1.0), (9.0,))
    with pytest.raises(DataError, match="option images lists no id"):
        ids({"images": ","}, "images")
    for value in ("", "0", "-1,2", "nan", "x"):
        with pytest.raises(DataError, match="option t="):
            floats({"t": value}, "t", ())


def test_yes_and_no_are_the_only_answers():
    assert (yes({"a": "yes"}, "a", False), yes({"a": "no"}, "a", True), yes({}, "a", True)) == (True, False, True)
    with pytest.raises(DataError, match="option a=true is not one of yes, no"):
        yes({"a": "true"}, "a", True)
