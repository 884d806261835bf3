"""Every model and family runs all that it can do of the suite `sample`, from a tiny checkpoint on disk."""

import json
import runpy
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml

from tasks import registry
from tasks.kinds import all_kinds
from tasks.matrix import cells
from tasks.models.families import PRESETS, presets
from tasks.models.registry import all_models, find

HERE = Path(__file__).parent


def module(name):
    """A file of this folder, with its functions as attributes."""
    return SimpleNamespace(**runpy.run_path(str(HERE / f"{name}.py")))


PARTS = module("toy_parts")


def built(family, preset, builder, seed=0, **changes):
    """A case: a network of a test of its family, and a preset file beside it that follows a released one."""

    def make(root):
        tests = module(f"test_{family.replace('-', '_')}")
        build = getattr(tests, builder)
        PARTS.save(root / builder, (lambda: decided(tests, build)) if hasattr(tests, "decided") else build, seed)
        return preset_file(root, family, preset, builder, **changes)

    return make


def decided(tests, build):
    """A segmenter that never says that there is nothing."""
    made = build()
    tests.decided(made[0])
    return made


def preset_file(root, family, preset, folder, **changes):
    """Write a preset that follows a released one, for a folder; return what stands behind --model."""
    content = yaml.safe_load((PRESETS / family / f"{preset}.yaml").read_text())
    path = root / f"{preset}-tiny.yaml"
    path.write_text(json.dumps({**content, "checkpoint": str(folder), **changes}))
    return ["--model", f"{family}:{path}"]


def vlm(preset, name):
    """A vision-language model of `toy_checkpoints.py` that says little."""

    def make(root):
        module("toy_checkpoints").CHECKPOINTS[name](root / name)
        return preset_file(root, "hf-vlm", preset, name, max_new_tokens=4)

    return make


def pose(root):
    module("test_hf_pose").save(root / "pose")
    return preset_file(root, "hf-pose", "vitpose-base-simple", "pose")


def u_llava(variant):
    def make(root):
        tiny = module("tiny_u_llava")
        (root / "checkpoint").mkdir()
        tiny.write(root / "checkpoint", variant, True)
        more = {"grounding": str(tiny.write_grounding(root / "grounding")), "box_threshold": 0.0}
        preset = tiny.write_preset(
            root / "tiny.yaml", root / "checkpoint", variant, **(more if variant == "dino" else {})
        )
        return ["--model", f"u-llava:{preset}"]

    return make


def vip_llava(root):
    return ["--model", f"vip-llava:{module('test_vip_llava').write(root / 'vip', ('c', 'a', 't', '</s>'))}"]


def vpgtrans(base):
    def make(root):
        tests = module("test_vpgtrans")
        return ["--model", f"vpgtrans:{tests.preset_in(root, tests.write(root / 'parts').folder, base)}"]

    return make


def vt_plug(root):
    return ["--model", "vt-plug", "--weights", module("test_vt_plug").write(root / "vt-plug")]


LOW = {"threshold": 0.0, "overlap_threshold": 0.0}
CASES = {
    "hf-captioner blip": built("hf-captioner", "blip-base", "blip", 1),
    "hf-captioner blip-2": built("hf-captioner", "blip2-opt-2.7b", "blip2", 1),
    "hf-captioner git": built("hf-captioner", "git-base-coco", "git", 1),
    "hf-depth depth-anything": built("hf-depth", "depth-anything-v2-small", "depth_anything"),
    "hf-depth dpt": built("hf-depth", "dpt-large", "dpt"),
    "hf-depth glpn": built("hf-depth", "glpn-nyu", "glpn"),
    "hf-depth zoedepth": built("hf-depth", "zoedepth-nyu", "zoedepth"),
    "hf-detector grounding-dino": built("hf-detector", "grounding-dino-tiny", "dino"),
    "hf-detector owlv2": built("hf-detector", "owlv2-base", "owl"),
    "hf-pose vitpose": pose,
    "hf-promptable sam": built("hf-promptable", "sam-base", "sam", 1),
    "hf-segmenter eomt": built("hf-segmenter", "eomt-large-coco-panoptic", "eomt", **LOW),
    "hf-segmenter mask2former": built("hf-segmenter", "mask2former-swin-large-coco-panoptic", "mask2former", **LOW),
    "hf-segmenter maskformer": built("hf-segmenter", "maskformer-swin-large-coco", "maskformer", **LOW),
    "hf-segmenter oneformer": built("hf-segmenter", "oneformer-swin-large-coco", "oneformer", **LOW),
    "hf-vlm florence-2": vlm("florence-2-large", "florence"),
    "hf-vlm internvl": vlm("internvl3-8b", "internvl"),
    "hf-vlm kosmos-2": vlm("kosmos-2", "kosmos"),
    "hf-vlm llava": vlm("llava-1.5-7b", "llava"),
    "hf-vlm llava-next": vlm("llava-1.6-mistral-7b", "llava-next"),
    "hf-vlm paligemma": vlm("paligemma-3b-mix-448", "paligemma"),
    "hf-vlm qwen2-vl": vlm("qwen2-vl-7b", "qwen2"),
    "hf-vlm qwen2.5-vl": vlm("qwen2.5-vl-7b", "qwen"),
    "hf-vlm qwen3-vl": vlm("qwen3-vl-8b", "qwen3"),
    "u-llava dino": u_llava("dino"),
    "u-llava loc": u_llava("loc"),
    "vip-llava": vip_llava,
    "vpgtrans vl-llama": vpgtrans("vl-llama"),
    "vpgtrans vl-vicuna": vpgtrans("vl-vicuna"),
    "vt-plug": vt_plug,
    "refvlm": lambda root: ["--model", "refvlm"],
    "oracle": lambda root: ["--model", "oracle"],
    "constant": lambda root: ["--model", "constant"],
    "floor": lambda root: ["--model", "floor"],
}
ELSEWHERE = {"openai-api": "test_openai_api.py", "predictions": "test_predictions_model.py"}
"""Models without a checkpoint, whose tests run what stands in for one: a server, files of answers."""


