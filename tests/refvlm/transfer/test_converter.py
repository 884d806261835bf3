"""The word converter against its formula, and the merged projector against the composition it stands for."""

import pytest
import torch
from torch import nn

from benchmarks.errors import ConfigError
from refvlm.tokenizer import WordTokenizer
from refvlm.transfer.converter import Converter, caption_words, converter, fit, merge


def projector(inside, out):
    return nn.Sequential(nn.Linear(5, inside), nn.GELU(), nn.Linear(inside, out))


def test_a_linear_relation_is_found_and_holds_for_words_it_was_not_fit_on():
    torch.manual_seed(0)
    weight, bias = torch.randn(7, 4), torch.randn(7)
    words = torch.randn(40, 4)
    found = fit(words[:20], words[:20] @ weight.T + bias)
    # float32 rounding of a well-conditioned fit in float64
    torch.testing.assert_close(found(words), words @ weight.T + bias, rtol=1e-5, atol=1e-5)


def test_of_several_maps_that_fit_the_smallest_is_taken():
    torch.manual_seed(0)
    words = torch.randn(3, 8)
    found = fit(words, torch.randn(3, 6))
    centred = words - words.mean(0)
    unseen = torch.linalg.svd(centred, full_matrices=True).Vh[2:]  # directions in which no word differs
    assert (found.weight @ unseen.T).abs().max() < 1e-5


def test_pairs_are_the_shared_words_wherever_they_stand():
    own, theirs = WordTokenizer.build(["red", "blue", "tree"]), WordTokenizer.build(["blue", "red", "house", "ant"])
    torch.manual_seed(0)
    source, target = torch.randn(len(own), 6), torch.randn(len(theirs), 6)
    found = converter(source, own, target, theirs, ["red", "blue", "tree", "house"])
    for word in ("red", "blue"):
        torch.testing.assert_close(found(source[own.ids[word]]), target[theirs.ids[word]], rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match="share 1 of 2 words"):
        converter(source, own, target, theirs, ["red", "tree"])


@pytest.mark.parametrize("inside", [4, 9])
def test_the_merged_projector_is_the_source_s_behind_the_converter(inside):
    torch.manual_seed(0)
    source, target = projector(4, 4), projector(inside, 9)
    map_ = Converter(torch.randn(9, 4), torch.randn(9))
    merge(target, source, map_)
    seen = torch.randn(3, 5)
    # f_t(x) = g(f_s(x)), up to float32 rounding
    torch.testing.assert_close(target(seen), map_(source(seen)), rtol=1e-5, atol=1e-5)


def test_further_inner_units_can_learn_at_once():
    torch.manual_seed(0)
    target = projector(9, 9)
    merge(target, projector(4, 4), Converter(torch.randn(9, 4), torch.zeros(9)))
    target(torch.randn(3, 5)).square().sum().backward()
    assert target[2].weight.grad[:, 4:].abs().min() > 0


def test_a_narrower_target_is_refused():
    with pytest.raises(ConfigError, match="a language model at least as wide"):
        merge(projector(3, 3), projector(4, 4), Converter(torch.randn(3, 4), torch.zeros(3)))


def test_the_words_of_captions_are_those_of_all_captions_to_come():
    words = caption_words()
    assert {"red", "circle", "left", "bottom", "shapes", "a"} <= set(words)
    assert words == sorted(set(words))
    assert set(caption_words(seed=5)) == set(words)  # other scenes have no other words
