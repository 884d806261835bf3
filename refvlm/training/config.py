"""What a training run is made of: one YAML file, checked, unknown keys refused."""

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from benchmarks.errors import ConfigError, unknown
from refvlm.config import SizesConfig, Strict, complaint


class DataConfig(Strict):
    """Which scenes and questions.

    Attributes:
        shapes: kind of question about scenes of shapes -> how often it is drawn, see `refvlm.training.questions`.
        dense: the same for scenes where every pixel has a truth; empty leaves those scenes out.
        dense_share: share of images that are dense scenes.
        instruction_share: share of questions that are asked without a command, see `benchmarks.commands`.
        first_scene: index of the first training scene, so that a later stage sees new ones.
        early_shares, late_shares: how often an expression is an attribute, superlative, direction or distance, in the
            first `early_share` of all steps and after it.
    """

    seed: int = 0
    shapes: dict[str, float] = Field(default_factory=lambda: {"refer": 1.0})
    dense: dict[str, float] = Field(default_factory=dict)
    dense_share: float = Field(default=0.5, ge=0, le=1)
    instruction_share: float = Field(default=0.0, ge=0, le=1)
    first_scene: int = Field(default=0, ge=0)
    images_per_step: int = 16
    questions_per_image: int = 4
    early_shares: tuple[float, float, float, float] = (0.3, 0.3, 0.2, 0.2)
    late_shares: tuple[float, float, float, float] = (0.15, 0.25, 0.2, 0.4)
    early_share: float = 0.35

    @model_validator(mode="after")
    def _known_questions(self) -> Self:
        from refvlm.training.questions import DENSE_MAKERS, SHAPES_MAKERS

        for shares, makers in ((self.shapes, SHAPES_MAKERS), (self.dense, DENSE_MAKERS)):
            for name in shares:
                if name not in makers:
                    raise ValueError(str(unknown("kind of question", name, makers)))
        return self


class OptimConfig(Strict):
    """AdamW with linear warm-up and cosine decay to zero; EMA of the weights."""

    steps: int
    warmup_steps: int = 120
    lr: float = 1e-3
    llm_lr: float = 6e-4
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = 0.998
    bf16: bool = True


class LossConfig(Strict):
    """Weight of each loss."""

    text: float = 1.0
    box: float = 0.5
    mask: float = 0.5
    heat: float = 1.0
    cells: float = 0.5
    quality: float = 0.2
    joints: float = 0.5
    depth: float = 1.0


class TrainConfig(Strict):
    """A whole run.

    Attributes:
        start_from: checkpoint folder whose weights the run starts from, relative to the working folder; parts and words
            that it lacks start fresh. Empty starts from scratch.
        model: sizes of the model; the vocabulary is built from the data.
    """

    seed: int = 0
    start_from: str = ""
    model: SizesConfig = Field(default_factory=SizesConfig)
    data: DataConfig = Field(default_factory=DataConfig)
    optim: OptimConfig
    loss: LossConfig = Field(default_factory=LossConfig)
    log_every: int = 20
    save_every: int = 200


def load_config(path: Path) -> TrainConfig:
    """Read a training file.

    Raises:
        ConfigError: the file is missing, is no YAML, or holds an unknown key or a wrong value.
    """
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        return TrainConfig.model_validate(content)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read ({error.strerror}): name a file such as configs/train/tiny.yaml"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {error}") from None
    except ValidationError as error:
        raise ConfigError(f"{path}: {complaint(error, TrainConfig)}") from None