LEFT_OUT = {
    "hf-captioner": {"msrvtt_captions", "tgif_captions"},  # videos
    "hf-pose": {"coco_keypoints"},  # finds nobody by itself
    "hf-vlm": {"visual7w_pointing_box"},  # boxes are told to it for a description alone
}
"""Tasks that a model cannot do, though it can do others of their kind."""


def able(words):
    """The tasks that the matrix of models and kinds promises, but for those of LEFT_OUT."""
    entry = find(words[1])
    kinds = {name: kind for name, kind in all_kinds().items() if kind.wants in entry.units}
    weights = words[3] if len(words) > 2 else None
    can = {cell.kind for cell in cells([entry], list(kinds.values()), weights) if cell.state == "can"}
    tasks = {name: registry.find(name).kind for name in registry.task_files()}
    promised = {name for name, kind in tasks.items() if kind.name in can}
    wrong_unit = {name for name, kind in tasks.items() if kind.wants not in entry.units}
    return promised - wrong_unit - LEFT_OUT.get(entry.kind, set())


def test_every_model_of_the_package_has_a_case():
    assert {name.split()[0] for name in CASES} | set(ELSEWHERE) == set(all_models())


TESTED = {
    "hf-captioner": ("test_captions_are_those_of_transformers_one_photo_at_a_time",) * 2,
    "hf-depth": ("test_maps_are_those_of_transformers_at_the_size_of_the_photo",) * 2,
    "hf-detector": ("test_owl_answers_as_transformers_does", "test_dino_answers_phrases_as_transformers_does"),
    "hf-pose": ("test_joints_are_those_of_transformers",) * 2,
    "hf-promptable": (
        "test_masks_are_those_of_transformers_at_the_size_of_the_photo",
        "test_a_batch_answers_as_its_questions_alone_do",
    ),
    "hf-segmenter": ("test_masks_are_those_of_transformers_at_the_size_of_the_photo",) * 2,
    "hf-vlm": (
        "test_every_kind_of_question_is_asked_in_the_declared_words", "test_a_batch_answers_as_each_question_alone",
    ),
    "openai-api": (
        "test_a_request_holds_the_photo_at_its_size_and_every_setting",
        "test_requests_of_a_batch_are_under_way_together",
    ),
    "u-llava": ("test_ids_of_a_forced_answer", "test_answers_in_a_batch_are_those_alone"),
    "vip-llava": (
        "test_the_tasks_own_words_can_be_kept", "test_answers_are_those_of_transformers_and_the_same_in_a_batch",
    ),
    "vpgtrans": (
        "test_the_ids_of_vl_llama_are_visual_tokens_then_begin_then_words", "test_a_batch_answers_as_single_queries_do",
    ),
    "vt-plug": ("test_the_question_is_put_in_vd_cot", "test_a_batch_answers_as_its_questions_alone_do"),
}  # fmt: skip
"""Model -> the tests of what it is given, and of a batch against single questions. Of one that stands twice, a batch is
compared with what transformers makes of each photo alone. The reference model's are in tests/refvlm."""
BOUNDS = {"oracle", "constant", "floor", "predictions"}
MEMBERS = [
    f"{name}:{preset}" for name, entry in all_models().items() if entry.of_reference for preset in presets(name)
]  # fmt: skip


def test_every_model_has_a_test_of_its_prompt_and_of_its_batches():
    assert set(TESTED) | BOUNDS | {"refvlm"} == set(all_models())
    for name, wanted in TESTED.items():
        text = (HERE / f"test_{name.replace('-', '_')}.py").read_text()
        assert all(f"def {test}(" in text for test in wanted), name


@pytest.mark.parametrize("name", [*MEMBERS, "refvlm", "vt-plug"])
def test_everything_known_of_a_model_can_be_shown_without_its_weights(refbench, name):
    [card] = refbench("models", name, "--json").json
    assert card["answers"]
    assert card["description"]
    assert card["licence"]
    assert isinstance(card["published"], list)
    if not name.startswith("openai-api:"):
        assert card["needs"] or card["weights"].startswith("none released")
        assert all(size["values"] > 1e6 and "GB in float32" in size["memory"] for size in card["sizes"])
        assert card["sizes"]


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_it_runs_all_that_it_can_do_of_the_sample_suite(refbench, small_world, tmp_path, monkeypatch, name):
    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "a Java machine for every row would be slow here")
    torch.manual_seed(0)
    words = CASES[name](tmp_path)
    given = ("--data-root", small_world, "--limit", 2, "--device", "cpu", "--max-failures", "100%", "--json")
    outcome = refbench("eval", "--suite", "sample", *words, *given)
    assert outcome.code == 0, outcome.err
    rows = outcome.json["rows"]
    assert {row["task"] for row in rows} == able(words), outcome.err
    assert not [(row["task"], row["failures"]) for row in rows if row["failed"] or row["missing"]]
