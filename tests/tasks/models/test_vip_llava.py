"""ViP-LLaVA from a small random checkpoint on disk, through the loading path of a real one."""

import json
import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import VipLlavaConfig, VipLlavaForConditionalGeneration

from benchmarks.errors import ModelError
from benchmarks.schema import ImageRef, Query, Region
from tasks.base import LoadOptions
from tasks.models import registry, vip_llava
from tasks.models.visual_prompts import Mark

VICUNA = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("tiny_vicuna.py"))))
SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the human's questions."
)
RED = Mark("rectangle", "red", (255, 0, 0), 128)
LIME = Mark("arrow", "lime", (0, 255, 0), 128)
BOX = Region("box", box_xyxy=(4.0, 4.0, 20.0, 16.0))


def write(folder, spoken=()):
    """Write a folder as transformers saves a ViP-LLaVA, with random weights, or ones that always say the same."""
    tokenizer = VICUNA.write_tokenizer(folder, ["<image>"])
    torch.manual_seed(1)
    config = VipLlavaConfig(
        vision_config=VICUNA.clip(layers=11),
        text_config=VICUNA.llama(len(tokenizer), hidden_size=96, initializer_range=0.3),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=4,
    )
    model = VipLlavaForConditionalGeneration(config)
    if spoken:
        VICUNA.teach(model.model.language_model, model.lm_head, tokenizer, spoken)
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write(tmp_path_factory.mktemp("weights") / "tiny-vip")


