"""Vision-language families: tiny random checkpoints of nine architectures, loaded from disk as users load theirs."""

import runpy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Query, Region
from tasks import strict_yaml
from tasks.base import LoadOptions
from tasks.models.coordinates import Picture
from tasks.models.families import PRESETS, presets
from tasks.models.hf_vlm import MODELS, VlmPreset, able

[FAMILY] = MODELS
TOYS = runpy.run_path(str(Path(__file__).with_name("toy_checkpoints.py")))["CHECKPOINTS"]
SIZES_HW = [(40, 60), (60, 40), (50, 50)]
BOX = Region("box", box_xyxy=(10.0, 10.0, 30.0, 40.0))


@pytest.fixture(scope="session")
def folders(tmp_path_factory):
    """Architecture -> folder of its tiny checkpoint, written when it is first asked for."""
    root = tmp_path_factory.mktemp("vlm")

    def folder(name):
        if not (root / name).exists():
            TOYS[name](root / name)
        return root / name

    return folder


@pytest.fixture(scope="session")
def loaded(folders):
    """Architecture -> its model, loaded through the registry entry of the family."""
    cache = {}

    def load(name):
        if name not in cache:
            cache[name] = FAMILY.of_reference(str(folders(name))).load(LoadOptions())
        return cache[name]

    return load


@pytest.fixture
def photos(tmp_path):
    rng = np.random.default_rng(0)
    refs = []
    for number, (height, width) in enumerate(SIZES_HW):
        path = tmp_path / f"{number}.png"
        Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
        refs.append(ImageRef(path, (height, width)))
    return refs


def ask(photo, question="", wants="text", name="q", **more):
    return Query(name, photo, question, f"{question} In a word.".strip(), wants, max_new_tokens=3, **more)


@pytest.mark.parametrize("name", TOYS)
def test_a_batch_answers_as_each_question_alone(loaded, photos, name):
    model = loaded(name)
    questions = ["", "", ""] if name == "florence" else ["what?", "how many cats are there in all?", ""]
    pairs = zip(photos, questions, strict=True)
    queries = [ask(photo, question, name=str(number)) for number, (photo, question) in enumerate(pairs)]
    queries.append(ask(photos[0], "the cat", "box", "box"))
    with torch.inference_mode():
        together = model.predict(queries)
        assert together == [model.predict([query])[0] for query in queries]
    assert len({answer.text for answer in together}) > 1


PROMPTS = {
    "llava": (
        "USER: <image>\nwhat? In a word. ASSISTANT:",
        "USER: <image>\nPlease provide the bounding box coordinate of the region this sentence describes: the cat"
        " ASSISTANT:",
        "USER: <image>\nPlease provide a short description for this region: [0.17, 0.33, 0.50, 0.83] ASSISTANT:",
    ),
    "llava-next": (
        "[INST] <image>\nwhat? In a word. [/INST]",
        "[INST] <image>\nPlease provide the bounding box coordinate of the region this sentence describes: the cat"
        " [/INST]",
        "[INST] <image>\nPlease provide a short description for this region: [0.17, 0.25, 0.50, 1.00] [/INST]",
    ),
    "qwen2": (
        "USER: <|vision_start|><|image_pad|><|vision_end|>what? In a word. ASSISTANT:",
        "USER: <|vision_start|><|image_pad|><|vision_end|>Detect the bounding box of the cat ASSISTANT:",
        "USER: <|vision_start|><|image_pad|><|vision_end|>Describe the region <|box_start|>(167,250),(500,1000)"
        "<|box_end|> in a short phrase. ASSISTANT:",
    ),
    "qwen3": (
        "USER: <|vision_start|><|image_pad|><|vision_end|>what? In a word. ASSISTANT:",
        "USER: <|vision_start|><|image_pad|><|vision_end|>Locate the cat, output its bbox coordinates using JSON "
        "format. ASSISTANT:",
        None,
    ),
    "qwen": (
        "USER: <|vision_start|><|image_pad|><|vision_end|>what? In a word. ASSISTANT:",
        "USER: <|vision_start|><|image_pad|><|vision_end|>Locate the cat, output its bbox coordinates using JSON "
        "format. ASSISTANT:",
        None,
    ),
    "internvl": (
        "USER: <IMG_CONTEXT>\nwhat? In a word. ASSISTANT:",
        "USER: <IMG_CONTEXT>\nPlease provide the bounding box coordinate of the region this sentence describes: "
        "<ref>the cat</ref> ASSISTANT:",
        "USER: <IMG_CONTEXT>\nPlease provide a short description for this region: <box>[[167, 250, 500, 1000]]</box>"
        " ASSISTANT:",
    ),
    "paligemma": ("<image>answer en what?", "<image>detect the cat", None),
    "florence": (
        None,
        "<CAPTION_TO_PHRASE_GROUNDING>the cat",
        "<REGION_TO_DESCRIPTION><loc_166><loc_250><loc_500><loc_999>",
    ),
    "kosmos": (
        "Question: what? Answer:",
        "<grounding><phrase>the cat</phrase>",
        "<grounding><phrase>It</phrase><object><patch_index_0261><patch_index_1007></object> is",
    ),
}


