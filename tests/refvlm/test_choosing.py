"""Drawing tokens: by their probabilities, the same for a seed, and no row minds another."""

import pytest
import torch

from refvlm.choosing import Choosing, Sampling

PROBABILITIES = torch.tensor([0.5, 0.25, 0.15, 0.1, 0.0])


def draws(count: int, **options) -> torch.Tensor:
    """How often each token comes, as a share."""
    rows = PROBABILITIES.log().repeat(count, 1)
    return torch.bincount(Sampling(7, count, **options).pick(rows), minlength=5) / count


def test_without_a_wish_the_likeliest_token_comes():
    assert Choosing().pick(PROBABILITIES.log()[None]).tolist() == [0]
    assert list(Choosing().stopped()) == []


# 20,000 draws: the deviation of a share is at most sqrt(.25/20000) = .0035; four of them are .014
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.5, 0.25, 0.15, 0.1, 0.0]),
        ({"top_k": 2}, [2 / 3, 1 / 3, 0, 0, 0]),
        ({"top_p": 0.76}, [0.5 / 0.9, 0.25 / 0.9, 0.15 / 0.9, 0, 0]),
        ({"top_p": 1e-9}, [1, 0, 0, 0, 0]),
        ({"temperature": 0.5}, [0.25 / 0.345, 0.0625 / 0.345, 0.0225 / 0.345, 0.01 / 0.345, 0]),
    ],
)
def test_shares_of_many_draws_are_the_probabilities(options, expected):
    assert torch.allclose(draws(20_000, **options), torch.tensor(expected, dtype=torch.float32), atol=0.014)


def test_tokens_that_are_barred_never_come():
    barred = torch.tensor([[float("-inf"), 0.0, float("-inf")]]).repeat(500, 1)
    assert set(Sampling(1, 500, temperature=50.0).pick(barred).tolist()) == {1}


def test_a_seed_draws_the_same_and_a_row_does_not_mind_the_others():
    rows = torch.zeros(4, 1000)
    first = Sampling(3, 4)
    again = Sampling(3, 2)
    for _ in range(5):
        assert first.pick(rows)[:2].tolist() == again.pick(rows[:2]).tolist()
    assert len(set(Sampling(3, 4).pick(rows).tolist())) == 4
    assert Sampling(4, 4).pick(rows).tolist() != Sampling(3, 4).pick(rows).tolist()
