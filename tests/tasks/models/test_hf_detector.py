"""Detectors: tiny random checkpoints of every architecture, loaded from disk as users load theirs."""

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import (
    BertConfig,
    BertTokenizer,
    CLIPTokenizer,
    GroundingDinoConfig,
    GroundingDinoForObjectDetection,
    GroundingDinoProcessor,
    Owlv2Config,
    Owlv2ForObjectDetection,
    Owlv2Processor,
    SwinConfig,
)
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil

from benchmarks.errors import ModelError
from benchmarks.schema import Query
from tasks.base import LoadOptions
from tasks.models.hf_detector import MODELS

[FAMILY] = MODELS
PARTS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("toy_parts.py"))))
NAMES = ("Red star", "blue circle", "cat")
CLOSE = 1e-3
"""Scores in [0, 1]: a batch may add up in another order."""


def dino():
    places = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029}
    places |= {word: 200 + n for n, word in enumerate(["red", "star", "blue", "circle", "cat", "the", "left", "one"])}
    free = iter(set(range(1033)) - set(places.values()))
    vocabulary = {**places, **{f"[unused{place}]": place for place in free}}
    words = BertTokenizer(vocab=dict(sorted(vocabulary.items(), key=lambda each: each[1])))
    config = GroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=32, patch_size=4, embed_dim=16, depths=[1, 1, 1], num_heads=[2, 2, 2], window_size=4,
            out_features=["stage2", "stage3"], drop_path_rate=0.0,
        ),
        text_config=BertConfig(
            vocab_size=1033, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
            max_position_embeddings=64, initializer_range=0.5,
        ),
        d_model=32, encoder_layers=1, decoder_layers=2, encoder_ffn_dim=64, decoder_ffn_dim=64,
        encoder_attention_heads=4, decoder_attention_heads=4, num_queries=7, num_feature_levels=3, max_text_len=16,
        disable_custom_kernels=True,
    )  # fmt: skip
    size = {"shortest_edge": 48, "longest_edge": 64}
    return GroundingDinoForObjectDetection(config), GroundingDinoImageProcessorPil(size=size), words


def owl():
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"{c}</w>" for c in "abcdefghijklmnopqrstuvwxyz")]
    names = [*letters, "<|startoftext|>", "<|endoftext|>"]
    places = {name: place for place, name in enumerate(names)}
    words = CLIPTokenizer(vocab=places, merges=[], pad_token="<|endoftext|>", model_max_length=32)
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Owlv2Config(
        text_config={**small, "vocab_size": 54, "max_position_embeddings": 32, "eos_token_id": 53, "bos_token_id": 52},
        vision_config={**small, "image_size": 32, "patch_size": 8},
        projection_dim=16,
    )
    return Owlv2ForObjectDetection(config), Owlv2ImageProcessorPil(size={"height": 32, "width": 32}), words


BUILD = {"dino": dino, "owl": owl}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("detector")
    return {name: PARTS.save(root / name, build) for name, build in BUILD.items()}


@pytest.fixture
def queries(tmp_path):
    photos = PARTS.noise(tmp_path, [(60, 44), (44, 60), (60, 44)])
    return [Query(str(n), each, "", "Detect every object.", "box", categories=NAMES) for n, each in enumerate(photos)]


def load(folder, tmp_path, **settings):
    path = tmp_path / "mine.yaml"
    lines = {"checkpoint": folder, "licence": "none", "description": "toy", "threshold": 0.0, **settings}
    path.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    return FAMILY.of_reference(str(path)).load(LoadOptions())


def answers(model, queries):
    """(name, score, box) of every object."""
    with torch.inference_mode():
        found = model.predict(queries)
    return [[(g.phrase, i.score, *i.box_xyxy) for g in each.groups for i in g.instances] for each in found]


def same(ours, theirs):
    """Compare lists of (name, score, box), ranked by score."""
    theirs = sorted(theirs, key=lambda each: -each[1])
    assert len(ours) == len(theirs) > 0
    assert [each[0] for each in ours] == [each[0] for each in theirs]
    np.testing.assert_allclose([each[1:2] for each in ours], [each[1:2] for each in theirs], atol=CLOSE)
    np.testing.assert_allclose([each[2:] for each in ours], [each[2:] for each in theirs], atol=60 * CLOSE)


def forward(folder, build, query, text):
    """Outputs and inputs as the documentation of transformers makes them for one photo."""
    cls, _, words = build()
    processor = (GroundingDinoProcessor if build is dino else Owlv2Processor)(
        (GroundingDinoImageProcessorPil if build is dino else Owlv2ImageProcessorPil).from_pretrained(folder), words
    )
    inputs = processor(images=query.image.open_rgb(), text=text, return_tensors="pt")
    with torch.inference_mode():
        return processor, inputs, type(cls).from_pretrained(folder).eval()(**inputs)


