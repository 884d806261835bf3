"""What a training run is made of: one YAML file, checked, unknown keys refused."""

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from benchmarks.errors import ConfigError, unknown
from refvlm.config import Size, SizesConfig, Strict, complaint
from refvlm.presets import preset
from refvlm.training.sections import EvaluateConfig, SourceConfig
from refvlm.transfer.config import TransferConfig


class DataConfig(Strict):
    """Which scenes and questions.

    Attributes:
        shapes: kind of question about scenes of shapes -> how often it is drawn, see `refvlm.training.questions`.
        dense: the same for scenes where every pixel has a truth; empty leaves those scenes out.
        dense_share: share of images that are dense scenes.
        few_share: share of the scenes of shapes with one or two objects, among which a question soon finds its own.
        instruction_share: share of questions that are asked without a command, see `benchmarks.commands`.
        first_scene: index of the first training scene, so that a later stage sees new ones.
        sources: real data, see `refvlm.training.mixture`; none for the sample world alone.
        root: folder of their files; empty takes REFBENCH_DATA. A written sample world will do.
        world_share: share of the images that are scenes of the sample world, where there are sources.
        early_shares, late_shares: how often an expression is an attribute, superlative, direction or distance, in the
            first `early_share` of all steps and after it.
    """

    seed: int = 0
    shapes: dict[str, float] = Field(default_factory=lambda: {"refer": 1.0})
    dense: dict[str, float] = Field(default_factory=dict)
    dense_share: float = Field(default=0.5, ge=0, le=1)
    few_share: float = Field(default=0.0, ge=0, le=1)
    instruction_share: float = Field(default=0.0, ge=0, le=1)
    first_scene: int = Field(default=0, ge=0)
    sources: tuple[SourceConfig, ...] = ()
    root: str = ""
    world_share: float = Field(default=0.0, ge=0, lt=1)
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
    """AdamW with linear warm-up and cosine decay to zero; EMA of the weights.

    Attributes:
        steps: length of the schedule.
        last_step: where the run ends although its schedule does not, because another stage follows; None for its end.
        lr, llm_lr: learning rates of everything and of the language model.
        part_lrs: name of a part -> its own learning rate, see `refvlm.training.parts`; the longest name wins.
        ema: how much of the moving average stays at each step; 0 keeps none and saves the weights themselves.
        precision: number format of a pass; the weights and their updates are float32. fp16 needs a GPU. "bf16_layers"
            is bf16 in the language model's layers alone, see `refvlm.training.lean`: the fastest on a processor.
        accumulate: pieces that each process cuts its images of a step into, one pass after the other; the losses and
            gradients stay those of the whole step.
        recompute: whether the layers' inner values are computed again on the way back instead of kept (gradient
            checkpointing).
    """

    steps: int
    last_step: Size | None = None
    warmup_steps: int = 120
    lr: float = 1e-3
    llm_lr: float = 6e-4
    part_lrs: dict[str, float] = Field(default_factory=dict)
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.02
    clip: float = 1.0
    ema: float = Field(default=0.998, ge=0, lt=1)
    precision: Literal["bf16", "fp16", "fp32", "bf16_layers"] = "bf16"
    accumulate: Size = 1
    recompute: bool = False

    @property
    def end(self) -> int:
        """Steps that the run takes."""
        return self.steps if self.last_step is None else min(self.steps, self.last_step)

    @model_validator(mode="before")
    @classmethod
    def _earlier_spelling(cls, content: Any) -> Any:
        """Runs of earlier versions say `bf16: true` or `false`; their states can be taken up."""
        if isinstance(content, dict) and isinstance(content.get("bf16"), bool) and "precision" not in content:
            rest = {key: value for key, value in content.items() if key != "bf16"}
            return rest | {"precision": "bf16" if content["bf16"] else "fp32"}
        return content


class LossConfig(Strict):
    """Weight of each loss; one of weight 0 is not computed.

    `text_per` says what the loss of the words is a mean over: tokens, or turns, so that an answer of one word counts as
    much as a caption. `words` is the loss of naming what covers each image token by the embeddings of its words, see
    `refvlm.training.step.CellHeads.words`: without it, the language model hardly learns to answer in words.
    """

    text: float = 1.0
    text_per: Literal["token", "turn"] = "token"
    words: float = 0.0
    box: float = 0.5
    mask: float = 0.5
    heat: float = 1.0
    cells: float = 0.5
    quality: float = 0.2
    joints: float = 0.5
    depth: float = 1.0


class LoraConfig(Strict):
    """Low-rank adapters on the language model, whose own weights then stay as they are (Hu et al., 2021).

    Attributes:
        r, alpha: rank, and the factor `alpha / r` of what an adapter adds.
        targets: names of the layers that get one.
        adapters: write the adapters alone as well, in the format of peft; the checkpoint holds the merged weights.
    """

    r: Size = 16
    alpha: float = Field(default=32.0, gt=0)
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    adapters: bool = False


class TrainConfig(Strict):
    """A whole run.

    Attributes:
        start_from: checkpoint folder whose weights the run starts from, relative to the working folder; parts and words
            that it lacks start fresh. Empty starts from scratch.
        tokenizer: folder whose tokenizer is used, relative to the working folder; empty makes that of the sample world.
        preset: named sizes of the model, see `refvlm.presets`, over which `model` is laid.
        model: sizes of the model; the vocabulary is that of the tokenizer.
        freeze, train: parts that keep their weights and parts that learn, see `refvlm.training.parts`.
        deepspeed: DeepSpeed's own JSON file, relative to the working folder; empty does without.
        track: where the losses go beside train_log.jsonl.
        evaluate: what the harness measures while the run goes on.
        transfer: what comes from two other models, see `refvlm.transfer`; None for nothing.
    """

    seed: int = 0
    start_from: str = ""
    tokenizer: str = ""
    preset: str = ""
    model: SizesConfig = Field(default_factory=SizesConfig)
    freeze: tuple[str, ...] = ()
    train: tuple[str, ...] = ()
    lora: LoraConfig | None = None
    data: DataConfig = Field(default_factory=DataConfig)
    optim: OptimConfig
    loss: LossConfig = Field(default_factory=LossConfig)
    deepspeed: str = ""
    track: Literal["tensorboard", "trackio"] | None = None
    evaluate: EvaluateConfig = Field(default_factory=EvaluateConfig)
    transfer: TransferConfig | None = None
    log_every: int = 20
    save_every: int = 200

    @model_validator(mode="before")
    @classmethod
    def _lay_over_preset(cls, content: Any) -> Any:
        if not isinstance(content, dict) or not content.get("preset"):
            return content
        sizes = preset(str(content["preset"]), vocab_size=1).model_dump(exclude={"vocab_size"})
        for key, value in (content.get("model") or {}).items():
            base = sizes.get(key)
            sizes[key] = base | value if isinstance(base, dict) and isinstance(value, dict) else value
        return content | {"model": sizes}

    @property
    def region_tokens(self) -> int:
        """Tokens that a visual prompt takes in a sequence."""
        return 1 if self.model.regions is None else self.model.regions.tokens


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
            f"{path} cannot be read ({error.strerror}): name a file such as configs/train/tiny/stage1.yaml"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is no YAML: {error}") from None
    except ValidationError as error:
        raise ConfigError(f"{path}: {complaint(error, TrainConfig)}") from None
