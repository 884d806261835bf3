"""Small parts of checkpoints for tests: a tokenizer of single bytes that writes and reads any text, a small Llama."""

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

BOS, EOS, UNKNOWN = "<s>", "</s>", "<unk>"


def write_tokenizer(folder, added):
    """Write a tokenizer into a folder: three special tokens, all bytes, then the added tokens. Returns it."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: place for place, token in enumerate((UNKNOWN, BOS, EOS, *alphabet))}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token=UNKNOWN))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens([AddedToken(token, special=True) for token in (UNKNOWN, BOS, EOS)])
    backend.add_tokens([AddedToken(token, normalized=False, special=True) for token in added])
    backend.post_processor = processors.TemplateProcessing(single=f"{BOS} $A", special_tokens=[(BOS, 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, bos_token=BOS, eos_token=EOS, unk_token=UNKNOWN, pad_token=UNKNOWN
    )
    tokenizer.save_pretrained(folder)
    return tokenizer


def llama(vocab_size, **more):
    """Configuration of a small Llama, as a dict."""
    sizes = {"hidden_size": 48, "intermediate_size": 96, "num_hidden_layers": 2, "max_position_embeddings": 2048}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 4}
    ends = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    return {"model_type": "llama", "vocab_size": vocab_size, **sizes, **heads, **ends, **more}


def clip(layers):
    """Configuration of a small CLIP vision tower, as a dict: 28 pixels, 4 patches."""
    sizes = {"hidden_size": 32, "intermediate_size": 64, "image_size": 28, "patch_size": 14, "projection_dim": 16}
    return {"model_type": "clip_vision_model", "num_hidden_layers": layers, "num_attention_heads": 4, **sizes}


def teach(trunk, head, tokenizer, spoken):
    """Let a language model answer everything with the same tokens: the colon before an answer predicts the first.

    What comes before a token still shifts its state a little. `trunk` holds embeddings and layers, `head` the logits.
    """
    with torch.no_grad():
        for layer in trunk.layers:
            layer.self_attn.o_proj.weight.mul_(0.02)
            layer.mlp.down_proj.weight.mul_(0.02)
        seen = trunk.embed_tokens.weight
        head.weight.zero_()
        for before, after in zip((":", *spoken), spoken, strict=False):
            here, there = (tokenizer.convert_tokens_to_ids(token) for token in (before, after))
            head.weight[there] = seen[here] / seen[here].norm()
