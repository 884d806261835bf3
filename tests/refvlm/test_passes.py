"""Our own passes over the language model's layers say what transformers' forward says."""

import pytest
import torch

from refvlm.key_values import KeyValues
from refvlm.passes import Laid, Reader

WIDTH = 32


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randn(3, 9, WIDTH, generator=torch.Generator().manual_seed(4))


@pytest.fixture
def images(nano) -> torch.Tensor:
    with torch.inference_mode():
        return nano.vision(torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))).tokens


@torch.inference_mode()
def test_an_image_leaves_the_same_keys_and_values(nano, images):
    ours, theirs = Reader(nano).read_images(images), nano.read_images(images)
    for mine, expected in zip(ours.layers, theirs.layers, strict=True):
        torch.testing.assert_close(mine.keys, expected.keys, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(mine.values, expected.values, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
@pytest.mark.parametrize("rows", [(0, 1, 1), (1, 0), (0, 1)])
def test_states_are_those_of_transformers_whatever_the_runs(nano, images, tokens, rows):
    """Read in one pass by transformers, in runs of uneven lengths by us; float32 sums in another order."""
    image = torch.tensor(rows)
    expected = nano.states(nano.read_images(images), image, tokens[: len(rows)])
    memory = KeyValues(Reader(nano).read_images(images), image)
    done, got = [0] * len(rows), [[] for _ in rows]
    for lengths in ((3, 1, 2), (4, 4, 4), (2, 4, 0), (0, 0, 3)):
        lengths = lengths[: len(rows)]
        if not any(lengths):
            continue
        run = torch.cat([tokens[k, at : at + n] for k, (at, n) in enumerate(zip(done, lengths, strict=True))])
        states = Reader(nano).read(memory, run, lengths, range(len(run)))
        for k, each in enumerate(states.split(list(lengths))):
            got[k].append(each)
            done[k] += lengths[k]
    for k, parts in enumerate(got):
        torch.testing.assert_close(torch.cat(parts), expected[k], atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_only_what_is_wanted_is_finished(nano, images, tokens):
    image, lengths = torch.tensor([0, 1]), [5, 3]
    run = torch.cat([tokens[0, :5], tokens[1, :3]])
    every = Reader(nano).read(KeyValues(Reader(nano).read_images(images), image), run, lengths, range(8))
    finished = []
    nano.llm.model.layers[-1].mlp.register_forward_hook(lambda _, __, out: finished.append(len(out)))
    some = Reader(nano).read(KeyValues(Reader(nano).read_images(images), image), run, lengths, [4, 7])
    torch.testing.assert_close(some, every[[4, 7]], atol=1e-6, rtol=1e-5)
    assert finished == [2]  # none of the image's, none of the other tokens


@torch.inference_mode()
def test_no_linear_layer_sees_padding(nano, images, tokens):
    seen = []
    nano.llm.model.layers[0].self_attn.q_proj.register_forward_hook(lambda _, __, out: seen.append(len(out)))
    memory = KeyValues(nano.read_images(images), torch.tensor([0, 1]))
    seen.clear()
    Reader(nano).read(memory, tokens[:2].flatten(0, 1)[:10], [9, 1], [9])
    assert seen == [10]


def test_tokens_return_from_their_places():
    values = torch.arange(8.0).reshape(4, 2)
    for lengths in ((2, 2), (1, 3), (4, 0), (0, 4)):
        laid = Laid.of(lengths, values.device)
        padded = laid.spread(values)
        assert padded.shape == (2, max(lengths), 2)
        assert torch.equal(laid.gather(padded), values)
        assert float(padded.sum()) == float(values.sum())