@pytest.mark.parametrize("name", TOYS)
def test_every_kind_of_question_is_asked_in_the_declared_words(loaded, photos, name):
    picture = Picture((40, 60), (28, 56))
    queries = [ask(photos[0], "what?"), ask(photos[0], "the cat", "box"), ask(photos[0], regions=(BOX,))]
    for query, golden in zip(queries, PROMPTS[name], strict=True):
        if golden is None:
            with pytest.raises(ModelError, match=r"no prompt for it|no visual prompts"):
                loaded(name).prompt(query, picture)
        else:
            assert loaded(name).prompt(query, picture) == golden


def test_regions_stand_where_the_task_has_them(loaded, photos):
    query = replace(ask(photos[0], "Which is it?", regions=(BOX, BOX)), prompt="Is it <region> or <region>?")
    said = loaded("llava").prompt(query, Picture((40, 60)))
    assert said == "USER: <image>\nIs it [0.17, 0.33, 0.50, 0.83] or [0.17, 0.33, 0.50, 0.83]? ASSISTANT:"


def test_a_region_that_is_no_box_is_refused(loaded, photos):
    with pytest.raises(ModelError, match="told regions as boxes, not as points"):
        loaded("llava").predict([ask(photos[0], regions=(Region("point", points_xy=((1.0, 1.0),)),))])


SPOKEN = {
    "llava": ("It is at [0.50, 0.50, 0.75, 0.75].", (30.0, 20.0, 45.0, 35.0)),
    "llava-next": ("It is at [0.50, 0.50, 0.75, 0.75].", (30.0, 20.0, 45.0, 30.0)),
    "qwen2": (
        "<|object_ref_start|>cat<|object_ref_end|><|box_start|>(500,250),(750,500)<|box_end|>",
        (30.0, 10.0, 45.0, 20.0),
    ),
    "qwen3": ('```json\n[{"bbox_2d": [500, 250, 750, 500], "label": "cat"}]\n```', (30.0, 10.0, 45.0, 20.0)),
    "qwen": ('```json\n[{"bbox_2d": [14, 7, 28, 14], "label": "cat"}]\n```', (15.0, 10.0, 30.0, 20.0)),
    "internvl": ("<ref>cat</ref><box>[[500, 250, 750, 500]]</box>", (30.0, 10.0, 45.0, 20.0)),
    "paligemma": ("<loc0256><loc0512><loc0512><loc0768> cat", (30.0, 10.0, 45.0, 20.0)),
    "florence": ("cat<loc_499><loc_249><loc_749><loc_499>", (29.97, 9.98, 44.97, 19.98)),
    "kosmos": ("<object><patch_index_0272><patch_index_0536></object>", (30.9375, 10.625, 45.9375, 20.625)),
}


