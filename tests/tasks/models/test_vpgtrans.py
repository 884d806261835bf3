"""VL-LLaMA and VL-Vicuna from tiny random files under upstream's names, through the real loading path."""

import json
import re
import string
from types import SimpleNamespace

import pytest
import torch
import yaml
from PIL import Image

from benchmarks.errors import ModelError, UnknownName
from benchmarks.schema import ImageRef, Query
from refvlm.training.vocabulary import build_tokenizer
from tasks.base import LoadOptions
from tasks.models import families, vpgtrans
from tasks.models.vpgtrans_model import _StopText
from tasks.models.vpgtrans_preset import VpgTransPreset
from tasks.models.vpgtrans_prompts import words_for

SIZES = {
    "vision_sizes": {"width": 32, "layers": 2, "heads": 4, "mlp_width": 64, "image_size": 28, "patch_size": 14},
    "qformer_sizes": {"width": 24, "layers": 2, "heads": 4, "mlp_width": 48, "queries": 6},
}
MARKS = ["<unk>", "<s>", "</s>", *(f"extra{i}" for i in range(10)), "<0x0A>"]  # the line end has id 13, as in Llama
WORDS = "###human: <img> </img> ###assistant: ### question: answer:"
LAVIS = (
    (r"vision_model\.post_layernorm", "ln_vision"),
    (r"vision_model\.embeddings\.class_embedding", "visual_encoder.cls_token"),
    (r"vision_model\.embeddings\.position_embedding", "visual_encoder.pos_embed"),
    (r"vision_model\.embeddings\.patch_embedding", "visual_encoder.patch_embed.proj"),
    (r"vision_model\.encoder\.layers\.(\d+)\.layer_norm", r"visual_encoder.blocks.\1.norm"),
    (r"vision_model\.encoder\.layers\.(\d+)\.self_attn\.projection", r"visual_encoder.blocks.\1.attn.proj"),
    (r"vision_model\.encoder\.layers\.(\d+)\.self_attn", r"visual_encoder.blocks.\1.attn"),
    (r"vision_model\.encoder\.layers\.", "visual_encoder.blocks."),
    (r"qformer\.layernorm", "Qformer.bert.embeddings.LayerNorm"),
    (r"qformer\.encoder\.layer\.(\d+)\.attention\.attention", r"Qformer.bert.encoder.layer.\1.attention.self"),
    (
        r"qformer\.encoder\.layer\.(\d+)\.crossattention\.attention",
        r"Qformer.bert.encoder.layer.\1.crossattention.self",
    ),
    (r"qformer\.encoder", "Qformer.bert.encoder"),
    (r"language_projection", "llama_proj"),
)


def lavis(name):
    """The name of a weight in LAVIS, from the table of its layout read backwards."""
    for pattern, there in LAVIS:
        if re.match(pattern, name):
            return re.sub(pattern, there, name, count=1)
    return name


def tokenizer():
    """Words and marks of the sample world, and upstream's frames, as whole tokens; other words by the letter."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    own = [token for token in build_tokenizer().tokens if re.fullmatch(r"\w+|[^\w\s]", token)]
    letters = [*string.ascii_lowercase, *string.digits, *string.punctuation]  # what a word unknown to it is spelled in
    vocabulary = {token: i for i, token in enumerate(dict.fromkeys([*MARKS, *WORDS.split(), *own, *letters]))}
    words = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    words.normalizer = normalizers.Lowercase()
    known = [rf"\b{word}\b" for word in own if word.isalnum()]
    pieces = Regex("|".join([*WORDS.split(), *known, r"\w", r"[^\w\s]"]))
    words.pre_tokenizer = pre_tokenizers.Split(pieces, "removed", invert=True)
    return PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", bos_token="<s>", eos_token="</s>")


def stored(state):
    """LAVIS' tensors of a state of transformers: two biases of three, the trained parts and the rest apart."""
    trained, vision = {}, {}
    for name, value in state.items():
        if name.startswith("language_model."):
            continue
        there = vision if name.startswith(("vision_model.embeddings", "vision_model.encoder")) else trained
        if name.endswith("qkv.bias"):
            stem = lavis(name).removesuffix("qkv.bias")
            there[f"{stem}q_bias"], _, there[f"{stem}v_bias"] = value.chunk(3)
        else:
            there[lavis(name)] = value
    return {name: value.clone() for name, value in trained.items()}, {n: v.clone() for n, v in vision.items()}


