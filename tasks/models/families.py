"""Families of models: one adapter for many checkpoints, each described by a preset in `configs/models/<family>`.

What stands behind the colon of `--model FAMILY:REFERENCE` is, in this order: a preset file (`mine.yaml`), a folder with
a checkpoint, the name of a preset, or a hub id (`owner/name`). A folder or hub id follows the preset that names it, or
else the one whose `model_types` has the `model_type` of its `config.json`: declared, never guessed by its answers.
Nothing is ever downloaded: a hub id must be in the local hub cache, and the error says the command that fetches it.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from benchmarks.errors import ConfigError, ModelError, unknown
from benchmarks.schema import Query, Unit
from tasks import strict_yaml
from tasks.base import LoadOptions, Model, ModelEntry
from tasks.facts import ModelSize, NeededFile, Published, stored_values
from tasks.model_args import ModelArgs, ModelArgument
from tasks.models import checkpoints

PRESETS = Path(__file__).parents[2] / "configs" / "models"
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


class Preset(BaseModel):
    """What every preset says; a family adds fields of its own.

    Attributes:
        checkpoint: hub id, or a path (from the preset file's folder) to a folder.
        revision: branch, tag or commit of a hub id.
        licence: of the weights, as their publisher states it.
        description: one line for `refbench models`.
        source: where the publisher documents the settings.
        note: what a reader of its rows must know.
        model_types: architectures (`model_type` of `config.json`) whose checkpoints follow it unless told otherwise.
        millions: how many million weights it has, about, as its publisher states: for the estimate of its memory where
            the checkpoint is not here; 0 where nobody says.
        published: names under which publications print this very checkpoint, see `results.published`, each with the
            datasets of which that holds; none for all of them.
        trust_remote_code: run Python code that lies in the checkpoint's folder; that code is then part of the
            model's identity.
        spare_keys: patterns (regular expressions) of stored weights that the architecture rightly leaves unused.
        absent_keys: patterns of weights that need not be stored, since the network never uses them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    checkpoint: str
    revision: str = "main"
    licence: str
    description: str
    source: str = ""
    note: str = ""
    model_types: list[str] = []
    millions: float = Field(default=0, ge=0)
    published: dict[str, list[str]] = {}
    trust_remote_code: bool = False
    spare_keys: list[str] = []
    absent_keys: list[str] = []

    def settings(self) -> dict[str, object]:
        """Everything that can change an answer, ready for JSON: what says where it comes from is left out."""
        prose = {"checkpoint", "revision", "licence", "description", "source", "note", "model_types"}
        prose |= {"millions", "published"}
        return self.model_dump(mode="json", exclude=prose)


P = TypeVar("P", bound=Preset)


@dataclass(frozen=True)
class Abilities:
    """What a model can do: units that it answers with, whether it takes visual prompts, and what it must refuse.

    Attributes:
        units: see `ModelEntry`.
        regions: see `ModelEntry`.
        refuse: see `ModelEntry`.
    """

    units: tuple[Unit, ...]
    regions: bool = False
    refuse: Callable[[Query, ModelArgs], str] | None = None


@dataclass(frozen=True)
class Member(Generic[P]):
    """One model of a family.

    Attributes:
        name: with its family, as shown in tables: `hf-depth:dpt-large`.
        preset: how it is used.
        folder: where its checkpoint lies; None where the hub cache is to be asked.
    """

    name: str
    preset: P
    folder: Path | None

    def located(self, weights: Path | None = None) -> Path:
        """Find the folder of the checkpoint.

        Args:
            weights: value of `--weights`, which wins.

        Raises:
            ModelError: it is not here; the text says how to get it.
        """
        if weights is not None or self.folder is not None:
            return checkpoints.checked(weights or self.folder or Path())
        return checkpoints.in_hub_cache(self.preset.checkpoint, self.preset.revision)


def presets(family: str) -> list[str]:
    """Names of the presets that come with the package, in alphabetical order."""
    return sorted(path.stem for path in (PRESETS / family).glob("*.yaml"))


def member(family: str, reference: str, schema: type[P]) -> Member[P]:
    """Resolve what stands behind the colon.

    Args:
        family: name in the registry.
        reference: as the user typed it.
        schema: what presets of the family hold.

    Raises:
        ConfigError: a preset file cannot be used.
        ModelError: a folder or hub id is not here, or no preset knows its architecture.
        UnknownName: it looks like the name of a preset, and there is none of that name.
    """
    path = Path(reference).expanduser()
    if path.suffix in (".yaml", ".yml"):
        preset = strict_yaml.read(path, schema)
        return Member(f"{family}:{path.stem}", preset, _own_folder(path, preset))
    if path.is_dir():
        return Member(f"{family}:{path.resolve().name}", _preset_of(family, path, schema), path)
    if reference in presets(family):
        path = PRESETS / family / f"{reference}.yaml"
        preset = strict_yaml.read(path, schema)
        return Member(f"{family}:{reference}", preset, _own_folder(path, preset))
    if _HUB_ID.fullmatch(reference) and not reference.startswith("."):
        return _of_hub_id(family, reference, schema)
    if path.is_absolute() or reference.startswith((".", "~")):
        raise ModelError(f"{reference} is no folder: name the folder of a checkpoint")
    raise unknown(f"preset of {family}", reference, presets(family), f"refbench models {family}")


def family(
    name: str,
    schema: type[P],
    load: Callable[[Member[P], Path, LoadOptions], Model],
    able: Callable[[P], Abilities],
    description: str,
    arguments: tuple[ModelArgument, ...] = (),
) -> ModelEntry:
    """Build the registry entry of a family.

    Args:
        name: what the user types before the colon, and the folder of its presets.
        schema: what its presets hold.
        load: (member, folder of the checkpoint, options) -> loaded model. Raises ModelError.
        able: preset -> what its model can do.
        description: one line for `refbench models`.
        arguments: what `--model-arg` can tell every member.
    """

    def of_reference(reference: str) -> ModelEntry:
        found = member(name, reference, schema)
        can = able(found.preset)
        return replace(
            _entry(found, load), units=can.units, regions=can.regions, refuse=can.refuse, arguments=arguments
        )

    every = [able(strict_yaml.read(PRESETS / name / f"{each}.yaml", schema)) for each in presets(name)]
    seen = {unit: None for can in every for unit in can.units}
    return ModelEntry(
        name=name,
        kind="family",
        units=tuple(seen),
        load=_nameless,
        description=description,
        weights="of the local hub cache or a folder; nothing is downloaded",
        regions=any(can.regions for can in every),
        refuse=partial(_all_refuse, every),
        of_reference=of_reference,
        example=next(iter(presets(name)), "FOLDER"),
        arguments=arguments,
        note=f"presets: {', '.join(presets(name))}; also a folder, a hub id in the local cache, or a preset FILE.yaml",
    )


def _entry(found: Member[P], load: Callable[[Member[P], Path, LoadOptions], Model]) -> ModelEntry:
    preset = found.preset

    def fingerprint(options: LoadOptions) -> str:
        return checkpoints.fingerprint(found.located(options.weights), preset.settings())

    def sizes(weights: Path | None) -> list[ModelSize]:
        try:
            folder = found.located(weights)
        except ModelError:
            about = [ModelSize(f"{preset.checkpoint}, about", round(preset.millions * 1e6))]
            return about if preset.millions else []  # the card must not need the weights
        return [ModelSize(folder.name, stored_values(folder))]

    return ModelEntry(
        name=found.name,
        kind=found.name.partition(":")[0],
        units=(),
        load=lambda options: load(found, found.located(options.weights), options),
        description=preset.description,
        weights=str(found.folder or preset.checkpoint),
        fingerprint=fingerprint,
        needs=() if found.folder else (NeededFile(preset.checkpoint, "the whole checkpoint", preset.licence),),
        licence=preset.licence,
        sizes=sizes,
        published=() if found.folder else tuple(_published(preset)),  # a folder may hold other weights
        note=preset.note,
    )


def _published(preset: Preset) -> Iterator[Published]:
    """What is printed of a preset's checkpoint."""
    if not preset.published:  # most have nothing, and the file of numbers is long
        return
    from results import published

    for number in published.numbers():
        datasets = preset.published.get(number.model)
        if datasets is not None and (not datasets or number.dataset in datasets):
            where = (number.task, number.dataset, number.split, number.metric)
            yield Published(*where, number.text, number.unit, number.source.line())


def _all_refuse(every: Sequence[Abilities], query: Query, args: ModelArgs) -> str:
    """Why no preset of a family can answer a query; empty where one can."""
    reasons = [can.refuse(query, args) if can.refuse is not None else "" for can in every]
    return reasons[0] if reasons and all(reasons) else ""


def _nameless(options: LoadOptions) -> Model:
    raise ConfigError("a family of models cannot be loaded without naming one")


def _own_folder(file: Path, preset: Preset) -> Path | None:
    """The folder that a preset names as a path, if it does."""
    named = file.parent / Path(preset.checkpoint).expanduser()
    return named if named.is_dir() or not _HUB_ID.fullmatch(preset.checkpoint) else None


def _of_hub_id(family_name: str, reference: str, schema: type[P]) -> Member[P]:
    for name in presets(family_name):
        preset = strict_yaml.read(PRESETS / family_name / f"{name}.yaml", schema)
        if preset.checkpoint == reference:
            return Member(f"{family_name}:{reference}", preset, None)
    folder = checkpoints.in_hub_cache(reference)
    return Member(f"{family_name}:{reference}", _preset_of(family_name, folder, schema), folder)


def _preset_of(family_name: str, folder: Path, schema: type[P]) -> P:
    """The preset that a checkpoint folder follows by its `config.json`.

    Raises:
        ModelError: there is none.
    """
    kind = model_type(folder)
    known = {name: strict_yaml.read(PRESETS / family_name / f"{name}.yaml", schema) for name in presets(family_name)}
    for preset in known.values():
        if kind in preset.model_types:
            return preset
    types = sorted({each for preset in known.values() for each in preset.model_types})
    raise ModelError(
        f"{folder} is a {kind}, of which no preset of {family_name} says how to use it (they know {', '.join(types)}): "
        f"write a preset with `checkpoint: {folder}` and name its file, --model {family_name}:FILE.yaml"
    )


def model_type(folder: Path) -> str:
    """Read the architecture of a checkpoint off its `config.json`.

    Raises:
        ModelError: there is none, or it names none.
    """
    path = folder / "config.json"
    try:
        content: Mapping[str, object] = json.loads(path.read_text(encoding="utf-8"))
        return str(content["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} names no architecture ({error}): name the folder of a checkpoint") from None
