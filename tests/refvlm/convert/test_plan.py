"""Every upstream name is accounted for, at the sizes of the published model; nothing is allocated."""

import pytest

from refvlm.convert.plan import plan
from refvlm.convert.rules import RULES, Rule
from refvlm.convert.write import stored_shapes
from refvlm.presets import preset


@pytest.fixture(scope="module")
def ours():
    return stored_shapes(preset("7b"))


@pytest.fixture(scope="module")
def sizes(upstream):
    return upstream.Sizes()


def test_a_training_checkpoint_at_7b_carries_language_model_and_projector(upstream, sizes, ours):
    found = upstream.training_checkpoint(sizes)
    report = plan(found, ours)
    assert report.faults == []
    names = {step.name: step.ours for step in report.steps}
    assert len(names) == 3 + 32 * 9 + 4
    assert names["llm.model.layers.31.mlp.down_proj.weight"] == "llm.model.layers.31.mlp.down_proj.weight"
    assert names["projector.model.2.bias"] == "vision.projector.2.bias"
    without = sum(map(len, report.without.values()))
    assert len(names) + len(report.left) + without == len(found)
    assert [step.name for step in report.left] == ["vpt_encoder.model.position_embedding.weight"]
    assert {each for each in report.missing if each.startswith("llm.")} == set()
    assert "vision.class_token" in report.missing


def test_clip_and_convnext_fill_the_vision_encoder_but_for_the_norms_of_its_levels(upstream, sizes, ours):
    found = upstream.clip(sizes) | upstream.convnext(sizes) | upstream.open_clip_rest(sizes) | upstream.projector(sizes)
    report = plan(found, ours)
    assert report.faults == []
    rest = [name for name in report.missing if name.startswith("vision.")]
    norms = [
        f"vision.trunk.backbone.hidden_states_norms.stage{i}.{end}" for i in range(1, 5) for end in ("bias", "weight")
    ]
    assert rest == norms


@pytest.mark.parametrize("prefix", ["visual_tower.", "visual_tower.visual.trunk.", "visual.trunk."])
def test_a_tower_is_known_by_all_its_prefixes(upstream, sizes, ours, prefix):
    assert plan(upstream.convnext(sizes, prefix), ours).faults == []


def test_vicuna_gets_ten_more_rows_and_padding_is_cut(upstream, ours):
    report = plan(upstream.language_model(upstream.Sizes(vocab=32_000), ""), ours)
    notes = {step.ours: step.note for step in report.steps if step.note}
    assert set(notes) == {"llm.model.embed_tokens.weight", "llm.lm_head.weight"}
    assert all("10 rows more" in note for note in notes.values())
    padded = plan(upstream.language_model(upstream.Sizes(vocab=32_064)), ours)
    assert {step.note for step in padded.steps} == {"", "54 rows of padding are cut"}
    assert report.faults == padded.faults == []


def test_every_decoder_and_variant_says_that_it_has_no_counterpart(upstream, sizes, ours):
    found = upstream.pose_decoder(sizes) | upstream.sam_plug(sizes) | upstream.vpt_encoder_variants(sizes)
    found |= upstream.box_decoder(sizes) | upstream.mask_decoder(sizes, "visual_decoder.depth")
    found |= {"ref_adapter.layers.0.weight": (4,), "vd_adapter.layers.0.weight": (4,)}
    report = plan(found, ours)
    assert report.faults == ["nothing can be carried over"]
    assert sum(map(len, report.without.values())) == len(found)
    assert all(report.without)


@pytest.mark.parametrize(
    "name",
    ["sofa", "module.llm.model.norm.weight", "visual_decoder.box.sofa.weight", "llm.model.norm.weight.sofa", "llm.sofa",
     "visual_encoder.vision_model.encoder.layers.0.self_attn.q_proj.sofa"],
)  # fmt: skip
def test_a_name_that_no_rule_knows_is_a_fault(upstream, sizes, ours, name):
    report = plan(upstream.projector(sizes) | {name: (1,)}, ours)
    assert report.unlisted == [name]
    assert report.faults == [f"{name}: no rule knows the name"]


def test_another_shape_is_a_fault_that_names_both(upstream, sizes, ours):
    found = upstream.projector(sizes) | {"projector.model.0.weight": (4096, 768)}
    assert any(
        "[4096, 768] but ours, vision.projector.0.weight, is [4096, 1024]" in each for each in plan(found, ours).faults
    )


def test_half_a_part_is_a_fault(upstream, sizes, ours):
    found = upstream.language_model(sizes)
    del found["llm.model.layers.7.mlp.up_proj.weight"]
    report = plan(found, ours)
    assert report.incomplete == {"language model": ["llm.model.layers.7.mlp.up_proj.weight"]}
    assert len(report.faults) == 1


@pytest.mark.parametrize(
    "name",
    ["llm.base_model.model.model.layers.0.self_attn.q_proj.lora_A.default.weight",
     "llm.model.base_model.model.layers.0.self_attn.q_proj.lora_B.weight",
     "llm.base_model.model.model.layers.0.self_attn.q_proj.base_layer.weight"],
)  # fmt: skip
def test_low_rank_deltas_are_refused_until_they_are_merged(upstream, sizes, ours, name):
    report = plan(upstream.projector(sizes) | {name: (8, 4096)}, ours)
    assert [each for each in report.faults if "merge" in each and name in each]


def test_two_names_for_one_tensor_are_a_fault(upstream, sizes, ours):
    found = upstream.clip(sizes) | upstream.clip(sizes, "visual_encoder.")
    report = plan(found, ours)
    assert len(report.repeated) == len(report.steps)
    assert report.faults


def test_a_model_that_is_built_otherwise_is_named(upstream, sizes):
    report = plan(upstream.clip(sizes), stored_shapes(preset("tiny", vocab_size=100)))
    assert report.absent["vision_model.embeddings.class_embedding"] == "vision.class_token"


def test_no_two_rules_match_one_name(upstream, sizes, ours):
    everything = (
        upstream.training_checkpoint(sizes) | upstream.clip(sizes, "visual_encoder.") | upstream.sam_plug(sizes)
    )
    everything |= upstream.convnext(sizes) | upstream.open_clip_rest(sizes) | upstream.pose_decoder(sizes)
    plan(everything, ours)  # raises where two do
    for rule in RULES:
        assert rule.ours or rule.why, rule.pattern
    with pytest.raises(ValueError, match="sofa matches sofa and s"):
        plan({"sofa": (1,)}, ours, (Rule("sofa", why="a"), Rule("s.*", why="b")))