def rows(found, names):
    boxes = zip(names, found["scores"].tolist(), found["boxes"].tolist(), strict=True)
    return [(name, score, *box) for name, score, box in boxes]


def test_owl_answers_as_transformers_does(folders, queries, tmp_path):
    model = load(folders["owl"], tmp_path, prompt="a photo of a {}")
    found = answers(model, queries)
    assert len(found) == len(queries)
    for query, ours in zip(queries, found, strict=True):
        texts = [f"a photo of a {name}" for name in NAMES]
        processor, _, outputs = forward(folders["owl"], owl, query, [texts])
        [theirs] = processor.post_process_grounded_object_detection(
            outputs, threshold=0.0, target_sizes=[query.image.size_hw], text_labels=[NAMES]
        )
        same(ours, rows(theirs, theirs["text_labels"]))


def test_dino_answers_phrases_as_transformers_does(folders, queries, tmp_path):
    model = load(folders["dino"], tmp_path, labels="phrases", text_threshold=0.3)
    [line] = model.lines(queries[0])
    assert line.inputs["input_ids"].tolist() == [[101, 200, 201, 1012, 202, 203, 1012, 204, 1012, 102]]
    assert model.text(line) == "red star. blue circle. cat."
    for query, ours in zip(queries, answers(model, queries), strict=True):
        processor, inputs, outputs = forward(folders["dino"], dino, query, [list(NAMES)])
        assert inputs["input_ids"].tolist() == line.inputs["input_ids"].tolist()
        [theirs] = processor.post_process_grounded_object_detection(
            outputs, inputs["input_ids"], threshold=0.0, text_threshold=0.3, target_sizes=[query.image.size_hw]
        )
        same(ours, rows(theirs, theirs["text_labels"]))


def test_dino_scores_a_category_by_the_mean_of_its_words(folders, queries, tmp_path):
    found = answers(load(folders["dino"], tmp_path), queries[:1])[0]
    _, _, outputs = forward(folders["dino"], dino, queries[0], [list(NAMES)])
    chance = outputs.logits[0].sigmoid()
    for name, words in zip(NAMES, ([1, 2], [4, 5], [7]), strict=True):
        expected = sorted(chance[:, words].mean(1).tolist(), reverse=True)
        np.testing.assert_allclose([score for own, score, *_ in found if own == name], expected, atol=CLOSE)


def test_names_that_do_not_fit_are_asked_in_further_lines(folders, queries, tmp_path):
    model = load(folders["dino"], tmp_path)
    many = replace(queries[0], categories=tuple(f"{a} {b}" for a in ("red", "blue") for b in ("star", "circle", "cat")))
    lines = model.lines(many)
    assert [line.names for line in lines] == [many.categories[:4], many.categories[4:]]
    assert {name for name, *_ in answers(model, [many])[0]} == set(many.categories)


def test_a_limit_keeps_the_best(folders, queries, tmp_path):
    whole = answers(load(folders["owl"], tmp_path), queries[:1])[0]
    assert answers(load(folders["owl"], tmp_path, limit=3), queries[:1])[0] == whole[:3]


@pytest.mark.parametrize("name", BUILD)
def test_an_expression_gets_the_best_box(folders, queries, tmp_path, name):
    asked = replace(queries[0], categories=(), question="The left one")
    [ours] = answers(load(folders[name], tmp_path), [asked])
    text = ["the left one."] if name == "dino" else [["The left one"]]
    _, _, outputs = forward(folders[name], BUILD[name], asked, text)
    best = outputs.logits[0].max(-1).values.sigmoid().max().item()
    assert [(phrase, score) for phrase, score, *_ in ours] == [("The left one", pytest.approx(best, abs=CLOSE))]


def test_a_question_that_names_nothing_is_refused(folders, queries, tmp_path):
    with pytest.raises(ModelError, match="needs names to look for"):
        load(folders["owl"], tmp_path).predict([replace(queries[0], categories=())])


@pytest.mark.parametrize(("name", "task"), [("dino", "coco_detection"), ("owl", "refcocog_rec")])
def test_it_runs_a_task_from_its_folder(refbench, small_world, folders, name, task):
    words = ("--model", f"hf-detector:{folders[name]}", "--data-root", small_world, "--limit", 2, "--json")
    rows = refbench("eval", "--task", task, *words).json["rows"]
    assert {(row["model"], row["n"], row["failed"], row["unparsable"]) for row in rows} == {
        (f"hf-detector:{name}", 2, 0, 0)
    }
    [card] = refbench("models", "hf-detector:owlv2-base", "--json").json
    assert card["answers"] == ["box"]
    assert card["licence"] == "Apache-2.0"
