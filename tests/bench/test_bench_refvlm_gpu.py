"""Tokens and samples a second of the 7B preset with random weights, against what memory bandwidth allows; -m bench -s.

Every step of a language model reads all its weights and all keys and values once: no loop without that many bytes a
step exists, so the bandwidth of a plain copy on the same device gives the limit. The small kind runs on any machine.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import StaticCache

from refvlm.config import LlmConfig, RefVLMConfig
from refvlm.key_values import KeyValues
from refvlm.model import RefVLM
from refvlm.presets import preset

pytestmark = [pytest.mark.bench, pytest.mark.timeout(0)]
WORDS, SHORTEST = 24, 8
"""Tokens of the prompt behind the image, and of the untimed beginning of every answer."""


@dataclass(frozen=True)
class Setting:
    """What is timed: where, in what precision, how many answers at once, of how many tokens."""

    device: str
    dtype: torch.dtype
    batch: int
    tokens: int


def built(config: RefVLMConfig, setting: Setting) -> RefVLM:
    """A model whose weights are drawn where they are used, in the precision they are used in."""
    torch.manual_seed(0)
    with torch.device("meta"):
        model = RefVLM(config).to(setting.dtype)
    model = model.to_empty(device=setting.device).eval()
    with torch.inference_mode():
        for value in model.parameters():
            value.normal_(0, 0.02)
    model.fill()
    return model.to(setting.device)


def bandwidth(setting: Setting) -> float:
    """Bytes a second that a copy of half a gigabyte reads and writes."""
    source = torch.ones(2**27 if setting.device == "cuda" else 2**24, device=setting.device)
    target = torch.empty_like(source)
    spent = min(timed(setting.device, lambda: target.copy_(source)) for _ in range(5))
    return 2 * source.numel() * source.element_size() / spent


def timed(device: str, call: Callable[[], object]) -> float:
    """Seconds of a call, until the device has done it."""
    wait(device)
    start = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - start


def wait(device: str) -> None:
    """Wait for the device."""
    if device == "cuda":
        torch.cuda.synchronize()


class Growing:
    """Steps as generation takes them: buffers that grow, and a mask for padding."""

    def __init__(self, model: RefVLM, setting: Setting, tokens: Tensor) -> None:
        self.model = model
        images = model.read_images(tokens)
        self.memory = KeyValues(images, torch.arange(setting.batch, device=setting.device))

    def read(self, embeddings: Tensor) -> Tensor:
        """Read on, float [B, L, D]: the last states [B, D]."""
        real = torch.ones(embeddings.shape[:2], dtype=torch.bool, device=embeddings.device)
        positions, mask = self.memory.append(real)
        return last(self.model.llm.model, embeddings, positions, past_key_values=self.memory, attention_mask=mask)


class Fixed:
    """Steps over a static cache, compiled or not."""

    def __init__(self, model: RefVLM, setting: Setting, tokens: Tensor, backend: str | None) -> None:
        room = tokens.shape[1] + WORDS + SHORTEST + setting.tokens + 1
        self.cache = StaticCache(config=model.llm.config, max_cache_len=room)
        self.eager, self.place = model.llm.model, 0
        how: dict[str, Any] = {"mode": "reduce-overhead"} if backend == "inductor" else {}
        self.step = self.eager if backend is None else torch.compile(self.eager, backend=backend, dynamic=False, **how)
        self.read(tokens)

    def read(self, embeddings: Tensor) -> Tensor:
        """Read on, float [B, L, D]: the last states [B, D]."""
        length = embeddings.shape[1]
        positions = torch.arange(self.place, self.place + length, device=embeddings.device)[None]
        self.place += length
        run = self.step if length == 1 else self.eager
        return last(run, embeddings, positions, past_key_values=self.cache).clone()


def last(run: Callable[..., Any], embeddings: Tensor, positions: Tensor, **how: Any) -> Tensor:
    """The states of the last position."""
    out: Tensor = run(inputs_embeds=embeddings, position_ids=positions, use_cache=True, **how).last_hidden_state[:, -1]
    return out


def write(model: RefVLM, steps: Growing | Fixed, state: Tensor, count: int) -> Tensor:
    """Say tokens greedily: the last state."""
    for _ in range(count):
        said = model.llm.lm_head(state).argmax(1)
        state = steps.read(model.embed(said)[:, None])
    return state


@torch.inference_mode()
def tokens_a_second(model: RefVLM, setting: Setting, kind: str, backend: str) -> float:
    """Write answers behind an image and a prompt; only the steps are timed."""
    width, where = model.config.llm.width, {"device": setting.device, "dtype": setting.dtype}
    seen = torch.randn(setting.batch, model.config.grid**2, width, **where)
    compiled = backend if kind == "compiled" else None
    steps = Growing(model, setting, seen) if kind == "growing" else Fixed(model, setting, seen, compiled)
    state = steps.read(torch.randn(setting.batch, WORDS, width, **where))
    state = write(model, steps, state, SHORTEST)  # compiles, and fills the caches of the allocator
    spent = timed(setting.device, lambda: write(model, steps, state, setting.tokens))
    return setting.batch * setting.tokens / spent


@torch.inference_mode()
def samples_a_second(model: RefVLM, setting: Setting) -> float:
    """Answer a batch from its pixels on: images are encoded and read, the prompt is read, the answers are written."""
    where = {"device": setting.device, "dtype": setting.dtype}
    side, width = model.config.image_size, model.config.llm.width
    pixels = torch.randn(setting.batch, 3, side, side, **where)
    prompt = torch.randn(setting.batch, WORDS, width, **where)

    def answer() -> None:
        steps = Growing(model, setting, model.vision(pixels).tokens)
        write(model, steps, steps.read(prompt), setting.tokens)

    answer()  # fills the caches of the allocator
    return setting.batch / timed(setting.device, answer)


def limit(model: RefVLM, setting: Setting, speed: float) -> float:
    """Tokens a second if every step took only as long as reading weights, keys and values at `speed` bytes a second."""
    size = torch.empty((), dtype=setting.dtype).element_size()
    weights = sum(p.numel() for p in model.llm.model.layers.parameters()) + model.llm.lm_head.weight.numel()
    held = model.config.grid**2 + WORDS + SHORTEST + setting.tokens / 2
    kept = 2 * model.config.llm.layers * model.config.llm.width * held * setting.batch
    return setting.batch * speed / (size * (weights + kept))


def report(config: RefVLMConfig, settings: list[Setting], backend: str) -> list[float]:
    """Print a line for every setting and kind of cache, and one for whole answers; tokens and samples a second."""
    model, speed = built(config, settings[0]), bandwidth(settings[0])
    print(f"\n{settings[0].device}: a copy moves {speed / 1e9:.0f} GB/s")
    out = []
    for setting in settings:
        best = limit(model, setting, speed)
        for kind in ("growing", "static", "compiled"):
            out.append(tokens_a_second(model, setting, kind, backend))
            print(f"batch {setting.batch:2} {kind:8} {out[-1]:9.1f} tokens/s, {out[-1] / best:.0%} of the limit")
        out.append(samples_a_second(model, setting))
        print(
            f"batch {setting.batch:2} whole    {out[-1]:9.2f} samples/s, {setting.tokens} tokens each, from the pixels"
        )
    return out


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_tokens_a_second_of_the_7b_preset():
    settings = [Setting("cuda", torch.bfloat16, batch, 128) for batch in (1, 8, 32)]
    assert all(speed > 0 for speed in report(preset("7b"), settings, "inductor"))


def test_the_same_steps_of_a_small_kind_on_the_cpu():
    small = preset("7b").model_dump() | {
        "image_size": 64,
        "trunk": {"kind": "convnext", "widths": (8, 8, 16, 16), "depths": (1, 1, 1, 1), "coordinates": False},
        "encoder": {"stem": "clip", "image_size": 56, "patch_size": 14, "width": 32, "layers": 2, "heads": 2,
                    "mlp_width": 64, "select_layer": -2},
        "llm": LlmConfig(width=64, layers=2, heads=4, mlp_width=128).model_dump(),
    }  # fmt: skip
    settings = [Setting("cpu", torch.float32, batch, 16) for batch in (1, 8)]
    # "eager" traces the step as any compiler would, and needs none on the machine
    assert all(speed > 0 for speed in report(RefVLMConfig.model_validate(small), settings, "eager"))
