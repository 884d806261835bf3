"""Tiny random checkpoints of vision-language architectures, written to disk as their publishers lay them out."""

import torch
from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as Decoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

TEMPLATE = (
    "{% for message in messages %}USER: {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}IMAGE{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{% endfor %}{% if add_generation_prompt %} ASSISTANT:{% endif %}"
)
MISTRAL = (
    "{% for message in messages %}[INST] {% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<image>\n{% else %}{{ part['text'] }}{% endif %}{% endfor %} [/INST]{% endfor %}"
)
SIZES = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


def words(extra, **settings):
    """A tokenizer of bytes, with some tokens besides; <pad>, <s>, </s> and <unk> are 0 to 3."""
    names = ["<pad>", "<s>", "</s>", "<unk>", *sorted(ByteLevel.alphabet())]
    core = Tokenizer(BPE({name: number for number, name in enumerate(names)}, [], unk_token="<unk>"))
    core.pre_tokenizer = ByteLevel(add_prefix_space=False)
    core.decoder = Decoder()
    special = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=core, **special, **settings)
    tokenizer.add_tokens(extra, special_tokens=True)
    return tokenizer


def text_sizes(tokenizer, **more):
    ends = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    return (
        {"vocab_size": len(tokenizer), "num_key_value_heads": 2, "max_position_embeddings": 2048} | SIZES | ends | more
    )


def drawn(model):
    """Redraw all weights wide enough that answers differ from picture to picture."""
    generator = torch.Generator().manual_seed(0)
    for weight in model.parameters():
        weight.data = torch.randn(weight.shape, generator=generator) * 0.6
    return model.eval()


def llava(folder):
    from transformers import CLIPImageProcessorPil, LlavaConfig, LlavaForConditionalGeneration, LlavaProcessor

    tokenizer = words(["<image>"])
    vision = {"model_type": "clip_vision_model", "image_size": 28, "patch_size": 14, "projection_dim": 16, **SIZES}
    config = LlavaConfig(
        vision_config=vision, text_config={"model_type": "llama", **text_sizes(tokenizer)},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), image_seq_length=4,
    )  # fmt: skip
    drawn(LlavaForConditionalGeneration(config)).save_pretrained(folder)
    LlavaProcessor(
        CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}), tokenizer,
        patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=TEMPLATE.replace("IMAGE", "<image>\n"),
    ).save_pretrained(folder)  # fmt: skip


def qwen(folder):
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    vision = {
        "depth": 2, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 16,
        "window_size": 56, "fullatt_block_indexes": [1],
    }  # fmt: skip
    qwen_family(folder, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, vision, {})


def qwen_family(folder, settings, network, vision, text):
    """Write a checkpoint of a generation of Qwen-VL; they share tokens and pictures, and differ in the network."""
    from transformers import Qwen2VLImageProcessorPil

    marks = ["<|vision_start|>", "<|image_pad|>", "<|vision_end|>", "<|video_pad|>"]
    tokenizer = words(marks, chat_template=TEMPLATE.replace("IMAGE", "<|vision_start|><|image_pad|><|vision_end|>"))
    start, image, end, video = tokenizer.convert_tokens_to_ids(marks)
    rope = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    config = settings(
        vision_config=vision, text_config=text_sizes(tokenizer, rope_parameters=rope, **text),
        image_token_id=image, video_token_id=video, vision_start_token_id=start, vision_end_token_id=end,
    )  # fmt: skip
    drawn(network(config)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    size = {"shortest_edge": 28 * 28, "longest_edge": 84 * 84}
    Qwen2VLImageProcessorPil(size=size).save_pretrained(folder)


def llava_next(folder):
    from transformers import LlavaNextConfig, LlavaNextForConditionalGeneration, LlavaNextProcessor
    from transformers import LlavaNextImageProcessorPil as Images

    tokenizer = words(["<image>"])
    vision = {"model_type": "clip_vision_model", "image_size": 28, "patch_size": 14, "projection_dim": 16, **SIZES}
    grids = [[28, 56], [56, 28], [56, 56]]
    config = LlavaNextConfig(
        vision_config=vision, text_config={"model_type": "mistral", **text_sizes(tokenizer)},
        image_grid_pinpoints=grids, image_token_index=tokenizer.convert_tokens_to_ids("<image>"), image_seq_length=4,
    )  # fmt: skip
    drawn(LlavaNextForConditionalGeneration(config)).save_pretrained(folder)
    images = Images(
        size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28}, image_grid_pinpoints=grids, do_pad=True
    )
    LlavaNextProcessor(
        images, tokenizer, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=MISTRAL,
    ).save_pretrained(folder)  # fmt: skip


def qwen2(folder):
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration

    vision = {"depth": 2, "embed_dim": 16, "hidden_size": 16, "num_heads": 2, "mlp_ratio": 2}
    qwen_family(folder, Qwen2VLConfig, Qwen2VLForConditionalGeneration, vision, {})


