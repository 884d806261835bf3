"""ViTPose: tiny random checkpoints, loaded from disk as users load theirs, compared with transformers' own way."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import CLIPTokenizer, Owlv2Config, Owlv2ForObjectDetection, VitPoseBackboneConfig, VitPoseConfig
from transformers import VitPoseForPoseEstimation as VitPose
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil
from transformers.models.vitpose.image_processing_pil_vitpose import VitPoseImageProcessorPil

from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Query, Region
from tasks.base import LoadOptions
from tasks.models.hf_pose import MODELS

[FAMILY] = MODELS
PEOPLE = [(5.0, 4.0, 25.0, 40.0), (30.0, 10.0, 55.0, 30.0)]
PAIRS = [(each, each + 1) for each in range(1, 17, 2)]


def save(folder, experts=1):
    backbone = VitPoseBackboneConfig(
        image_size=[64, 48], patch_size=[16, 16], hidden_size=16, num_hidden_layers=2, num_attention_heads=2,
        mlp_ratio=2, num_experts=experts, part_features=8, out_indices=[2],
        initializer_range=0.5,
    )  # fmt: skip
    torch.manual_seed(0)
    model = VitPose(VitPoseConfig(backbone_config=backbone, num_labels=17, use_simple_decoder=True)).eval()
    model.save_pretrained(folder)
    VitPoseImageProcessorPil(size={"height": 64, "width": 48}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save(tmp_path_factory.mktemp("pose") / "pose")


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    letters = [*"abcdefghijklmnopqrstuvwxyz", *(f"{c}</w>" for c in "abcdefghijklmnopqrstuvwxyz")]
    names = [*letters, "<|startoftext|>", "<|endoftext|>"]
    words = CLIPTokenizer(vocab={name: place for place, name in enumerate(names)}, merges=[], pad_token="<|endoftext|>")
    small = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = Owlv2Config(
        text_config={**small, "vocab_size": 54, "max_position_embeddings": 16, "eos_token_id": 53, "bos_token_id": 52},
        vision_config={**small, "image_size": 32, "patch_size": 16}, projection_dim=16,
    )  # fmt: skip
    torch.manual_seed(0)
    out = tmp_path_factory.mktemp("detector") / "owl"
    processor = Owlv2ImageProcessorPil(size={"height": 32, "width": 32})
    for part in (Owlv2ForObjectDetection(config).eval(), processor, words):
        part.save_pretrained(out)
    return out


@pytest.fixture
def queries(tmp_path):
    out = []
    for number, boxes in enumerate((PEOPLE, PEOPLE[:1])):
        noise = np.random.default_rng(number).integers(0, 255, (44, 60, 3), dtype=np.uint8)
        Image.fromarray(noise).save(tmp_path / f"{number}.png")
        regions = tuple(Region("box", box_xyxy=box) for box in boxes)
        image = ImageRef(tmp_path / f"{number}.png", (44, 60))
        out.append(Query(str(number), image, "person", "Joints?", "keypoint", regions=regions))
    return out


def load(folder, tmp_path, **settings):
    path = tmp_path / "mine.yaml"
    lines = {"checkpoint": folder, "licence": "none", "description": "toy", **settings}
    path.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    entry = FAMILY.of_reference(str(path))
    model = entry.load(LoadOptions())
    assert model.fingerprint() == entry.fingerprint(LoadOptions())
    return model


def predict(model, queries):
    with torch.inference_mode():
        return model.predict(queries)


def by_transformers(folder, query, pairs=()):
    processor, model = VitPoseImageProcessorPil.from_pretrained(folder), VitPose.from_pretrained(folder).eval()
    boxes = [[[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in (r.box_xyxy for r in query.regions)]]
    inputs = processor(query.image.open_rgb(), boxes=boxes, return_tensors="pt")
    with torch.inference_mode():
        outputs = model(**inputs)
        if pairs:
            mirrored = model(inputs["pixel_values"].flip(3), flip_pairs=torch.tensor(pairs))
            outputs.heatmaps = (outputs.heatmaps + mirrored.heatmaps) / 2
    return processor.post_process_pose_estimation(outputs, boxes=boxes)[0]


@pytest.mark.parametrize("pairs", [(), PAIRS])
def test_joints_are_those_of_transformers(folder, queries, tmp_path, pairs):
    settings = {"flip_pairs": [list(each) for each in pairs]} if pairs else {}
    for query, found in zip(queries, predict(load(folder, tmp_path, **settings), queries), strict=True):
        [group] = found.groups
        assert [each.box_xyxy for each in group.instances] == [r.box_xyxy for r in query.regions]
        for ours, theirs in zip(group.instances, by_transformers(folder, query, pairs), strict=True):
            joints = np.array(ours.keypoints)
            np.testing.assert_allclose(joints[:, :2], theirs["keypoints"].numpy(), atol=0.05)  # px; batches add up anew
            np.testing.assert_allclose(joints[:, 2], theirs["scores"].numpy(), atol=1e-4)
            assert ours.score == pytest.approx(joints[:, 2].mean())


def test_an_expert_must_be_named_and_answers(tmp_path, queries):
    folder = save(tmp_path / "experts", 6)
    first, other = (predict(load(folder, tmp_path, dataset_index=number), queries) for number in (0, 3))
    assert first != other
    with pytest.raises(ValueError, match="dataset_index"):
        predict(load(folder, tmp_path), queries)


def test_people_of_a_detector_are_ranked_by_its_scores_too(folder, detector, queries, tmp_path):
    finder = tmp_path / "finder.yaml"
    lines = {"checkpoint": detector, "licence": "none", "description": "toy", "threshold": 0.0, "limit": 2}
    finder.write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    model = load(folder, tmp_path, boxes="detector", detector=finder)
    assert model.fingerprint() != load(folder, tmp_path).fingerprint()
    everybody = [replace(query, regions=(), question="") for query in queries]
    [group] = predict(model, everybody)[0].groups
    given = replace(queries[0], regions=tuple(Region("box", box_xyxy=each.box_xyxy) for each in group.instances))
    alone = predict(load(folder, tmp_path), [given])[0].groups[0]
    assert len(group.instances) == 2
    for detected, same in zip(group.instances, alone.instances, strict=True):
        np.testing.assert_allclose(detected.keypoints, same.keypoints, atol=0.05)
        assert 0 < detected.score < same.score
    with pytest.raises(ModelError, match="--model-arg boxes=given"):
        predict(model, queries)


def test_a_task_that_marks_nobody_needs_a_detector(folder, queries, tmp_path):
    with pytest.raises(ModelError, match="--model-arg boxes=detector"):
        predict(load(folder, tmp_path), [replace(queries[0], regions=())])
    entry = FAMILY.of_reference(str(folder))
    with pytest.raises(ModelError, match="names no detector"):
        entry.load(LoadOptions(args=(("boxes", "detector"),)))


def test_it_runs_a_task_from_its_folder(refbench, small_world, folder):
    words = ("--model", f"hf-pose:{folder}", "--data-root", small_world, "--limit", 2, "--json")
    rows = refbench("eval", "--task", "coco_keypoints_box", *words).json["rows"]
    assert {(row["model"], row["n"], row["failed"]) for row in rows} == {("hf-pose:pose", 2, 0)}
    [card] = refbench("models", "hf-pose:vitpose-base", "--json").json
    assert card["answers"] == ["keypoint"]
    assert card["arguments"]["boxes"].startswith("preset or given or detector")


def test_a_preset_that_detects_people_shows_what_its_detector_needs(refbench):
    [card] = refbench("models", "hf-pose:vitpose-base-detected", "--json").json
    assert [each["name"] for each in card["needs"]] == [
        "usyd-community/vitpose-base",
        "IDEA-Research/grounding-dino-tiny",
    ]
    assert len(card["sizes"]) == 2
    [plain] = refbench("models", "hf-pose:vitpose-base", "--json").json
    assert len(plain["needs"]) == len(plain["sizes"]) == 1
    assert any("COCO Keypoints" in each["line"] for each in plain["published"])
