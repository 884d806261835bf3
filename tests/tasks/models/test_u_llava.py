"""u-LLaVA from small checkpoints on disk, through the loading path of a real one."""

import runpy
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import SamImageProcessorPil

from benchmarks.errors import ModelError
from benchmarks.geometry import decode
from benchmarks.schema import ImageRef, Query, Region
from tasks.base import LoadOptions
from tasks.models import registry
from tasks.models import u_llava_prompts as prompts
from tasks.models.u_llava_grounding import best, caption, tight_box
from tasks.models.u_llava_pixels import Pixels, square_to_photo

TINY = SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("tiny_u_llava.py"))))
SYSTEM = (
    "A chat between a curious human and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the human's questions."
)
FORCED = (("decode", "teacher_forced"),)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Checkpoints of both variants, one that speaks and one that does not each, with preset files, and the parts."""
    root = tmp_path_factory.mktemp("u-llava")
    grounding = TINY.write_grounding(root / "grounding")
    found = {}
    for variant in ("dino", "loc"):
        for name, speaks in (("speaks", True), ("random", False)):
            (folder := root / f"{name}-{variant}").mkdir()
            parts = TINY.write(folder, variant, speaks)
            more = {"grounding": str(grounding), "box_threshold": 0.0} if variant == "dino" else {}
            preset = TINY.write_preset(root / f"{name}-{variant}.yaml", folder, variant, **more)
            found[f"{name}-{variant}"] = SimpleNamespace(folder=folder, preset=preset, parts=parts)
    return found


@pytest.fixture(scope="module")
def load(folders):
    """Load a checkpoint with arguments, once each."""
    loaded = {}

    def get(name, args=()):
        if (name, args) not in loaded:
            entry = registry.find(f"u-llava:{folders[name].preset}")
            loaded[name, args] = entry.load(LoadOptions(args=args))
        return loaded[name, args]

    return get


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Three small photos, the last two of one size."""
    folder = tmp_path_factory.mktemp("photos")
    refs = []
    for number, (width, height) in enumerate([(40, 24), (24, 30), (24, 30)]):
        noise = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
        Image.fromarray(noise).save(path := folder / f"{number}.png")
        refs.append(ImageRef(path, (height, width)))
    return refs


def asked(photo, wants="mask", question="the cat", **more):
    query = Query("one", photo, question, f"Do it: {question}.", wants, regime="instruction", max_new_tokens=12)
    return replace(query, **more)


def test_requests_are_worded_as_by_the_authors(photos):
    ask = asked(photos[0])
    assert prompts.instruction(ask, True) == "Output the segmentation mask of the the cat in the image."
    assert prompts.instruction(replace(ask, wants="box"), True) == prompts.instruction(ask, True)
    assert prompts.instruction(replace(ask, question=""), True) == "Find the salient object in the image."
    for other in ({"wants": "text"}, {"categories": ("cat",)}, {"regime": "full"}, {"wants": "box", "question": ""}):
        assert prompts.instruction(replace(ask, **other), True) == "Do it: the cat."
    assert prompts.instruction(ask, False) == "Do it: the cat."


def test_the_text_before_an_answer():
    patches = "<image_patch>" * 4
    photo = f"{SYSTEM} USER: <img_beg>{patches}</img_end>\nGo. ASSISTANT:"
    assert prompts.whole("Go.", 4, video=False) == photo
    assert prompts.brief(photo) == f"{SYSTEM} USER: <img_beg><image_patch></img_end>\nGo. ASSISTANT:"
    patches = "<video_patch>" * 6
    assert prompts.whole("Go.", 6, video=True) == f"{SYSTEM} USER: Go.<vid_beg>{patches}</vid_end> ASSISTANT:"
    assert prompts.FORCED == {"loc": "Sure. Mask: [SEG]; Location: [LOC];", "dino": "Sure. Info: [SEG];"}


