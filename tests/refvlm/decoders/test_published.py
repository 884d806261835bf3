"""Every flag that brings back the published design: what it computes, by a plain reference, and that it learns."""

import pytest
import torch
from torch.nn import functional

from refvlm.decoders.query import Queries, sample_at

PUBLISHED = {
    "phrase_skip": False, "reference_points": False, "refine": False, "point_features": False, "bowl": False,
    "peers": "answer", "query_positions": 3,
}  # fmt: skip
FLAGS = [{name: value} for name, value in PUBLISHED.items()]


def mlp(layers, x):
    """Linear layers with GELU between them, by hand."""
    weights = [each for each in layers if hasattr(each, "weight")]
    for layer in weights[:-1]:
        x = functional.gelu(x @ layer.weight.T + layer.bias)
    return x @ weights[-1].weight.T + weights[-1].bias


def logit(x):
    return torch.logit(x, eps=1e-4)


def drawn(model):
    """Heads that start at zero would hide what they are given."""
    torch.manual_seed(7)
    for part in (model.box_decoder, model.mask_decoder):
        for value in part.parameters():
            torch.nn.init.normal_(value, std=0.3)
    return model


@pytest.mark.parametrize("flags", [*FLAGS, PUBLISHED], ids=lambda flags: "+".join(flags))
def test_each_variant_decodes_learns_and_differs(build, asked, truth, flags):
    model, ours = drawn(build(flags)), drawn(build())
    decoded = model.decode(*asked(model))
    assert decoded.boxes.shape == (5, 4)
    assert decoded.masks.shape == (5, 32, 32)
    (decoded.boxes.sum() + decoded.masks.sum() + decoded.located.heat.square().sum()).backward()
    idle = {name for name, value in model.named_parameters() if name.startswith(("box_decoder", "mask_decoder"))
            and not value.grad.any()}  # fmt: skip
    assert idle == set()
    assert model.query_trunk.state_in.weight.grad.any()
    before = ours.decode(*asked(ours))
    changed = {name for name in ("rough", "boxes", "masks")
               if not torch.equal(getattr(before, name), getattr(decoded, name))}  # fmt: skip
    assert changed


@torch.no_grad()
def test_the_published_heads_are_three_and_two_layers_of_the_query_alone(build, asked):
    model = drawn(build(PUBLISHED))
    decoded = model.decode(*asked(model))
    query = decoded.located.query
    boxes = (logit(torch.tensor([0.5, 0.5, 0.2, 0.2])) + mlp(model.box_decoder.first, query)).sigmoid()
    torch.testing.assert_close(decoded.boxes, boxes)
    assert decoded.rough is decoded.boxes
    embedded = mlp(model.mask_decoder.embed, query)
    for row, image in enumerate((0, 0, 0, 1, 1)):
        pixels = decoded.pixels[image]
        masks = (embedded[row][:, None, None] * pixels).sum(0) / len(pixels) ** 0.5
        torch.testing.assert_close(decoded.masks[row], masks, atol=1e-5, rtol=1e-4)  # sums in another order


@torch.no_grad()
def test_our_box_is_refined_at_its_own_middle(build, asked):
    model = drawn(build())
    decoded = model.decode(*asked(model))
    at, box = decoded.located, model.box_decoder
    for before, head, base in ((at.point, box.first, None), (decoded.rough[:, :2], box.second, decoded.rough)):
        seen = torch.cat([at.query, sample_at(decoded.pixels, at.image, before)], 1)
        start = torch.cat([before, torch.full((5, 2), 0.2)], 1) if base is None else base
        found = (logit(start) + mlp(head, seen)).sigmoid()
        torch.testing.assert_close(found, decoded.rough if base is None else decoded.boxes)


@torch.no_grad()
def test_without_the_skip_the_phrase_is_not_heard(build, asked):
    for skip, same in ((False, True), (True, False)):
        model = build({"phrase_skip": skip})
        queries, features = asked(model)
        other = Queries(queries.states, queries.phrases + 1, queries.image, queries.group)
        first, second = (model.decode(each, features).located.query for each in (queries, other))
        assert torch.equal(first, second) == same


@torch.no_grad()
def test_published_queries_attend_to_all_of_their_answer_and_to_no_other(build, asked):
    answer = torch.tensor([0, 0, 0, 1, 2])
    moved = {}
    for peers in ("triplet", "answer"):
        model = build({"peers": peers})
        queries, features = asked(model)
        before = Queries(queries.states, queries.phrases, queries.image, queries.group, answer)
        states = queries.states.clone()
        states[2] += 1
        after = Queries(states, queries.phrases, queries.image, queries.group, answer)
        first, second = (model.decode(each, features).located.query for each in (before, after))
        moved[peers] = [not torch.allclose(a, b, atol=1e-6) for a, b in zip(first, second, strict=True)]
    assert moved == {"triplet": [False, False, True, False, False], "answer": [True, True, True, False, False]}


@torch.no_grad()
def test_positions_count_within_an_answer_and_the_last_one_serves_all_beyond(build, asked):
    model = build({"query_positions": 2})
    queries, features = asked(model)
    seen = []
    model.query_trunk.places.register_forward_hook(lambda _, given, __: seen.append(given[0].tolist()))
    answer = torch.tensor([4, 4, 4, 7, 9])
    model.decode(Queries(queries.states, queries.phrases, queries.image, queries.group, answer), features)
    model.decode(queries, features)  # one answer for each image
    assert seen == [[0, 1, 1, 0, 0], [0, 1, 1, 0, 1]]