def write(folder):
    """Write the parts of a random model of transformers as they are published; return both."""
    from transformers import Blip2ForConditionalGeneration, LlamaConfig

    spoken = tokenizer()
    sizes = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4}
    llm = LlamaConfig(vocab_size=len(spoken), bos_token_id=1, eos_token_id=2, **sizes)
    preset = families.member("vpgtrans", "vl-llama", VpgTransPreset).preset
    preset = VpgTransPreset.model_validate(preset.model_dump() | SIZES)
    torch.manual_seed(0)
    model = Blip2ForConditionalGeneration(preset.blip2_config(llm, 0)).eval()
    with torch.no_grad():
        for name, value in model.named_parameters():
            if not name.startswith("language_model."):
                value.normal_(0, 0.3)
        model.language_model.lm_head.weight.normal_(0, 1)  # so that answers differ
        for layer in model.vision_model.encoder.layers:  # keys have no bias in the published design
            layer.self_attn.qkv.bias.view(3, -1)[1] = 0
    model.language_model.save_pretrained(folder / "llm")
    spoken.save_pretrained(folder / "llm")
    trained, vision = stored(model.state_dict())
    leftovers = {
        "Qformer.bert.embeddings.position_ids": torch.arange(5)[None],
        "llama_model.model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(3),
        "Qformer.bert.encoder.layer.0.intermediate.dense.weight": torch.ones(2, 2),
        "Qformer.cls.predictions.bias": torch.ones(2),
        "opt_proj.weight": torch.ones(7, 24),
    }
    torch.save({"model": trained | leftovers, "optimizer": {"step": 3}, "epoch": 0}, folder / "tiny.pth")
    torch.save({"model": vision | {"visual_encoder.blocks.39.norm1.bias": torch.ones(3)}}, folder / "vit.pth")
    return SimpleNamespace(folder=folder, model=model, trained=trained, vision=vision, tokenizer=spoken)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """See `write`."""
    return write(tmp_path_factory.mktemp("vpgtrans"))


def preset_in(where, folder, base="vl-llama", **changes):
    """Write a preset of tiny sizes over a released one; return its path, which is its reference."""
    content = yaml.safe_load((families.PRESETS / "vpgtrans" / f"{base}.yaml").read_text())
    content |= {"checkpoint": str(folder), "trained": ["tiny.pth"], "vision": "vit.pth"} | SIZES | changes
    path = where / f"{base}-tiny.yaml"
    path.write_text(json.dumps(content))
    return str(path)


@pytest.fixture
def preset_file(made, tmp_path):
    """See `preset_in`; the folder is that of `made` unless another one is named."""
    return lambda base="vl-llama", folder=made.folder, **changes: preset_in(tmp_path, folder, base, **changes)


@pytest.fixture(scope="module")
def loaded(made, tmp_path_factory):
    """Both models as their released presets load them, by name."""
    where = tmp_path_factory.mktemp("presets")
    return {base: load(preset_in(where, made.folder, base)) for base in ("vl-llama", "vl-vicuna")}


def picture(tmp_path, seed):
    torch.manual_seed(seed)
    path = tmp_path / f"{seed}.png"
    Image.fromarray(torch.randint(0, 255, (40, 60, 3), dtype=torch.uint8).numpy()).save(path)
    return ImageRef(path, (40, 60))


@pytest.fixture
def queries(tmp_path):
    """Two questions of different lengths and one wish for a caption, about three pictures."""
    asked = ["What color is the circle?", "Is there a red circle in the image?", ""]
    return [
        Query(f"toy/{i}", picture(tmp_path, i), text, f"{text} Describe the image.", "text", max_new_tokens=16)
        for i, text in enumerate(asked)
    ]


def load(reference, **options):
    return vpgtrans.of_reference(reference).load(LoadOptions(**options))


def test_the_ids_of_vl_llama_are_visual_tokens_then_begin_then_words(made, loaded):
    spelled = loaded["vl-llama"].spelled
    told = made.tokenizer.convert_tokens_to_ids(["question:", "what", "color", "is", "the", "circle", "?", "answer:"])
    assert spelled.ids("Question: what color is the circle? Answer:") == [0] * 6 + [1] + told
    assert spelled.ids("") == [0] * 6 + [1]
    assert spelled.stops == (13,)