def qwen3(folder):
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    vision = {
        "depth": 2, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 16,
        "patch_size": 14, "num_position_embeddings": 16, "deepstack_visual_indexes": [0],
    }  # fmt: skip
    qwen_family(folder, Qwen3VLConfig, Qwen3VLForConditionalGeneration, vision, {"head_dim": 8})


def paligemma(folder):
    from transformers import PaliGemmaConfig, PaliGemmaForConditionalGeneration, PaliGemmaProcessor
    from transformers import SiglipImageProcessorPil as Siglip

    places = [f"<loc{number:04d}>" for number in range(1024)]
    tokenizer = words(["<image>", *places, *(f"<seg{number:03d}>" for number in range(128))])
    vision = {"model_type": "siglip_vision_model", "image_size": 28, "patch_size": 14, "projection_dim": 16, **SIZES}
    config = PaliGemmaConfig(
        vision_config=vision | {"vision_use_head": False},
        text_config={"model_type": "gemma", "head_dim": 8, **text_sizes(tokenizer)},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"), projection_dim=16, hidden_size=16,
    )  # fmt: skip
    drawn(PaliGemmaForConditionalGeneration(config)).save_pretrained(folder)
    images = Siglip(size={"height": 28, "width": 28})
    images.image_seq_length = 4
    PaliGemmaProcessor(images, tokenizer).save_pretrained(folder)


def internvl(folder):
    from transformers import GotOcr2ImageProcessorPil, InternVLConfig, InternVLForConditionalGeneration

    marks = ["<img>", "</img>", "<IMG_CONTEXT>"]
    tokenizer = words(marks, chat_template=TEMPLATE.replace("IMAGE", "<IMG_CONTEXT>\n"))
    config = InternVLConfig(
        vision_config={"image_size": [28, 28], "patch_size": [14, 14], **SIZES},
        text_config={"model_type": "qwen2", **text_sizes(tokenizer)},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"), image_seq_length=1, downsample_ratio=0.5,
    )  # fmt: skip
    drawn(InternVLForConditionalGeneration(config)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    GotOcr2ImageProcessorPil(size={"height": 28, "width": 28}, max_patches=4).save_pretrained(folder)


def florence(folder):
    from transformers import CLIPImageProcessorPil, Florence2Config, Florence2ForConditionalGeneration
    from transformers import Florence2Processor as Processor

    tokenizer = words([f"<loc_{number}>" for number in range(1000)], extra_special_tokens={"image_token": "<image>"})
    tokenizer.add_tokens(["<image>"], special_tokens=True)
    vision = {
        "embed_dim": [8, 16], "num_heads": [2, 2], "num_groups": [2, 2], "depths": [1, 1], "patch_size": [7, 3],
        "patch_stride": [4, 2], "patch_padding": [3, 1], "patch_prenorm": [False, True], "window_size": 4,
        "projection_dim": 16,
    }  # fmt: skip
    bart = {
        "model_type": "bart", "vocab_size": len(tokenizer), "d_model": 16, "encoder_layers": 1, "decoder_layers": 1,
        "encoder_attention_heads": 2, "decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32,
        "max_position_embeddings": 512, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
        "decoder_start_token_id": 2, "forced_eos_token_id": None,
    }  # fmt: skip
    config = Florence2Config(
        vision_config=vision, text_config=bart, image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        is_encoder_decoder=True,
    )  # fmt: skip
    drawn(Florence2ForConditionalGeneration(config)).save_pretrained(folder)
    images = CLIPImageProcessorPil(size={"height": 32, "width": 32}, do_center_crop=False)
    images.image_seq_length = 17
    Processor(images, tokenizer).save_pretrained(folder)


def kosmos(folder):
    from transformers import CLIPImageProcessorPil, Kosmos2Config, Kosmos2ForConditionalGeneration, Kosmos2Processor

    tokenizer = words([])
    images = CLIPImageProcessorPil(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = Kosmos2Processor(images, tokenizer)
    sizes = {"embed_dim": 16, "layers": 1, "ffn_dim": 32, "attention_heads": 2, "max_position_embeddings": 512}
    config = Kosmos2Config(
        vision_config={"image_size": 28, "patch_size": 14, **SIZES},
        text_config=sizes | {"vocab_size": len(tokenizer), "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2},
        latent_query_num=64,
    )  # fmt: skip
    drawn(Kosmos2ForConditionalGeneration(config)).save_pretrained(folder)
    processor.save_pretrained(folder)


CHECKPOINTS = {
    "llava": llava, "llava-next": llava_next, "qwen2": qwen2, "qwen": qwen, "qwen3": qwen3, "paligemma": paligemma,
    "internvl": internvl, "florence": florence, "kosmos": kosmos,
}  # fmt: skip