def test_ids_of_a_forced_answer(load, photos):
    model = load("random-loc", FORCED)
    ids, embeds = model._text(model._asked(asked(photos[0])))
    named = model.tokenizer.convert_tokens_to_ids
    assert ids[0] == 1 and ids.count(named("<image_patch>")) == 4 == model.network.patches
    assert ids.index(named("<img_beg>")) + 5 == ids.index(named("</img_end>"))
    tail = model.tokenizer("Location: [LOC];", add_special_tokens=False)["input_ids"]
    assert ids[-len(tail) :] == tail and tail[-2] == named("[LOC]")
    assert embeds.shape == (len(ids), 96)


def by_hand(parts, model, photo, answer, token):
    """The state before a token of a forced answer, from transformers' parts alone: one text, one pass, no cache."""
    features = parts.clip(model.see(photo)[None], output_hidden_states=True).hidden_states[-2][:, 1:]
    prompt = prompts.whole(f"Output the segmentation mask of the {'the cat'} in the image.", 4, video=False)
    ids = parts.tokenizer(f"{prompt} {answer}", return_tensors="pt")["input_ids"]
    embeds = parts.llm.get_input_embeddings()(ids).clone()
    embeds[0, ids[0] == parts.tokenizer.convert_tokens_to_ids("<image_patch>")] = parts.projector(features[0])
    states = parts.llm.model(inputs_embeds=embeds).last_hidden_state[0]
    [place] = (ids[0] == parts.tokenizer.convert_tokens_to_ids(token)).nonzero()[:, 0].tolist()
    return states[place - 1]


@pytest.mark.parametrize("variant", ["dino", "loc"])
def test_a_forced_mask_is_the_one_that_the_parts_make_by_hand(load, folders, photos, variant):
    model, parts = load(f"random-{variant}", FORCED), folders[f"random-{variant}"].parts
    answer = model.predict([asked(photos[0])])[0]
    assert answer.text == prompts.FORCED[variant]
    processor = SamImageProcessorPil(size={"longest_edge": 64}, pad_size={"height": 64, "width": 64})
    seen = processor(photos[0].open_rgb(), return_tensors="pt")
    with torch.no_grad():
        state = by_hand(parts, model, photos[0], answer.text, "[SEG]")
        embedding = parts.sam.get_image_embeddings(seen["pixel_values"])
        masks = parts.sam.mask_decoder(
            image_embeddings=embedding,
            image_positional_embeddings=parts.sam.get_image_wide_positional_embeddings(),
            sparse_prompt_embeddings=parts.seg(state)[None, None, None],
            dense_prompt_embeddings=parts.sam.prompt_encoder.no_mask_embed.weight.reshape(1, -1, 1, 1).expand(
                1, -1, 4, 4
            ),
            multimask_output=False,
        )[0]
    [expected] = processor.post_process_masks(
        masks, seen["original_sizes"], seen["reshaped_input_sizes"], pad_size={"height": 64, "width": 64}
    )
    ours = decode(answer.groups[0].instances[0].mask_rle)
    # a logit within rounding of 0 may fall to either side
    assert (ours != np.asarray(expected)[0, 0]).mean() < 0.005
    assert 0 < ours.mean() < 1


def test_a_forced_box_of_the_head_is_brought_back_from_the_padded_square(load, folders, photos):
    model, parts = load("random-loc", FORCED), folders["random-loc"].parts
    answer = model.predict([asked(photos[0], "box")])[0]
    with torch.no_grad():
        state = by_hand(parts, model, photos[0], answer.text, "[LOC]")
        x1, y1, x2, y2 = (parts.det_decoder(parts.det_projector(state)) * 40).tolist()
    expected = (x1, y1 - 8, x2, y2 - 8)  # 40 x 24 lies 8 px below the upper edge of its square
    assert answer.groups[0].instances[0].box_xyxy == pytest.approx(expected, abs=1e-2)


def test_what_the_model_says_by_itself_is_decoded_from_the_states_before_its_tokens(load, photos):
    for variant in ("dino", "loc"):
        model = load(f"speaks-{variant}")
        mask, box, text = model.predict([asked(photos[0], wants) for wants in ("mask", "box", "text")])
        assert [mask.status, box.status, text.status] == ["ok"] * 3
        assert mask.text == box.text == "[SEG][LOC][tag]cat[/tag]"
        assert text.text == "cat" and not text.groups
        assert mask.groups[0].phrase == "the cat" and len(mask.masks()) == 1
        assert len(box.boxes()) == 1 and not box.masks()


