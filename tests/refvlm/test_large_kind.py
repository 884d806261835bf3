"""The kind of model that the 7B preset is, at sizes of a test: CLIP stem, ConvNeXt, two input sizes, parts of words."""

import pytest
import torch
from PIL import Image
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from benchmarks.schema import ImageRef, Query, Region
from refvlm import checkpoint
from refvlm.config import RefVLMConfig
from refvlm.hub import RefVLMForConditionalGeneration
from refvlm.model import RefVLM
from refvlm.predictor import Predictor
from refvlm.presets import preset
from refvlm.subwords import SubwordTokenizer
from refvlm.trp import parse

SMALL = {
    "image_size": 64,
    "trunk": {"widths": (8, 8, 16, 16), "depths": (1, 1, 1, 1)},
    "encoder": {"image_size": 28, "width": 16, "layers": 3, "heads": 2, "mlp_width": 32},
    "llm": {"width": 32, "layers": 2, "heads": 2, "mlp_width": 48},
    "decoder": {"width": 16, "layers": 2, "heads": 2, "mlp_width": 32, "pixel_width": 8, "head_width": 12},
    "keypoint": {"cells": 4, "width": 8},
    "depth": {"bins": 5},
    "max_new_tokens": 120,
}
"""What differs from the preset; all else is as it says."""


@pytest.fixture(scope="module")
def tokenizer() -> SubwordTokenizer:
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<unk>", "</s>"], initial_alphabet=alphabet)
    backend.train_from_iterator(["- Name: a star Unit: box Num: 1 Unit decode (True). Locate the star. mask"], trainer)
    return SubwordTokenizer(backend, end="</s>", pad="<unk>")


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    """A checkpoint with weights as they were drawn."""
    whole = preset("7b", len(tokenizer)).model_dump()
    parts = {name: whole[name] | value if isinstance(value, dict) else value for name, value in SMALL.items()}
    torch.manual_seed(1)
    model = RefVLM(RefVLMConfig.model_validate(whole | parts))
    path = tmp_path_factory.mktemp("large")
    checkpoint.save(path, model, tokenizer, model.state_dict(), torch.float32)
    return path


@pytest.fixture(scope="module")
def queries(tmp_path_factory):
    path = tmp_path_factory.mktemp("picture") / "a.png"
    Image.effect_noise((50, 40), 60).convert("RGB").save(path)
    image = ImageRef(path, (40, 50))
    marked = (Region("box", box_xyxy=(4.0, 4.0, 20.0, 30.0)), Region("point", points_xy=((30.0, 9.0),)))
    wanted = ("box", "mask", "keypoint", "depth", "text")
    return [
        *(Query(unit, image, "the star", "Locate the star.", unit) for unit in wanted),
        Query("marked", image, "it", "Segment <region> and <region>.", "mask", regions=marked),
    ]


def test_every_answer_parses_and_a_batch_answers_as_single_questions_do(folder, queries):
    predictor = Predictor(folder)
    assert isinstance(predictor.tokenizer, SubwordTokenizer)
    together = predictor.predict(queries)
    assert {each.status for each in together} == {"ok"}
    assert all(parse(each.text).plan_agrees for each in together if each.sample_id != "text")
    alone = [predictor.predict([query])[0] for query in queries]
    assert [each.text for each in alone] == [each.text for each in together]
    assert sum(len(each.groups) for each in together) > 0


def test_the_separate_head_is_stored_and_the_class_token_too(folder):
    model = RefVLMForConditionalGeneration.from_pretrained(folder)
    names = set(model.state_dict())
    assert {"llm.lm_head.weight", "vision.class_token", "vision.norm_before.weight"} <= names
    assert model.core.llm.lm_head.weight is not model.core.llm.model.embed_tokens.weight
    ours = checkpoint.load(folder)[0].state_dict()
    assert all(torch.equal(value, ours[name]) for name, value in model.state_dict().items())
