"""The model in the hands of transformers: the same weights, the same answers, the same folder."""

import json

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, AutoProcessor

from benchmarks.errors import ConfigError, ModelError
from benchmarks.schema import ImageRef, Query, Region
from benchmarks.world.scenes import generate as draw
from refvlm import checkpoint
from refvlm.config import DecoderConfig, DepthConfig, KeypointConfig, RegionConfig
from refvlm.fingerprint import HABITS, fingerprint
from refvlm.habits import Habits
from refvlm.hub import RefVLMForConditionalGeneration, RefVLMPretrainedConfig, register
from refvlm.hub_processor import RefVLMProcessor
from refvlm.model import RefVLM
from refvlm.predictor import BUNDLED, Predictor

QUESTIONS = ("Locate the leftmost object with a box.", "Segment the rightmost object with a mask.")


@pytest.fixture
def sizes(nano_config):
    """Every part that there is, so that nothing can be forgotten."""
    parts = {
        "keypoint": KeypointConfig(cells=4, width=8),
        "depth": DepthConfig(bins=4),
        "regions": RegionConfig(),
        "decoder": DecoderConfig(**nano_config.decoder.model_dump() | {"quality": True}),
    }
    return nano_config.model_copy(update=parts)


@pytest.fixture
def model(sizes):
    torch.manual_seed(3)
    model = RefVLMForConditionalGeneration(RefVLMPretrainedConfig.of(sizes)).eval()
    model.core.habits = Habits({(1, 2, 2): (3, 0.5)})
    return model


@pytest.fixture
def processor(tokenizer, sizes):
    return RefVLMProcessor(tokenizer, sizes)


@pytest.fixture
def inputs(processor):
    pictures = [Image.new("RGB", (64, 48), (200, 30, 30)), Image.new("RGB", (30, 64), (20, 30, 200))]
    marked = [[], [Region("box", box_xyxy=(2.0, 3.0, 20.0, 30.0)), Region("point", points_xy=((9.0, 9.0),))]]
    return processor(pictures, ["Where is it?", "Segment <region> and that."], unit=["box", "mask"], regions=marked)


def same(ours, theirs) -> bool:
    return ours.keys() == theirs.keys() and all(torch.equal(value, theirs[name]) for name, value in ours.items())


@pytest.mark.parametrize("shards", [None, "20KB"])
def test_what_is_saved_comes_back_to_the_bit(model, processor, inputs, tmp_path, shards):
    model.save_pretrained(tmp_path, **({"max_shard_size": shards} if shards else {}))
    processor.save_pretrained(tmp_path)
    assert len(list(tmp_path.glob("*.safetensors"))) == 1 if shards is None else len(list(tmp_path.iterdir())) > 2
    again = RefVLMForConditionalGeneration.from_pretrained(tmp_path).eval()
    assert same(model.state_dict(), again.state_dict())
    for (name, ours), (_, theirs) in zip(model.named_buffers(), again.named_buffers(), strict=True):
        assert torch.equal(ours, theirs), name  # also those that are computed and not stored
    assert again.core.habits == model.core.habits
    words = RefVLMProcessor.from_pretrained(tmp_path).tokenizer
    first, second = (each.generate(**inputs, tokenizer=words) for each in (model, again))
    assert torch.equal(first.sequences, second.sequences)


@pytest.mark.parametrize("shards", [None, "20KB"])
def test_its_folder_is_a_checkpoint_of_ours(model, processor, tmp_path, shards):
    model.save_pretrained(tmp_path, **({"max_shard_size": shards} if shards else {}))
    processor.save_pretrained(tmp_path)
    ours, words = checkpoint.load(tmp_path)
    assert same(ours.state_dict(), model.state_dict())
    assert ours.config == model.core.config
    assert ours.habits == model.core.habits
    assert words.ids == processor.tokenizer.ids
    before = fingerprint(tmp_path)
    victim = sorted(tmp_path.glob("*.safetensors"))[-1]
    weights = load_file(victim)
    next(iter(weights.values())).view(-1)[0] += 1
    save_file(weights, victim)
    assert fingerprint(tmp_path) != before


def test_a_checkpoint_of_ours_is_its_folder(sizes, tokenizer, tmp_path):
    torch.manual_seed(5)
    ours = RefVLM(sizes).eval()
    checkpoint.save(tmp_path, ours, tokenizer, ours.state_dict(), torch.float32)
    register()
    assert type(AutoConfig.from_pretrained(tmp_path)) is RefVLMPretrainedConfig
    assert type(AutoProcessor.from_pretrained(tmp_path)) is RefVLMProcessor
    for auto in (AutoModel, AutoModelForImageTextToText):
        theirs = auto.from_pretrained(tmp_path)
        assert type(theirs) is RefVLMForConditionalGeneration
        assert same(theirs.state_dict(), ours.state_dict())