def test_of_the_boxes_of_a_name_the_one_that_fits_the_mask_is_taken(load, photos):
    model = load("speaks-dino")
    mask, box = model.predict([asked(photos[0], wants) for wants in ("mask", "box")])
    tight = tight_box(decode(mask.masks()[0]))
    found = model.grounding.boxes(photos[0].open_rgb(), "cat")
    assert len(found) == 7  # all its queries, at a threshold of 0
    assert box.boxes()[0] == pytest.approx(best(found, tight))
    assert load("speaks-dino", (("boxes", "mask"),)).predict([asked(photos[0], "box")])[0].boxes() == [tight]


def test_a_forced_answer_names_its_object_itself(load, photos):
    answer = load("speaks-dino", FORCED).predict([asked(photos[0], "box")])[0]
    assert answer.text == "Sure. Info: [SEG]; [tag]cat[/tag]"
    assert answer.prompt.endswith("ASSISTANT: Sure. Info: [SEG]; [tag]")


def test_an_answer_without_its_token_could_not_be_read(load, photos):
    mask, box = load("random-loc").predict([asked(photos[0], wants) for wants in ("mask", "box")])
    assert (mask.status, mask.error) == ("parse_error", "the answer holds no [SEG]: no mask")
    assert (box.status, box.error) == ("parse_error", "the answer holds no [LOC]: no box")


@pytest.mark.parametrize("args", [(), FORCED])
def test_answers_in_a_batch_are_those_alone(load, photos, args):
    model = load("random-loc" if args else "speaks-loc", args)
    queries = [
        asked(photos[0]),
        asked(photos[1], question="a long description of something on the left"),
        asked(photos[1], "box", max_new_tokens=2),
    ]
    for together, query in zip(model.predict(queries), queries, strict=True):
        [alone] = model.predict([query])
        assert replace(together, groups=()) == replace(alone, groups=())
        for ours, theirs in zip(together.boxes(), alone.boxes(), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-3)
        for ours, theirs in zip(together.masks(), alone.masks(), strict=True):
            assert (decode(ours) != decode(theirs)).mean() < 0.005  # a logit within rounding of 0


def test_a_video_becomes_means_over_patches_and_over_time(load, folders, photos):
    model, parts = load("random-loc"), folders["random-loc"].parts
    frames = torch.stack([model.pixels.frame(photo.open_rgb()) for photo in photos[1:]])
    with torch.no_grad():
        seen = parts.clip(frames, output_hidden_states=True).hidden_states[-2][:, 1:]
        expected = parts.projector(torch.cat([seen.mean(1), seen.mean(0)]))
        ours = model.network.video_features(frames)
    assert ours.shape == (2 + 4, 96)
    torch.testing.assert_close(ours, expected, atol=1e-4, rtol=1e-4)
    clip = asked(photos[1], "text", frames=tuple(photos[1:]))
    answer = model.predict([clip])[0]
    assert answer.status == "ok"
    assert "Do it: the cat.<vid_beg><video_patch></vid_end> ASSISTANT:" in answer.prompt


@pytest.mark.parametrize(
    ("frames", "expected"), [(3, [0, 1, 2]), (8, list(range(8))), (20, [0, 2, 5, 7, 10, 12, 15, 17])]
)
def test_eight_frames_are_taken_evenly(frames, expected):
    assert Pixels.chosen(list(range(frames))) == expected
    assert Pixels.chosen([]) == []


def test_pixels_of_both_variants(photos):
    padded, cut = (Pixels(28, 64, white).clip(photos[0].open_rgb()) for white in (True, False))
    white = (1 - torch.tensor([0.48145466, 0.4578275, 0.40821073])) / torch.tensor([0.26862954, 0.26130258, 0.27577711])
    torch.testing.assert_close(padded[:, 0, 14], white, atol=0.02, rtol=0)
    assert (cut[:, 0, 14] - white).abs().max() > 0.5
    assert square_to_photo((0.0, 0.2, 1.0, 0.8), (24, 40)) == pytest.approx((0, 0, 40, 24))
    assert square_to_photo((0.1, 0.0, 0.9, 1.0), (30, 24)) == pytest.approx((0, 0, 24, 30))


