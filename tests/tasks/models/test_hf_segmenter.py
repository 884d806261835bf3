"""Universal segmenters: tiny random checkpoints of every architecture, loaded from disk as users load theirs."""

import runpy
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from transformers import (
    AutoModelForUniversalSegmentation,
    CLIPTokenizer,
    DetrConfig,
    EomtConfig,
    EomtForUniversalSegmentation,
    Mask2FormerConfig,
    Mask2FormerForUniversalSegmentation,
    MaskFormerConfig,
    MaskFormerForInstanceSegmentation,
    OneFormerConfig,
    OneFormerForUniversalSegmentation,
    SwinConfig,
)
from transformers.models.eomt.image_processing_pil_eomt import EomtImageProcessorPil
from transformers.models.mask2former.image_processing_pil_mask2former import Mask2FormerImageProcessorPil
from transformers.models.maskformer.image_processing_pil_maskformer import MaskFormerImageProcessorPil
from transformers.models.oneformer import image_processing_pil_oneformer
from transformers.models.oneformer.image_processing_pil_oneformer import OneFormerImageProcessorPil

from benchmarks.errors import ModelError
from benchmarks.geometry import decode
from benchmarks.schema import Query
from tasks.base import LoadOptions
from tasks.models.hf_segmenter import MODELS

[FAMILY] = MODELS
PARTS = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("toy_parts.py"))))
LABELS = {0: "circle", 1: "square", 2: "sky", 3: "grass"}
SWIN = {
    "image_size": 64, "patch_size": 4, "embed_dim": 8, "depths": [1, 1, 1, 1], "num_heads": [1, 1, 1, 1],
    "window_size": 4, "drop_path_rate": 0.0, "out_features": ["stage1", "stage2", "stage3", "stage4"],
}  # fmt: skip
LOW = {"threshold": 0.0, "overlap_threshold": 0.0}
"""Random networks are sure of nothing: all their segments are kept."""


def resize(masks, size, interpolation):
    assert interpolation == "bilinear"
    return torch.nn.functional.interpolate(masks, size=tuple(size), mode="bilinear", antialias=True)


STAND_IN = SimpleNamespace(resize=resize, InterpolationMode=SimpleNamespace(BILINEAR="bilinear"))
"""The one function that OneFormer's processor takes from torchvision, by torch."""


def mask2former():
    config = Mask2FormerConfig(
        backbone_config=SwinConfig(**SWIN), feature_size=32, mask_feature_size=32, hidden_dim=32,
        encoder_feedforward_dim=16, dim_feedforward=16, encoder_layers=1, decoder_layers=2, num_attention_heads=2,
        num_queries=5, id2label=LABELS, init_xavier_std=4.0,
    )  # fmt: skip
    return Mask2FormerForUniversalSegmentation(config), Mask2FormerImageProcessorPil(size={"height": 64, "width": 64})


def maskformer():
    decoder = DetrConfig(
        d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
        encoder_ffn_dim=16, decoder_ffn_dim=16, num_queries=5,
    )  # fmt: skip
    config = MaskFormerConfig(
        backbone_config=SwinConfig(**SWIN), decoder_config=decoder, fpn_feature_size=32, mask_feature_size=32,
        id2label=LABELS, init_xavier_std=4.0,
    )  # fmt: skip
    return MaskFormerForInstanceSegmentation(config), MaskFormerImageProcessorPil(size={"height": 64, "width": 64})


def oneformer():
    config = OneFormerConfig(
        backbone_config=SwinConfig(**SWIN), num_queries=5, num_classes=4, id2label=LABELS, is_training=False,
        hidden_dim=32, mask_dim=32, conv_dim=32, encoder_feedforward_dim=16, dim_feedforward=16, encoder_layers=1,
        decoder_layers=2, num_attention_heads=2, query_dec_layers=1, text_encoder_width=16, task_seq_len=8,
        text_encoder_proj_layers=1, text_encoder_num_layers=1, text_encoder_vocab_size=64,
        text_encoder_context_length=8, init_xavier_std=4.0,
    )  # fmt: skip
    processor = OneFormerImageProcessorPil(size={"height": 64, "width": 64}, class_info_file=None)
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"{c}</w>" for c in "abcdefghijklmnopqrstuvwxyz")]
    names = [*letters, "<|startoftext|>", "<|endoftext|>"]
    words = CLIPTokenizer(vocab={name: place for place, name in enumerate(names)}, merges=[])
    return OneFormerForUniversalSegmentation(config), processor, words


def eomt(semantic=False):
    config = EomtConfig(
        hidden_size=16, num_hidden_layers=3, num_attention_heads=2, image_size=32, patch_size=8, num_queries=5,
        num_blocks=1, num_upscale_blocks=1, num_register_tokens=1, id2label=LABELS, initializer_range=0.5,
    )  # fmt: skip
    longest = None if semantic else 32
    size = {"shortest_edge": 32, "longest_edge": longest}
    return EomtForUniversalSegmentation(config), EomtImageProcessorPil(
        size=size, do_split_image=semantic, do_pad=not semantic
    )


BUILD = {
    "maskformer": maskformer, "mask2former": mask2former, "oneformer": oneformer, "eomt": eomt,
    "eomt-semantic": lambda: eomt(True),
}  # fmt: skip


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("segmenter")
    for name, build in BUILD.items():
        torch.manual_seed(0)
        model, *parts = build()
        decided(model)
        for each in (model.eval(), *parts):
            each.save_pretrained(root / name)
    return {name: root / name for name in BUILD}


