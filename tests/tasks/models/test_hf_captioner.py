"""Captioners: tiny random checkpoints of every architecture, loaded from disk as users load theirs."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    AutoModelForImageTextToText,
    BertTokenizer,
    Blip2Config,
    Blip2ForConditionalGeneration,
    BlipConfig,
    BlipForConditionalGeneration,
    GitConfig,
    GitForCausalLM,
    OPTConfig,
    PreTrainedTokenizerFast,
)
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from benchmarks.errors import ModelError
from benchmarks.schema import Query, Region
from tasks.base import LoadOptions
from tasks.models.hf_captioner import MODELS

[FAMILY] = MODELS
PARTS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("toy_parts.py"))))
SEED = 1
WORDS = ["a", "picture", "photo", "of", "red", "blue", "cat", "dog", "on", "the", "mat", "sky"]
SMALL = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
EYE = {**SMALL, "image_size": 32, "patch_size": 16}
NOT_FLAT = 0.5
"""Spread of random weights: large enough that different photos get different words."""


def bert_words():
    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[DEC]", *WORDS]
    words = BertTokenizer(vocab={name: place for place, name in enumerate(names)})
    words.add_special_tokens({"additional_special_tokens": ["[DEC]"]})
    return words, len(names)


def blip():
    words, size = bert_words()
    text = {**SMALL, "vocab_size": size, "encoder_hidden_size": 16, "bos_token_id": 5, "pad_token_id": 0}
    text |= {"eos_token_id": 3, "sep_token_id": 3, "is_decoder": True, "initializer_range": NOT_FLAT}
    config = BlipConfig(text_config=text, vision_config=EYE | {"initializer_range": NOT_FLAT}, projection_dim=16)
    return BlipForConditionalGeneration(config), BlipImageProcessorPil(size={"height": 32, "width": 32}), words


def blip2():
    names = ["<pad>", "</s>", "<unk>", "<image>", *WORDS]
    core = Tokenizer(models.WordLevel({name: place for place, name in enumerate(names)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.TemplateProcessing(single="</s> $A", special_tokens=[("</s>", 1)])
    words = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", bos_token="</s>", eos_token="</s>", unk_token="<unk>",
        additional_special_tokens=["<image>"],
    )  # fmt: skip
    text = OPTConfig(
        vocab_size=len(names), hidden_size=16, ffn_dim=32, num_hidden_layers=2, num_attention_heads=2,
        word_embed_proj_dim=16, pad_token_id=0, bos_token_id=1, eos_token_id=1, init_std=NOT_FLAT,
    )  # fmt: skip
    former = {**SMALL, "encoder_hidden_size": 16, "vocab_size": 16, "cross_attention_frequency": 1}
    config = Blip2Config(
        vision_config=EYE | {"initializer_range": NOT_FLAT}, qformer_config=former | {"initializer_range": NOT_FLAT},
        text_config=text.to_dict(), num_query_tokens=4, image_token_index=3,
    )  # fmt: skip
    return Blip2ForConditionalGeneration(config), BlipImageProcessorPil(size={"height": 32, "width": 32}), words


def git():
    words, size = bert_words()
    config = GitConfig(
        vision_config=EYE | {"initializer_range": NOT_FLAT}, **SMALL, vocab_size=size, bos_token_id=2, eos_token_id=3,
        pad_token_id=0, initializer_range=NOT_FLAT,
    )  # fmt: skip
    square = {"height": 32, "width": 32}
    return GitForCausalLM(config), CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=square), words


BUILD = {"blip": blip, "blip2": blip2, "git": git}
GOLDEN = {"blip": [2, 6, 7, 9, 3], "blip2": [3, 3, 3, 3, 1, 4, 6, 7], "git": []}
"""The token ids that each network is given: BLIP's start is put in by its `generate`, GIT begins by itself."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("captioner")
    return {name: PARTS.save(root / name, build, SEED) for name, build in BUILD.items()}


@pytest.fixture
def queries(tmp_path):
    photos = PARTS.noise(tmp_path, [(60, 44), (44, 60), (32, 32)])
    return [Query(str(n), each, "", "Describe the image.", "text", max_new_tokens=6) for n, each in enumerate(photos)]


def load(folder):
    return FAMILY.of_reference(str(folder)).load(LoadOptions())


@pytest.mark.parametrize("name", BUILD)
def test_captions_are_those_of_transformers_one_photo_at_a_time(folders, queries, name):
    ours = load(folders[name])
    assert ours.prompt_ids == GOLDEN[name]
    theirs = AutoModelForImageTextToText.from_pretrained(folders[name]).eval()
    *_, processor, words = BUILD[name]()
    with torch.inference_mode():
        found = ours.predict(queries)
        for query, caption in zip(queries, found, strict=True):
            inputs = dict(processor(query.image.open_rgb(), return_tensors="pt"))
            prompt = ours.preset.prompt
            if prompt:
                inputs["input_ids"] = torch.tensor([GOLDEN[name]])
            ids = theirs.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=6)
            text = words.decode(ids[0], skip_special_tokens=True)
            assert text.startswith(prompt)
            assert (caption.text, caption.prompt) == (text.removeprefix(prompt).strip(), prompt)
    assert any(each.text for each in found)


def test_without_a_prompt_nothing_of_a_caption_is_cut_off(folders, queries, tmp_path):
    for name in ("blip", "blip2"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"checkpoint: {folders[name]}\nlicence: none\ndescription: bare\n")
        theirs = AutoModelForImageTextToText.from_pretrained(folders[name]).eval()
        *_, processor, words = BUILD[name]()
        pixels = processor(queries[0].image.open_rgb(), return_tensors="pt")["pixel_values"]
        with torch.inference_mode():
            ids = theirs.generate(pixel_values=pixels, do_sample=False, num_beams=1, max_new_tokens=6)
            [caption] = load(path).predict(queries[:1])
        assert caption.text == words.decode(ids[0], skip_special_tokens=True).strip()


def test_a_question_is_refused(folders, queries):
    asked = Query("q", queries[0].image, "What is it?", "What is it?", "text", regions=(Region("point"),))
    with pytest.raises(ModelError, match="describes whole photos only"):
        load(folders["git"]).predict([asked])


def test_it_runs_a_task_from_its_folder(refbench, small_world, folders):
    name = "blip2"
    words = ("--model", f"hf-captioner:{folders[name]}", "--data-root", small_world, "--limit", 2, "--split", "val")
    [row] = refbench("eval", "--task", "coco_captions", *words, "--json").json["rows"]
    assert (row["model"], row["n"], row["failed"]) == (f"hf-captioner:{name}", 2, 0)


def test_every_preset_shows_its_facts(refbench):
    [card] = refbench("models", "hf-captioner:blip2-opt-2.7b", "--json").json
    assert card["answers"] == ["text"]
    assert card["needs"][0]["name"] == "Salesforce/blip2-opt-2.7b"
    assert "OPT has a non-commercial licence" in card["licence"]