def test_the_bundled_weights_answer_as_the_predictor_does(tmp_path):
    scene = draw(5, "test", 0)
    path = tmp_path / "scene.png"
    picture = Image.fromarray(scene.image).crop((0, 0, 128, 90))
    picture.save(path)
    queries = [
        Query("0", ImageRef(path, (90, 128)), "", question, unit)
        for question, unit in zip(QUESTIONS, ("box", "mask"), strict=True)
    ]
    model = RefVLMForConditionalGeneration.from_pretrained(BUNDLED, dtype=torch.float32).eval()
    processor = RefVLMProcessor.from_pretrained(BUNDLED)
    inputs = processor([picture], QUESTIONS, unit=["box", "mask"])
    output = model.generate(**inputs, tokenizer=processor.tokenizer)
    assert model.core.habits == checkpoint.load(BUNDLED)[0].habits != Habits()
    expected = Predictor(BUNDLED).predict(queries)
    answers = processor.post_process(output, inputs)
    assert [each.groups for each in answers] == [each.groups for each in expected]
    assert [each.text for each in answers] == processor.batch_decode(output.sequences) == [e.text for e in expected]
    assert {each.status for each in answers} == {"ok"}


@pytest.mark.parametrize("device_map", ["cpu", {"": "cpu"}, "auto"])
def test_a_device_map_of_one_device_works(model, processor, inputs, tmp_path, device_map):
    model.save_pretrained(tmp_path)
    placed = RefVLMForConditionalGeneration.from_pretrained(tmp_path, device_map=device_map).eval()
    words = processor.tokenizer
    expected = model.generate(**inputs, tokenizer=words).sequences
    assert torch.equal(placed.generate(**inputs.to(placed.device), tokenizer=words).sequences.cpu(), expected)


def test_forward_gives_the_tokens_that_generation_chooses(model, processor, inputs):
    inputs = processor([Image.new("RGB", (64, 64))], ["Where is it?", "Segment everything in the picture."])
    output = model.generate(**inputs, tokenizer=processor.tokenizer, constrain=False, max_new_tokens=5)
    ids = torch.cat([inputs["input_ids"], output.sequences], 1)
    mask = torch.cat([inputs["attention_mask"], torch.ones_like(output.sequences)], 1)
    with torch.inference_mode():
        told = model(inputs["pixel_values"], ids, mask, image_index=inputs["image_index"], labels=ids)
    start = inputs["input_ids"].shape[1]
    assert torch.equal(told.logits[:, start - 1 : -1].argmax(2), output.sequences)
    assert torch.isfinite(told.loss)


def test_a_limit_cuts_and_says_so_and_the_prompt_regions_reach_the_model(model, processor, inputs):
    words = processor.tokenizer
    assert len(inputs["prompt_text"]) == 2
    short = model.generate(**inputs, tokenizer=words, max_new_tokens=8)
    assert short.sequences.shape[1] <= 9
    elsewhere = dict(inputs) | {"prompt_masks": inputs["prompt_masks"].roll(20, 2)}
    first, second = (model.generate(**each, tokenizer=words, max_new_tokens=30).batch for each in (inputs, elsewhere))
    assert first.answers[0].scores == second.answers[0].scores  # the text without a visual prompt
    assert inputs["input_ids"].tolist()[1].count(words.ids["<region>"]) == 2 * processor.sizes.regions.tokens


def test_incomplete_and_foreign_weights_are_refused(model, tmp_path):
    model.save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    del weights["query_trunk.norm.weight"]
    save_file(weights | {"sofa": torch.zeros(1)}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelError, match=r"query_trunk\.norm\.weight is missing; sofa is not part"):
        RefVLMForConditionalGeneration.from_pretrained(tmp_path)


def test_damaged_habits_are_refused(model, tmp_path):
    model.save_pretrained(tmp_path)
    (tmp_path / HABITS).write_text("[[1, 2, 9999, 0.5]]")
    with pytest.raises(ModelError, match=r"habits\.json cannot be used.*delete this file"):
        RefVLMForConditionalGeneration.from_pretrained(tmp_path)


def test_shards_stay_in_their_folder(model, processor, tmp_path):
    model.save_pretrained(tmp_path, max_shard_size="20KB")
    index = tmp_path / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    content["weight_map"]["query_trunk.norm.weight"] = "../elsewhere.safetensors"
    index.write_text(json.dumps(content))
    with pytest.raises(ModelError, match="shards must lie beside it"):
        fingerprint(tmp_path)


def test_unknown_sizes_and_lengths_that_differ_are_refused(sizes, processor):
    content = sizes.model_dump() | {"llm": {"sofa": 1}}
    with pytest.raises(ConfigError, match="sofa"):
        RefVLMForConditionalGeneration(RefVLMPretrainedConfig(**content))
    picture = Image.new("RGB", (8, 8))
    with pytest.raises(ConfigError, match="2 images, 1 texts"):
        processor([picture, picture], ["a"], image_index=[2])
    with pytest.raises(ConfigError, match="3 texts, 1 units"):
        processor([picture], ["a", "b", "c"], unit=["box"])


def test_visual_prompts_need_their_encoder(nano_config, tokenizer, inputs):
    bare = RefVLMForConditionalGeneration(RefVLMPretrainedConfig.of(nano_config)).eval()
    with pytest.raises(ModelError, match="takes no visual prompts"):
        bare.generate(**inputs, tokenizer=tokenizer)