def decided(model):
    """Make the queries of a random network differ in class and mask, and never say that there is nothing."""
    with torch.no_grad():
        for name, value in model.named_parameters():
            if any(part in name for part in ("class_predictor", "class_embed", "mask_embed", "mask_head")):
                value.normal_(0, 0.7)
            if name.endswith(("class_predictor.bias", "class_embed.bias")):
                value[-1] = -50


@pytest.fixture
def queries(tmp_path):
    photos = PARTS.noise(tmp_path, [(60, 44), (44, 60), (60, 44)])
    names = ("circle", "blue sky")
    return [Query(str(n), each, "", "Segment everything.", "mask", categories=names) for n, each in enumerate(photos)]


def load(folder, segments, tmp_path):
    settings = "".join(f"{key}: {value}\n" for key, value in {**LOW, "segments": segments}.items())
    path = tmp_path / "mine.yaml"
    path.write_text(f"checkpoint: {folder}\nlicence: none\ndescription: toy\nnames: {{sky: blue sky}}\n{settings}")
    return FAMILY.of_reference(str(path)).load(LoadOptions())


def by_transformers(folder, name, segments, query):
    """(name, score, mask) of every segment, as the documentation of transformers makes them for one photo."""
    _, processor, *words = BUILD[name]()
    model = AutoModelForUniversalSegmentation.from_pretrained(folder).eval()
    given = {}
    if words:
        from transformers import OneFormerProcessor

        processor.class_info_file = ""
        processor = OneFormerProcessor(processor, words[0], max_seq_length=8, task_seq_length=8)
        given["task_inputs"] = [segments]
    inputs = processor(images=query.image.open_rgb(), return_tensors="pt", **given)
    with torch.inference_mode():
        outputs = model(**inputs)
    size = [query.image.size_hw]
    names = {**LABELS, 2: "blue sky"}
    if segments == "semantic":
        labels = processor.post_process_semantic_segmentation(outputs, target_sizes=size)[0].numpy()
        return [(names[label], None, labels == label) for label in np.unique(labels).tolist()]
    if segments == "panoptic":
        fuse = {} if name == "eomt" else {"label_ids_to_fuse": set()}
        found = processor.post_process_panoptic_segmentation(
            outputs, threshold=0.0, overlap_mask_area_threshold=0.0, target_sizes=size, **fuse
        )[0]
    else:
        more = {
            "maskformer": {"return_binary_maps": True},
            "mask2former": {"return_binary_maps": True},
            "oneformer": {"overlap_mask_area_threshold": 0.0},
        }.get(name, {})
        found = processor.post_process_instance_segmentation(outputs, threshold=0.0, target_sizes=size, **more)[0]
    planes = found["segmentation"].numpy()
    return [
        (names[each["label_id"]], each["score"], planes == each["id"] if planes.ndim == 2 else planes[place] > 0)
        for place, each in enumerate(found["segments_info"])
    ]


@pytest.mark.parametrize(
    ("name", "segments"),
    [
        ("maskformer", "panoptic"), ("maskformer", "instance"),
        ("mask2former", "panoptic"), ("mask2former", "instance"), ("mask2former", "semantic"),
        ("oneformer", "panoptic"), ("oneformer", "instance"), ("oneformer", "semantic"),
        ("eomt", "panoptic"), ("eomt", "instance"), ("eomt-semantic", "semantic"),
    ],
)  # fmt: skip
def test_masks_are_those_of_transformers_at_the_size_of_the_photo(
    folders, queries, tmp_path, monkeypatch, name, segments
):
    with torch.inference_mode():
        found = load(folders[name], segments, tmp_path).predict(queries)
    monkeypatch.setattr(image_processing_pil_oneformer, "tvF", STAND_IN, raising=False)
    total = 0
    for query, prediction in zip(queries, found, strict=True):
        expected = by_transformers(folders[name], name, segments, query)
        assert [group.phrase for group in prediction.groups] == [each[0] for each in expected]
        for group, (_, score, mask) in zip(prediction.groups, expected, strict=True):
            [instance] = group.instances
            assert instance.score == pytest.approx(score, abs=1e-4)  # a batch may add up in another order
            ours = decode(instance.mask_rle)
            assert ours.shape == query.image.size_hw
            assert (ours != mask).mean() <= 1e-3
        total += len(expected)
    assert total > len(queries)


def test_a_checkpoint_of_squares_is_not_used_for_segments(folders, tmp_path):
    with pytest.raises(ModelError, match="is made for semantic segmentation, not panoptic"):
        load(folders["eomt-semantic"], "panoptic", tmp_path)


def test_an_expression_is_refused(folders, queries, tmp_path):
    asked = Query("q", queries[0].image, "the red one", "Segment it.", "mask")
    with pytest.raises(ModelError, match="follows no expression"):
        load(folders["mask2former"], "panoptic", tmp_path).predict([asked])


def test_it_runs_a_task_from_its_folder(refbench, small_world, folders):
    words = ("--model", f"hf-segmenter:{folders['mask2former']}", "--data-root", small_world, "--limit", 2)
    [row] = refbench("eval", "--task", "coco_panoptic", *words, "--json").json["rows"]
    assert (row["model"], row["n"], row["failed"]) == ("hf-segmenter:mask2former", 2, 0)
    [card] = refbench("models", "hf-segmenter:eomt-large-coco-panoptic", "--json").json
    assert card["answers"] == ["mask"]
    assert card["needs"][0]["name"] == "tue-mps/coco_panoptic_eomt_large_640"
