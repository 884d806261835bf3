"""All decoders by name: which unit each answers and where it lies. Importing this loads none of them."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from benchmarks.errors import ConfigError, unknown
from refvlm.config import SizesConfig, complaint

if TYPE_CHECKING:
    from benchmarks.schema import Unit
    from refvlm.config import RefVLMConfig
    from refvlm.decoders.base import Decoder


@dataclass(frozen=True)
class DecoderKind:
    """A decoder that a configuration may name.

    Attributes:
        unit: what it answers.
        load: returns its class.
        section: section of the configuration that it is built from; empty for those of the section `decoders`.
    """

    unit: str
    load: "Callable[[], type[Decoder]]"
    section: str = ""


def _at(module: str, name: str) -> "Callable[[], type[Decoder]]":
    def load() -> "type[Decoder]":
        found: type[Decoder] = getattr(import_module(f"refvlm.decoders.{module}"), name)
        return found

    return load


KINDS: dict[str, DecoderKind] = {
    "box": DecoderKind("box", _at("box", "BoxDecoder"), "decoder"),
    "mask": DecoderKind("mask", _at("mask", "MaskDecoder"), "decoder"),
    "keypoint": DecoderKind("keypoint", _at("keypoint", "KeypointDecoder"), "keypoint"),
    "depth": DecoderKind("depth", _at("depth", "DepthDecoder"), "depth"),
    "sam": DecoderKind("mask", _at("sam", "SamMaskDecoder")),
    "slots": DecoderKind("keypoint", _at("slots", "SlotsDecoder")),
    "vitpose": DecoderKind("keypoint", _at("vitpose", "VitPoseDecoder")),
}


def kind(name: str) -> DecoderKind:
    """Find a decoder.

    Raises:
        UnknownName: there is none of that name.
    """
    if name not in KINDS:
        raise unknown("decoder", name, KINDS)
    return KINDS[name]


def built(config: SizesConfig) -> list[str]:
    """Names of the decoders that a model of these sizes has: those with a section, then those of `decoders`.

    Raises:
        ConfigError: a name of the section `decoders` is unknown or has a section of its own.
    """
    own = [name for name, each in KINDS.items() if each.section and getattr(config, each.section) is not None]
    return [*own, *(name for name in config.decoders if _plugged(name))]


def answering(config: SizesConfig) -> dict[str, str]:
    """Say which decoder answers each unit: unit -> name.

    Where several are built for a unit, `mask_decoder` or `keypoint_decoder` names the one; for other units it is the
    last.

    Raises:
        ConfigError: see `built`; or the one that is named is not built.
    """
    names = built(config)
    found = {KINDS[name].unit: name for name in names}
    for unit, name in {"mask": config.mask_decoder, "keypoint": config.keypoint_decoder}.items():
        if unit in found or name != unit:
            found[unit] = _chosen(unit, name, names)
    return found


def units_of(config: SizesConfig) -> "tuple[Unit, ...]":
    """Units that a model of these sizes answers: box, mask, those of further decoders, and words."""
    found = dict.fromkeys(("box", "mask", *answering(config), "text"))
    return cast("tuple[Unit, ...]", tuple(found))


def _plugged(name: str) -> bool:
    """Check a name of the section `decoders`."""
    try:
        section = kind(name).section
    except LookupError as error:
        raise ConfigError(f"decoders: {error}") from None
    if section:
        raise ConfigError(f"decoders: {name} has a section of its own, {section}: write its options there")
    return True


def _chosen(unit: str, name: str, names: list[str]) -> str:
    fitting = [each for each in names if KINDS[each].unit == unit]
    if name in fitting:
        return name
    if name == unit and len(fitting) == 1:  # the default name, and only a plug-in is there
        return fitting[0]
    there = ", ".join(fitting) or "none"
    raise ConfigError(f"{unit}_decoder is {name}, but of those for it {there} is built: add it to the section decoders")


def plug_in(name: str, config: "RefVLMConfig", level_widths: tuple[int, ...]) -> "Decoder":
    """Build one of the section `decoders`.

    Raises:
        ConfigError: an option is unknown or has a wrong value.
    """
    loaded = kind(name).load()
    try:
        options = loaded.options.model_validate(config.decoders[name])
    except ValidationError as error:
        raise ConfigError(f"decoders.{name}: {complaint(error, loaded.options)}") from None
    return loaded.build(config, level_widths, options)
