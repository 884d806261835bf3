"""A model whose parts lie on several devices, in memory or on disk, as accelerate's `device_map` spreads them.

Accelerate brings the arguments of a module to its device where they are tensors, lists or mappings. The parts of this
model hand dataclasses to each other, so hooks of our own carry those, and bring every result back home: the device
that the vision encoder computes on. Between the layers of the language model accelerate does all of it.
"""

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from refvlm.model import RefVLM


class Core(RefVLM):
    """The model with a home of its own: its weights may not be anywhere while they are not needed."""

    home: torch.device | None = None

    @property
    def device(self) -> torch.device:
        """Where what lies between the parts is."""
        return self.home or super().device


def settle(core: Core) -> None:
    """Set the home of a model, if accelerate has spread it, and let what its parts exchange travel."""
    if not any(hasattr(module, "_hf_hook") for module in core.modules()):
        return
    core.home = place(core.vision)
    for module in core.modules():
        if isinstance(module, nn.MultiheadAttention):
            _fetch_together(module)
    parts = list(_called(core))
    if any(place(part) != core.home for part in parts):
        for part in parts:
            travel(part, place(part), core.home)


def _fetch_together(module: nn.MultiheadAttention) -> None:
    """Let an attention fetch its last projection with the rest: it reads those weights without calling the module."""
    from accelerate.hooks import AlignDevicesHook, add_hook_to_module, remove_hook_from_module

    hook, last = getattr(module, "_hf_hook", None), getattr(module.out_proj, "_hf_hook", None)
    if not getattr(hook, "offload", False) or last is None:
        return
    assert isinstance(hook, AlignDevicesHook)
    remove_hook_from_module(module.out_proj)
    whole = AlignDevicesHook(
        hook.execution_device,
        offload=True,
        weights_map=hook.weights_map,
        place_submodules=True,
        tied_params_map=hook.tied_params_map,
    )
    add_hook_to_module(module, whole)


def fill(module: nn.Module) -> None:
    """Let a part compute what no checkpoint stores, where its buffers are, though its weights may be on disk.

    A part takes precision and device of such values from its weights, so those that are away are stood in for by
    single numbers, stretched.
    """
    begin = getattr(module, "fill", None)
    if not callable(begin):
        return
    device = next((value.device for value in module.buffers(recurse=False)), torch.device("cpu"))
    away = [
        (part, name, value)
        for part in module.modules()
        for name, value in part._parameters.items()
        if value is not None and value.is_meta and device.type != "meta"
    ]
    for part, name, value in away:
        part._parameters[name] = nn.Parameter(value.new_zeros((), device=device).expand(value.shape), False)
    begin()
    for part, name, value in away:
        part._parameters[name] = value


def place(module: nn.Module) -> torch.device:
    """The device that a module computes on."""
    for each in module.modules():
        hook = getattr(each, "_hf_hook", None)
        device = getattr(hook, "execution_device", None)
        if device is not None:
            return torch.device(device)
    return next((value.device for value in module.parameters()), torch.device("cpu"))


def travel(module: nn.Module, there: torch.device, home: torch.device) -> None:
    """Bring the arguments of a module there, and its results home."""

    def before(_: nn.Module, args: Any, kwargs: Any) -> Any:
        return moved(args, there), moved(kwargs, there)

    def behind(_: nn.Module, __: Any, result: Any) -> Any:
        return moved(result, home)

    module.register_forward_pre_hook(before, with_kwargs=True)
    module.register_forward_hook(behind)


def moved(value: Any, device: torch.device) -> Any:
    """Bring all tensors in a value to a device; what else it holds stays as it is."""
    if isinstance(value, Tensor):
        return value.to(device)
    if isinstance(value, dict) and type(value) is dict:
        return {key: moved(each, device) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(moved(each, device) for each in value)
    if is_dataclass(value) and not isinstance(value, type | dict):  # outputs of transformers are dictionaries as well
        named = {each.name: getattr(value, each.name) for each in fields(value) if each.init}
        return replace(value, **{name: moved(each, device) for name, each in named.items()})
    return value


def _called(core: RefVLM) -> Iterator[nn.Module]:
    """The modules that the model calls itself."""
    llm: Any = core.llm
    for name, part in core.named_children():
        if name == "llm":
            yield from (llm.model.embed_tokens, llm.model, llm.lm_head)
        elif isinstance(part, nn.ModuleDict | nn.ModuleList):
            yield from part.children()
        else:
            yield part