def test_captions_and_boxes_of_grounding():
    assert (caption(" Red Cat "), caption("dog."), caption("")) == ("red cat.", "dog.", ".")
    assert best([], (0, 0, 4, 4)) == (0, 0, 4, 4)
    assert best([(5, 5, 9, 9), (1, 1, 5, 5), (0, 0, 4, 5)], (0, 0, 4, 4)) == (0, 0, 4, 5)
    mask = np.zeros((6, 8), dtype=bool)
    mask[2:4, 3:6] = True
    assert tight_box(mask) == (3.0, 2.0, 5.0, 3.0)
    with pytest.raises(ModelError, match="mask is empty"):
        tight_box(np.zeros((2, 2), dtype=bool))


def test_what_it_cannot_do_is_said(load, photos):
    with pytest.raises(ModelError, match="takes no visual prompts"):
        load("speaks-loc").predict([asked(photos[0], regions=(Region("box", box_xyxy=(0, 0, 1, 1)),))])
    with pytest.raises(ModelError, match="leave --model-arg decode=teacher_forced out"):
        load("random-loc", FORCED).predict([asked(photos[0], "text")])
    with pytest.raises(ModelError, match="placeholders for 4 features"):
        load("speaks-loc").predict([asked(photos[0], question="<image_patch>")])


def test_it_runs_the_tasks_that_it_can_do(refbench, folders, small_world, monkeypatch):
    monkeypatch.setattr("metrics.meteor.unavailable", lambda: "a Java machine for every row would be slow here")
    words = ("--data-root", small_world, "--limit", "2", "--json", "--device", "cpu")
    model = ("--model", f"u-llava:{folders['speaks-dino'].preset}")
    tasks = "refcocog_res,refcocog_rec,ecssd_salient,vqav2,tgif_captions"
    outcome = refbench("eval", "--task", tasks, *model, *words)
    assert outcome.code == 0, outcome.err
    assert {row["task"] for row in outcome.json["rows"]} == set(tasks.split(","))
    assert {(row["failed"], row["unparsable"]) for row in outcome.json["rows"]} == {(0, 0)}
    arguments = ("--split", "val", "--model-arg", "decode=teacher_forced")
    [row] = refbench("eval", "--task", "refcocog_res", *model, *words, *arguments).json["rows"]
    assert row["model_args"] == "decode=teacher_forced"
    [free] = [each for each in outcome.json["rows"] if (each["task"], each["split"]) == ("refcocog_res", "val")]
    assert row["run"] != free["run"]
    record = (Path("runs", row["run"]) / "result.json").read_text()
    assert (
        "decode=teacher_forced" in record
        and "teacher_forced" not in (Path("runs", free["run"]) / "result.json").read_text()
    )


def test_a_variant_without_released_weights_says_so(refbench):
    [card] = refbench("models", "u-llava:loc", "--json").json
    assert card["weights"] == "none released; --weights FOLDER for a checkpoint of yours"


def test_it_shows_its_facts(refbench):
    [card] = refbench("models", "u-llava:dino", "--json").json
    assert (card["answers"], card["visual_prompts"]) == (["box", "mask", "text"], False)
    assert {each["name"] for each in card["needs"]} == {"jinxu95/ullava", "IDEA-Research/grounding-dino-tiny"}
    assert any("res RefCOCO val: ciou 80.29 percent" in each["line"] for each in card["published"])
    assert "decode" in card["arguments"]
    [size] = card["sizes"]
    # Vicuna 6.74, CLIP 0.30 and SAM ViT-H 0.64 billion
    assert size["what"] == "7B, as published" and size["values"] == pytest.approx(7.70e9, rel=0.01)
    assert size["values_per_token"] == 2 * 32 * 4096
    [other] = refbench("models", "u-llava:loc", "--json").json
    assert "no released weights" in other["note"]
