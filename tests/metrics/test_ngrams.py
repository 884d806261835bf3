from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.ngrams import count, lookup

CAPTION = st.lists(st.sampled_from("abc"), max_size=8).map(" ".join)
IMAGES = st.lists(st.tuples(CAPTION, st.lists(CAPTION, min_size=1, max_size=3)), min_size=1, max_size=5)


@given(IMAGES)
def test_counts_equal_those_of_a_dictionary(images):
    candidates, references = [c for c, _ in images], [r for _, r in images]
    counted = count(candidates, references)
    captions = [c.split() for c in candidates] + [c.split() for own in references for c in own]
    assert counted.length.tolist() == [len(words) for words in captions]
    for n, grams in enumerate(counted.grams, start=1):
        want = Counter(
            (place, tuple(words[i : i + n])) for place, words in enumerate(captions) for i in range(len(words) - n + 1)
        )
        assert sorted(grams.count.tolist()) == sorted(want.values())
        per_caption = Counter(place for (place, _), times in want.items() for _ in range(times))
        assert np.bincount(grams.caption, grams.count, len(captions)).tolist() == [
            per_caption[place] for place in range(len(captions))
        ]
        assert len(set(grams.gram.tolist())) == len({gram for _, gram in want})


def test_lookup_finds_places_of_known_keys():
    places, found = lookup(np.array([2, 5, 9]), np.array([5, 6, 9, 10, 1]))
    assert found.tolist() == [True, False, True, False, False]
    assert places[found].tolist() == [1, 2]
    assert not lookup(np.zeros(0, int), np.array([1]))[1].any()


@pytest.mark.parametrize(("candidates", "references"), [(["a"], []), (["a"], [[]])])
def test_images_without_references_are_refused(candidates, references):
    with pytest.raises(ValueError, match="references"):
        count(candidates, references)