@pytest.fixture(scope="module")
def speaking(tmp_path_factory):
    return write(tmp_path_factory.mktemp("weights") / "says-cat", ("c", "a", "t", "</s>"))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Two small photos of other shapes."""
    folder = tmp_path_factory.mktemp("photos")
    refs = []
    for number, (width, height) in enumerate([(40, 24), (24, 30)]):
        noise = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path := folder / f"{number}.png")
        refs.append(ImageRef(path, (height, width)))
    return refs


def entry_of(folder):
    return registry.find(f"vip-llava:{folder}")


def asked(photo, question="", prompt="Describe it.", regions=(), **more):
    query = Query("one", photo, question, prompt, "text", regions, regime="instruction", max_new_tokens=6)
    return replace(query, **more)


def test_the_layouts_are_those_of_the_evaluation_and_of_the_model_card(checkpoint, photos):
    entry = entry_of(checkpoint)
    ours = entry.load(LoadOptions())
    assert ours.prompt(asked(photos[0]), []) == f"{SYSTEM} USER: <image>\nDescribe it. ASSISTANT:"
    other = entry.load(LoadOptions(args=(("conversation", "human_assistant"),)))
    assert other.prompt(asked(photos[0]), []) == f"{SYSTEM}###Human: <image>\nDescribe it.###Assistant:"
    assert other.conversation.cut(" a cat ###Human: and") == "a cat"


def test_questions_about_regions_are_worded_as_by_the_authors(photos):
    query = asked(photos[0])
    assert vip_llava.ask(query, []) == "Describe it."
    told = "Describe the object within the red rectangle. Please provide a short phrase."
    assert vip_llava.ask(query, [RED]) == told
    counted = replace(query, question="How many are there?")
    assert vip_llava.ask(counted, [RED]) == (
        "How many are there? The exemplary object is within the rectangle.\n"
        "Answer the question using a single word or phrase."
    )
    assert vip_llava.ask(replace(query, question="Which one?"), [RED, LIME]) == (
        "Which one?\nA. The object within the red rectangle\nB. The object pointed to by the lime arrow\n"
        "Answer with the option's letter from the given choices directly."
    )
    named = replace(query, question="Is <region> left of <region>?")
    assert vip_llava.ask(named, [RED, LIME]) == (
        "Is the object within the red rectangle left of the object pointed to by the lime arrow?"
    )


def test_the_tasks_own_words_can_be_kept(checkpoint, photos):
    query = asked(photos[0], "Color?", "Color? <region> One word.", (BOX,))
    kept = "Color? the object within the red rectangle One word."
    model = entry_of(checkpoint).load(LoadOptions(args=(("wording", "task"),)))
    assert kept in model.prompt(query, [RED])
    commanded = replace(query, regime="full")
    assert kept in entry_of(checkpoint).load(LoadOptions()).prompt(commanded, [RED])


def test_the_photo_is_padded_with_the_mean_colour_and_not_cropped(checkpoint, photos):
    model = entry_of(checkpoint).load(LoadOptions())
    seen = model.see(photos[0])  # 40 x 24: 8 of 40 rows of padding above and below
    assert seen.shape == (3, 28, 28)
    assert seen[:, :4].abs().max() < 0.02  # CLIP's mean becomes 0, but for rounding to whole colours
    assert seen[:, 8:20].abs().mean() > 0.3


def test_a_mark_changes_the_pixels_that_the_model_sees(checkpoint, photos):
    model = entry_of(checkpoint).load(LoadOptions())
    plain = model._see(asked(photos[0]), [])
    marked = model._see(asked(photos[0], regions=(BOX,)), [RED])
    changed = (plain != marked).any(0)  # the mark's 16 x 12 of 40 px, in a square of 28 px: 3 to 14 and 8 to 17
    assert torch.equal(plain, model.see(photos[0]))
    assert changed.any() and not changed[:, 18:].any() and not changed[20:].any()


def test_answers_are_those_of_transformers_and_the_same_in_a_batch(checkpoint, photos):
    model = entry_of(checkpoint).load(LoadOptions())
    queries = [
        asked(photos[0]),
        asked(photos[1], "Which?", regions=(BOX, BOX), max_new_tokens=3),
        asked(photos[0], regions=(BOX,), seed=5),
    ]
    alone = [model.predict([query])[0] for query in queries]
    assert model.predict(queries) == alone
    ids = model.tokenizer(alone[0].prompt.replace("<image>", "<image>" * 4), return_tensors="pt")["input_ids"]
    plain = VipLlavaForConditionalGeneration.from_pretrained(checkpoint)
    with torch.no_grad():
        for _ in range(6):  # the whole text again for every token: no cache, no padding, no generate()
            logits = plain(input_ids=ids, pixel_values=model.see(photos[0])[None]).logits
            ids = torch.cat([ids, logits[:, -1:].argmax(-1)], 1)
    said = model.tokenizer.decode(ids[0, -6:], skip_special_tokens=True)
    assert alone[0].text == said.partition("</s>")[0].strip()
    assert alone[0].text


def test_a_checkpoint_that_does_not_fit_is_refused(checkpoint, tmp_path):
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in checkpoint.iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    config = json.loads((broken / "config.json").read_text())
    config["text_config"]["num_hidden_layers"] = 3
    (broken / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=r"lacks 9 weights of its architecture"):
        entry_of(broken).load(LoadOptions())


def test_it_runs_region_tasks_of_the_sample_suite(refbench, speaking, small_world, monkeypatch):
    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "a Java machine for every row would be slow here")
    words = ("--model", f"vip-llava:{speaking}", "--data-root", small_world, "--limit", "2", "--json")
    tasks = "refcocog_reg,vg_reg,visual7w_pointing,pointqa_local,vipbench,vqav2"
    outcome = refbench("eval", "--task", tasks, *words, "--device", "cpu")
    assert outcome.code == 0, outcome.err
    rows = outcome.json["rows"]
    assert {row["task"] for row in rows} == set(tasks.split(","))
    assert {(row["model"], row["failed"]) for row in rows} == {("vip-llava:says-cat", 0)}
    found = Path("runs").rglob("predictions.jsonl")
    lines = [json.loads(line) for path in found for line in path.read_text().splitlines()]
    assert len(lines) == 2 * len(rows)
    assert {line["text"] for line in lines} == {"cat"}


def test_it_shows_its_facts(refbench):
    [card] = refbench("models", "vip-llava:7b", "--json").json
    assert (card["answers"], card["visual_prompts"]) == (["text"], True)
    assert {"shape", "colour", "alpha", "conversation"} <= set(card["arguments"])
    assert "Visual7W not stated: accuracy 86.09 percent" in card["published"][0]["line"]
    assert card["needs"][0]["name"] == "llava-hf/vip-llava-7b-hf"
    assert "Llama 2" in card["licence"]
