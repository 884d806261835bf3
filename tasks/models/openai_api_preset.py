"""What a model behind a server declares: its name there, what it is told, in which coordinates it speaks boxes."""

from pathlib import Path

from tasks import strict_yaml
from tasks.models import families
from tasks.models.speech import Speech

FAMILY = "openai-api"


class ServerPreset(Speech):
    """How a model behind a server is asked and understood.

    Attributes:
        model: as the server calls it.
        licence: of its weights, as known.
        description: one line for `refbench models`.
        source: where its publisher documents the settings.
        note: what a reader of its rows must know.
        multiple: pictures are sent with sides that are multiples of so many pixels; 0 sends them as they are. With it,
            and the same settings at the server, coordinates in `pixel_resized` are those of the picture as sent.
        most_pixels: larger pictures are made smaller; 0 for no limit. Only with `multiple`.
    """

    model: str
    licence: str = "the server's"
    description: str = ""
    source: str = ""
    note: str = ""
    multiple: int = 0
    most_pixels: int = 0

    def sent_hw(self, size_hw: tuple[int, int]) -> tuple[int, int]:
        """Height and width, in pixels, at which a picture of a size is sent."""
        if not self.multiple:
            return size_hw
        height, width = size_hw
        shrunk = min(1.0, (self.most_pixels / (height * width)) ** 0.5) if self.most_pixels else 1.0
        rows, columns = (max(int(side * shrunk) // self.multiple, 1) for side in size_hw)
        return (rows * self.multiple, columns * self.multiple)

    def settings(self) -> dict[str, object]:
        """Everything that can change an answer, ready for JSON."""
        return self.model_dump(mode="json", exclude={"licence", "description", "source", "note"})


def of(reference: str) -> tuple[str, ServerPreset]:
    """Resolve what stands behind the colon: a preset file, a preset, or a model as the server calls it.

    Returns:
        The name for tables, and how the model is used; one without a preset answers in words alone.

    Raises:
        ConfigError: a preset file cannot be used.
    """
    path = Path(reference).expanduser()
    if path.suffix in (".yaml", ".yml"):
        return path.stem, strict_yaml.read(path, ServerPreset)
    for name in families.presets(FAMILY):
        preset = strict_yaml.read(families.PRESETS / FAMILY / f"{name}.yaml", ServerPreset)
        if reference in (name, preset.model):
            return reference, preset
    return reference, ServerPreset(model=reference)