def test_the_ids_of_vl_vicuna_put_the_visual_tokens_among_the_human_s_words(made, loaded):
    spelled = loaded["vl-vicuna"].spelled
    of = made.tokenizer.convert_tokens_to_ids
    golden = [1, *of(["###human:", "<img>"]), *[0] * 6, *of(["</img>", "a", "circle", "###assistant:"])]
    assert spelled.ids("a circle") == golden
    assert spelled.stops == (2,)


def test_the_parts_make_the_model_of_transformers_they_came_from(made, loaded):
    found, wanted = loaded["vl-llama"].model.state_dict(), made.model.state_dict()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_greedy_answers_equal_those_computed_token_by_token(made, preset_file, queries):
    one = {"beams": 1, "max_new_tokens": 5, "min_new_tokens": 1, "length_penalty": 1.0}
    model = load(preset_file(answer=one, describe=one))
    for query, answer in zip(queries, model.predict(queries), strict=True):
        ids = model.spelled.ids(words_for(query, model.preset))
        pixels = model.processor([query.image.open_rgb()], return_tensors="pt").pixel_values
        new = []
        while len(new) < 5 and 13 not in new:
            with torch.no_grad():
                logits = made.model(pixel_values=pixels, input_ids=torch.tensor([ids + new])).logits[0, -1]
            if not new:  # an answer has one token at least
                logits[13] = -torch.inf
            new.append(int(logits.argmax()))
        assert answer.text == model.spelled.answer(new)
        assert answer.text


@pytest.mark.parametrize("base", ["vl-llama", "vl-vicuna"])
def test_a_batch_answers_as_single_queries_do(loaded, queries, base):
    model = loaded[base]
    together = [answer.text for answer in model.predict(queries)]
    assert together == [model.predict([query])[0].text for query in queries]
    assert len(set(together)) > 1  # else the pictures and words would play no part


def test_half_precision_runs_with_the_q_former_in_full(preset_file, queries):
    model = load(preset_file(), dtype="bfloat16")
    assert model.model.qformer.layernorm.weight.dtype == torch.float32
    assert model.model.vision_model.embeddings.class_embedding.dtype == torch.bfloat16
    assert [answer.status for answer in model.predict(queries)] == ["ok"] * 3


def test_words_with_the_id_of_the_visual_tokens_are_refused(loaded):
    with pytest.raises(ModelError, match="holds the place of visual tokens"):
        loaded["vl-llama"].spelled.ids("a snowman ☃")


def test_an_answer_ends_before_the_stop_text(loaded, made):
    assert loaded["vl-vicuna"].spelled.answer(made.tokenizer("red ### blue").input_ids) == "red"


def test_each_row_stops_by_its_own_last_words(loaded, made):
    rows = torch.tensor([made.tokenizer("### red blue").input_ids, made.tokenizer("red blue ###").input_ids])
    assert _StopText(loaded["vl-vicuna"].spelled, 1)(rows, None).tolist() == [False, True]


def rewritten(made, tmp_path, change):
    """The same folder with other trained parts."""
    for part in ("llm", "vit.pth"):
        (tmp_path / part).symlink_to(made.folder / part)
    trained = dict(made.trained)
    change(trained)
    torch.save({"model": trained}, tmp_path / "tiny.pth")
    return tmp_path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("query_tokens"), "query_tokens: missing"),
        (lambda state: state.update(odd=torch.ones(1)), "odd: no rule knows the name"),
        (lambda state: state.update({"llama_proj.bias": torch.ones(51)}), r"llama_proj.bias is \[51\] but ours"),
        (lambda state: [state.pop(n) for n in [*state] if "llama_proj" in n], "language_projection.bias, .*missing"),
    ],
)
def test_every_weight_is_accounted_for(made, preset_file, tmp_path, change, said):
    folder = rewritten(made, tmp_path, change)
    with pytest.raises(ModelError, match=said):
        load(preset_file(folder=folder))


