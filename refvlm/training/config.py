"""What a training run is made of: one YAML file, checked, unknown keys refused."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from benchmarks.errors import ConfigError
from refvlm.config import DecoderConfig, EncoderConfig, LlmConfig, Strict, TrunkConfig, complaint


class DataConfig(Strict):
    """Which scenes and questions. Shares are by expression kind: attribute, superlative, direction, distance."""

    seed: int = 0
    images_per_step: int = 16
    questions_per_image: int = 4
    early_shares: tuple[float, float, float, float] = (0.3, 0.3, 0.2, 0.2)
    late_shares: tuple[float, float, float, float] = (0.15, 0.25, 0.2, 0.4)
    early_share: float = 0.35


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


class ModelSection(Strict):
    """Sizes of the model; the vocabulary is built from the data."""

    image_size: int = 128
    trunk: TrunkConfig = Field(default_factory=TrunkConfig)
    encoder: EncoderConfig = Field(default_factory=EncoderConfig)
    llm: LlmConfig = Field(default_factory=LlmConfig)
    decoder: DecoderConfig = Field(default_factory=DecoderConfig)


class TrainConfig(Strict):
    """A whole run."""

    seed: int = 0
    model: ModelSection = Field(default_factory=ModelSection)
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
