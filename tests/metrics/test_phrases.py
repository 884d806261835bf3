"""Objects whose phrase is no category are counted over all images."""

from metrics.phrases import aggregate, measure


def test_the_share_is_over_all_objects_not_a_mean_over_images():
    rows = [measure([3, None, 1]), measure([None]), measure([])]
    assert rows[0] == {"named": 3, "unmapped": 1}
    assert aggregate(rows) == aggregate(rows[::-1]) == {"unmapped": 0.5}


def test_without_any_object_there_is_no_share():
    assert aggregate([measure([]), measure([])]) == {}