def test_a_listed_leftover_is_passed_over(made, preset_file, tmp_path):
    folder = rewritten(made, tmp_path, lambda state: state.update(odd=torch.ones(1)))
    found = load(preset_file(folder=folder, spare_keys=["odd"])).model
    assert torch.equal(found.language_projection.weight, made.model.language_projection.weight)


def test_a_generator_and_a_projector_may_come_from_two_files(made, preset_file, tmp_path):
    def generator_alone(state):
        torch.save({"model": {n: state.pop(n) for n in [*state] if "llama_proj" in n}}, tmp_path / "projector.pth")

    folder = rewritten(made, tmp_path, generator_alone)
    found = load(preset_file(folder=folder, trained=["tiny.pth", "projector.pth"])).model
    assert torch.equal(found.language_projection.weight, made.model.language_projection.weight)
    with pytest.raises(ModelError, match="keep one of them"):
        load(preset_file(folder=folder, trained=["tiny.pth", "projector.pth", "projector.pth"]))


def test_the_vision_transformer_may_be_a_folder_of_transformers(made, preset_file, tmp_path):
    folder = rewritten(made, tmp_path, lambda state: None)
    made.model.save_pretrained(folder / "blip2")
    found = load(preset_file(folder=folder, vision="blip2")).model.state_dict()
    name = "vision_model.encoder.layers.1.self_attn.qkv.bias"
    assert torch.equal(found[name], made.model.state_dict()[name])


def test_a_bias_without_its_pair_is_said(made, preset_file, tmp_path):
    folder = rewritten(made, tmp_path, lambda state: None)
    vision = {n: v for n, v in made.vision.items() if n != "visual_encoder.blocks.1.attn.v_bias"}
    torch.save(vision, folder / "odd.pth")
    with pytest.raises(ModelError, match="no v_bias of the same shape"):
        load(preset_file(folder=folder, vision="odd.pth"))


def test_the_fingerprint_follows_every_file_and_the_settings(made, preset_file, tmp_path):
    def of(**changes):
        return vpgtrans.of_reference(preset_file(**changes)).fingerprint(LoadOptions())

    before = of()
    assert of(description="other words") == before
    assert of(question="{question}") != before
    assert of(folder=rewritten(made, tmp_path, lambda state: state.update(odd=torch.ones(1)))) != before


def test_missing_files_and_names_are_said():
    with pytest.raises(ModelError, match=r"no weights of vpgtrans:vl-llama are named: --weights FOLDER"):
        load("vl-llama")
    with pytest.raises(UnknownName, match="did you mean vl-vicuna"):
        vpgtrans.of_reference("vl-vicunya")


def test_a_folder_alone_does_not_say_which_model_it_is(made, tmp_path):
    with pytest.raises(ModelError, match="--model vpgtrans:vl-llama"):
        vpgtrans.of_reference(str(made.folder))
    with pytest.raises(ModelError, match=r"vl-llama.pth is missing: the folder of the weights holds"):
        load("vl-llama", weights=tmp_path)


def test_models_shows_sizes_files_licences_and_published_numbers(refbench):
    card = refbench("models", "vpgtrans:vl-llama", "--json").json[0]
    assert [each["value"] for each in card["published"]] == ["58.1", "37.5", "37.4"]
    assert [each["name"] for each in card["needs"]] == ["vl-llama.pth", "llm/", "vit"]
    # 6.74e9 of LLaMA-7B, 0.99e9 of 39 blocks of ViT-g, about 0.1e9 of Q-Former and projector.
    assert card["sizes"][0]["values"] == pytest.approx(7.8e9, rel=0.02)
    assert "BSD-3" in card["licence"]


@pytest.mark.parametrize("base", ["vl-llama", "vl-vicuna"])
def test_eval_runs_it_on_captions_and_questions_of_the_sample_world(refbench, preset_file, small_world, tmp_path, base):
    done = refbench(
        "eval", "--task", "coco_captions,vqav2", "--split", "val", "--data-root", small_world,
        "--model", f"vpgtrans:{preset_file(base)}", "--limit", "2", "--out", tmp_path / "runs", "--json",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert [(row["task"], row["n"], row["failed"], row["data"]) for row in done.json["rows"]] == [
        ("coco_captions", 2, 0, "sample"), ("vqav2", 2, 0, "sample"),
    ]  # fmt: skip