@pytest.mark.parametrize("name", TOYS)
def test_what_a_model_says_becomes_a_box_of_the_photo(loaded, photos, name, monkeypatch):
    """The tiny weights are random, so the words of an answer are put in the network's mouth."""
    model = loaded(name)
    text, expected = SPOKEN[name]
    spoken = model.encoder.tokenizer(text, add_special_tokens=False).input_ids
    monkeypatch.setattr(model.encoder, "resized", lambda photo: (28, 56))
    monkeypatch.setattr(model, "_generate", lambda photos, prompts, limit: [[*spoken, 2, 0, 0]])
    (answer,) = model.predict([ask(photos[0], "the cat", "box")])
    assert answer.error == ""
    assert answer.boxes() == [pytest.approx(expected)]
    assert answer.groups[0].phrase == "the cat"


def test_the_size_that_a_model_sees_is_recorded(loaded, photos):
    assert loaded("qwen").picture(photos[0]) == Picture((40, 60), (28, 56))
    assert loaded("llava").picture(photos[0]) == Picture((40, 60))


def test_a_wide_photo_is_padded_in_the_mean_colour_where_boxes_are_about_the_square(loaded, photos):
    square = loaded("llava").see(photos[0])
    assert square.size == (60, 60)
    assert square.getpixel((0, 0)) == (123, 117, 104)
    assert loaded("internvl").see(photos[0]).size == (60, 40)


@pytest.mark.slow  # METEOR starts Java
def test_captions_and_boxes_run_on_the_sample_world(refbench, folders, small_world):
    outcome = refbench(
        "eval", "--task", "coco_captions,refcocog_rec", "--split", "test", "--limit", 4, "--data-root", small_world,
        "--model", f"hf-vlm:{quick(folders('paligemma'))}", "--json", "--quiet", "--max-failures", "100%",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    captions, boxes = outcome.json["rows"]
    assert (captions["n"], captions["failed"], captions["unparsable"]) == (4, 0, 0), captions["failures"]
    assert (boxes["n"], boxes["failed"], boxes["unparsable"]) == (4, 0, 4), boxes["failures"]
    assert boxes["metrics"]["acc@0.5"] == 0


@pytest.mark.parametrize("name", ["llava", "qwen", "internvl"])
def test_a_folder_is_evaluated_by_its_path(refbench, folders, small_world, name):
    outcome = refbench(
        "eval", "--task", "gqa", "--limit", 4, "--data-root", small_world, "--model", f"hf-vlm:{folders(name)}",
        "--json", "--quiet",
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert all((row["model"], row["n"]) == (f"hf-vlm:{name}", 4) for row in outcome.json["rows"])


def quick(folder):
    """A preset file of one's own beside a checkpoint, which also keeps answers short."""
    path = folder.parent / "quick.yaml"
    text = (PRESETS / "hf-vlm" / "paligemma-3b-mix-448.yaml").read_text()
    path.write_text(text.replace("google/paligemma-3b-mix-448", folder.name) + "max_new_tokens: 8\n")
    return path


@pytest.mark.parametrize("name", presets("hf-vlm"))
def test_every_preset_is_complete(name):
    preset = strict_yaml.read(PRESETS / "hf-vlm" / f"{name}.yaml", VlmPreset)
    assert able(preset).units == ("text", "box")
    assert preset.licence
    assert preset.source
    assert preset.model_types
    assert "{question}" in preset.prompts.box


def test_presets_share_no_architecture():
    """Else which preset a folder follows would hang on the order of files."""
    kinds = [
        kind
        for name in presets("hf-vlm")
        for kind in strict_yaml.read(PRESETS / "hf-vlm" / f"{name}.yaml", VlmPreset).model_types
    ]
    assert len(kinds) == len(set(kinds))


def test_a_preset_says_what_it_can_do_and_needs_before_its_weights_are_here():
    entry = FAMILY.of_reference("qwen2.5-vl-7b")
    assert (entry.name, entry.units, entry.regions) == ("hf-vlm:qwen2.5-vl-7b", ("text", "box"), False)
    assert (entry.needs[0].name, entry.licence) == ("Qwen/Qwen2.5-VL-7B-Instruct", "Apache-2.0")
