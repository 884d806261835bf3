"""The adapter changes nothing until its gate opens, learns, and heeds neither padding nor its neighbours in a batch."""

import pytest
import torch

from refvlm import checkpoint
from refvlm.config import AdapterConfig, RefVLMConfig
from refvlm.decoders.query import Queries

ADAPTER = AdapterConfig(width=16, layers=2, heads=2, mlp_width=32)


@pytest.fixture
def adapted(build):
    return build(adapter=ADAPTER)


def opened(model):
    torch.nn.init.constant_(model.adapter.gate, 0.7)
    return model


@torch.no_grad()
def test_a_model_that_gets_it_says_the_same_to_the_bit(build, adapted, asked):
    plain = build()
    adapted.load_state_dict(plain.state_dict(), strict=False)
    before, after = (model.decode(*asked(model)) for model in (plain, adapted))
    for name in ("rough", "boxes", "masks", "pixels"):
        assert torch.equal(getattr(before, name), getattr(after, name))
    assert torch.equal(before.located.query, after.located.query)
    changed = opened(adapted).decode(*asked(adapted))
    assert not torch.allclose(before.boxes, changed.boxes, atol=1e-4)
    assert not torch.allclose(before.pixels, changed.pixels, atol=1e-4)


def test_the_gate_learns_first_and_then_every_weight(adapted, asked):
    def backward():
        adapted.zero_grad(set_to_none=True)
        queries, features = adapted.adapter(*asked(adapted), adapted.image_states(asked(adapted)[1].tokens))
        (queries.states.square().sum() + features.encoded.square().sum()).backward()

    backward()
    learning = {name for name, value in adapted.adapter.named_parameters() if value.grad.any()}
    assert learning == {"gate"}
    assert adapted.adapter.gate.grad.all()
    opened(adapted)
    backward()
    idle = [name for name, value in adapted.adapter.named_parameters() if not value.grad.any()]
    assert idle == []


@torch.no_grad()
def test_a_triplet_is_refined_alone_as_beside_longer_ones(adapted, asked):
    opened(adapted)
    queries, features = asked(adapted)
    states = adapted.image_states(features.tokens)
    together, _ = adapted.adapter(queries, features, states)
    for rows in ([0, 1], [2], [3], [4]):
        alone, _ = adapted.adapter(*asked(adapted, rows), states)
        torch.testing.assert_close(alone.states, together.states[rows], atol=1e-5, rtol=1e-4)  # sums of other lengths
    order = [3, 1, 4, 0, 2]
    mixed, again = adapted.adapter(*asked(adapted, order), states)
    torch.testing.assert_close(mixed.states, together.states[order], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(again.encoded, adapted.adapter(queries, features, states)[1].encoded)


@torch.no_grad()
def test_an_image_is_changed_by_its_own_triplets_and_by_their_mean(adapted, asked):
    opened(adapted)
    queries, features = asked(adapted)
    states = adapted.image_states(features.tokens)
    whole = adapted.adapter(queries, features, states)[1].encoded - features.encoded
    only = adapted.adapter(*asked(adapted, [3, 4]), states)[1].encoded - features.encoded
    assert not only[0].any()
    torch.testing.assert_close(only[1], whole[1], atol=1e-5, rtol=1e-4)
    parts = [adapted.adapter(*asked(adapted, [row]), states)[1].encoded - features.encoded for row in (3, 4)]
    torch.testing.assert_close((parts[0][1] + parts[1][1]) / 2, whole[1], atol=1e-5, rtol=1e-4)


def test_no_query_is_no_change_and_a_checkpoint_holds_it(adapted, asked, tokenizer, tmp_path):
    queries, features = asked(adapted, [])
    assert isinstance(queries, Queries)
    same = adapted.adapter(queries, features, adapted.image_states(features.tokens))
    assert same == (queries, features)
    checkpoint.save(tmp_path, adapted, tokenizer, opened(adapted).state_dict(), torch.float32)
    again = checkpoint.load(tmp_path)[0]
    with torch.no_grad():
        before, after = (model.decode(*asked(model)).boxes for model in (adapted, again))
    assert torch.equal(before, after)


def test_a_width_that_does_not_split_is_refused(nano_config):
    content = nano_config.model_dump() | {"adapter": {"width": 20, "heads": 3}}
    with pytest.raises(ValueError, match="multiple of four times the 3 heads"):
        RefVLMConfig.model_validate(content)
