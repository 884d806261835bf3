"""Unknown names get the nearest known one."""

from benchmarks.errors import unknown


def test_the_nearest_name_is_suggested_whatever_the_capitals():
    assert str(unknown("split", "testa", ["testA", "testB"])) == "no split is called 'testa'; did you mean testA?"
    assert "did you mean refcocog_res?" in str(unknown("task", "refcocog_rse", ["refcocog_res", "pope"]))


def test_without_a_near_name_the_known_ones_are_listed():
    text = str(unknown("task", "zzz", [f"name{n:02d}" for n in range(14)], "refbench tasks"))
    assert text == (
        "no task is called 'zzz'; known: name00, name01, name02, name03, name04, name05, name06, name07, name08, "
        "name09, name10, name11, … (`refbench tasks` lists all 14)"
    )
