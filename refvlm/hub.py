"""The reference model as a citizen of transformers: `from_pretrained`, `save_pretrained`, `Auto` classes, a processor.

A folder is the same for both worlds: what `save_pretrained` of model and processor wrote is a checkpoint of refbench
and the other way round. Weights may lie in shards, and `device_map` may spread the model over devices, memory and disk
(`refvlm.hub_devices`).

    register()
    model = AutoModel.from_pretrained(folder, dtype=torch.float32)
    processor = AutoProcessor.from_pretrained(folder)
    inputs = processor([picture], ["Segment the red star."], unit="mask")
    output = model.generate(**inputs, tokenizer=processor.tokenizer)
    predictions = processor.post_process(output, inputs)

`generate` differs from that of language models: every answer is kept within the grammar (unless told not to be), it
ends at the end token or at `max_new_tokens`, and it returns new tokens only, with the boxes and masks that the decoders
read off the states of `<REF>` tokens. It is greedy, or draws with `do_sample`; streamers and stopping criteria work as
in transformers. There are no beams: boxes have one reading. All options: `refvlm.hub_options`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoConfig, AutoModel, AutoModelForImageTextToText, AutoProcessor, PreTrainedModel
from transformers import PreTrainedConfig as Config
from transformers.modeling_outputs import CausalLMOutput
from transformers.utils.hub import cached_file

from benchmarks.errors import ModelError
from refvlm.config import HUB_KEYS, MODEL_TYPE, RefVLMConfig, read_config
from refvlm.fingerprint import HABITS
from refvlm.generation import GeneratedBatch, Prompt, generate
from refvlm.habits import Habits
from refvlm.hub_devices import Core, fill, settle
from refvlm.hub_options import INPUTS, GenerateOptions
from refvlm.hub_processor import RefVLMProcessor
from refvlm.model import RefVLM
from refvlm.tokenizer import PAD, Tokenizer

IGNORED = -100
"""Label of tokens that the loss leaves out."""
_WHENCE = ("cache_dir", "force_download", "local_files_only", "proxies", "revision", "subfolder", "token")
"""Options of `from_pretrained` that say where files come from."""


class RefVLMPretrainedConfig(Config):  # type: ignore[misc]  # transformers has no types
    """The sizes of `refvlm.config.RefVLMConfig`, flat in config.json as our own checkpoints have them."""

    model_type: ClassVar[str] = MODEL_TYPE

    def __init__(self, **kwargs: Any) -> None:
        names = RefVLMConfig.model_fields
        self.sizes: dict[str, Any] = {name: kwargs.pop(name) for name in names if name in kwargs}
        super().__init__(**kwargs)

    def checked(self) -> RefVLMConfig:
        """Check the sizes.

        Raises:
            ConfigError: a key is unknown or a value has the wrong type.
        """
        return read_config(self.sizes, Path("config.json"))

    @classmethod
    def of(cls, sizes: RefVLMConfig) -> Self:
        """Take checked sizes."""
        return cls(**sizes.model_dump(mode="json"))

    def to_dict(self) -> dict[str, Any]:
        """Build the content of config.json."""
        content: dict[str, Any] = super().to_dict()
        kept = {key: value for key, value in content.items() if key in HUB_KEYS and value is not None}
        return kept | {"model_type": MODEL_TYPE} | self.sizes

    def to_diff_dict(self) -> dict[str, Any]:
        """The same: every size is written, so that a change of defaults changes no model."""
        return self.to_dict()


@dataclass(frozen=True)
class RefVLMGeneration:
    """Answers of a batch.

    Attributes:
        sequences: int [Q, L], new tokens of each answer, padded on the right.
        batch: the answers with their triplets, and what the decoders say.
        core: the model that said it.
        per_text: answers to each text; those to one text stand together.
    """

    sequences: Tensor
    batch: GeneratedBatch
    core: RefVLM
    per_text: int = 1


class RefVLMForConditionalGeneration(PreTrainedModel):  # type: ignore[misc]  # see above
    """`refvlm.model.RefVLM` with the manners of transformers; its weights have the same names."""

    config_class = RefVLMPretrainedConfig
    main_input_name = "pixel_values"
    base_model_prefix = ""
    _no_split_modules: ClassVar[list[str]] = [
        "VisionEncoder", "LlamaDecoderLayer", "QueryTrunk", "PixelDecoder", "BoxDecoder", "MaskDecoder", "QualityHead",
        "KeypointDecoder", "DepthDecoder", "RegionEncoder",
    ]  # fmt: skip

    def __init__(self, config: RefVLMPretrainedConfig) -> None:
        super().__init__(config)
        core = Core(config.checked())
        self.__dict__["core"] = core  # not a submodule: the parts are, under the names that our checkpoints have
        for name, part in core.named_children():
            self.add_module(name, part)
        self.post_init()

    core: Core

    @classmethod
    def from_pretrained(cls, source: Any, *args: Any, output_loading_info: bool = False, **kwargs: Any) -> Any:
        """Load a folder, as `PreTrainedModel.from_pretrained` does, but never a part of a model.

        Raises:
            ModelError: weights are missing, unknown, or have another shape than the configuration says; habits.json is
                damaged.
        """
        model, found = super().from_pretrained(source, *args, output_loading_info=True, **kwargs)
        wrong = [
            f"{name} {what}"
            for key, what in (("missing_keys", "is missing"), ("unexpected_keys", "is not part of the model"))
            for name in sorted(found[key])
        ]
        wrong += [f"{each} has another shape" for each in found.get("mismatched_keys", ())]
        if wrong:
            raise ModelError(f"{source} does not fit its config.json ({len(wrong)} tensors): {'; '.join(wrong[:4])}")
        settle(model.core)
        whence = {key: value for key, value in kwargs.items() if key in _WHENCE}
        habits = source and cached_file(source, HABITS, _raise_exceptions_for_missing_entries=False, **whence)
        if habits:
            model.core.habits = Habits.load(Path(habits).parent, model.core.config.vocab_size)
        return (model, found) if output_loading_info else model

    def save_pretrained(self, save_directory: Any, is_main_process: bool = True, **kwargs: Any) -> None:
        """Write a folder, as `PreTrainedModel.save_pretrained` does, with what guesses of answers are made from."""
        super().save_pretrained(save_directory, is_main_process=is_main_process, **kwargs)
        if is_main_process and self.core.habits.next:
            self.core.habits.save(Path(save_directory))

    def _init_weights(self, module: nn.Module) -> None:
        """Parts begin with values of their own; only what no checkpoint stores is computed here."""
        fill(module)

    def get_input_embeddings(self) -> nn.Module:
        """Embeddings of the language model."""
        out: nn.Module = self.core.llm.get_input_embeddings()
        return out

    def forward(
        self,
        pixel_values: Tensor,
        input_ids: Tensor,
        attention_mask: Tensor | None = None,
        image_index: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> CausalLMOutput:
        """Read images and text, teacher-forced; visual prompts are for `generate` and training only.

        Args:
            pixel_values: float [I, 3, S, S].
            input_ids: int [Q, L], text behind the image.
            attention_mask: int [Q, L], 0 on padding, on either side.
            image_index: int [Q], image of each text; by default one each.
            labels: int [Q, L], IGNORED where there is no loss.

        Returns:
            logits: float [Q, L, V], the token after each; loss: mean cross-entropy of the labels.
        """
        core = self.core
        index = torch.arange(len(input_ids), device=input_ids.device) if image_index is None else image_index
        seen = core.vision(pixel_values).tokens[index]
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        whole = torch.cat([mask.new_ones(seen.shape[:2]), mask], 1)
        states = core.llm.model(
            inputs_embeds=torch.cat([seen, core.embed(input_ids)], 1),
            attention_mask=whole,
            position_ids=(whole.cumsum(1) - 1).clamp(min=0),
        ).last_hidden_state
        logits = core.llm.lm_head(states[:, seen.shape[1] :])
        loss = None
        if labels is not None:
            told, said = logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten()
            loss = functional.cross_entropy(told.float(), said, ignore_index=IGNORED)
        return CausalLMOutput(loss=loss, logits=logits)

    @torch.inference_mode()
    def generate(self, *, tokenizer: Tokenizer, **asked: Any) -> RefVLMGeneration:
        """Answer.

        Args:
            tokenizer: the processor's own: the grammar is spelled in its tokens.
            asked: what the processor returned, and `refvlm.hub_options.GenerateOptions`.

        Raises:
            ModelError: there are visual prompts and the model has no part for them.
            ConfigError: an option is unknown, or it does not fit the others.
        """
        core = self.core
        inputs = {key: value for key, value in asked.items() if key in INPUTS}
        options = GenerateOptions.read({key: value for key, value in asked.items() if key not in INPUTS})
        each = _prompts(inputs, options.max_new_tokens)
        if core.region_encoder is None and any(prompt.masks for prompt in each):
            raise ModelError("this model takes no visual prompts: leave regions out")
        prompts = [prompt for prompt in each for _ in range(options.num_return_sequences)]
        choosing = options.choosing(inputs["input_ids"].repeat_interleave(options.num_return_sequences, 0))
        try:
            batch = generate(core, tokenizer, inputs["pixel_values"], prompts, options.constrain, choosing)
        finally:
            if options.streamer is not None:
                options.streamer.end()  # whoever reads the stream must not wait for a run that failed
        rows = [torch.tensor(answer.ids, dtype=torch.long) for answer in batch.answers]
        padded = nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=tokenizer.ids[PAD])
        return RefVLMGeneration(padded.to(core.device), batch, core, options.num_return_sequences)


def _prompts(inputs: dict[str, Any], room: int | None) -> Sequence[Prompt]:
    """Take the processor's tensors apart: one prompt a text, without padding."""
    ids, mask = inputs["input_ids"], inputs["attention_mask"].bool()
    owner = inputs["prompt_text"].tolist()
    out = []
    for row, image in enumerate(inputs["image_index"].tolist()):
        mine = [k for k, text in enumerate(owner) if text == row]
        masks = tuple(inputs["prompt_masks"][k] for k in mine)
        kinds = tuple(int(inputs["prompt_kinds"][k]) for k in mine)
        out.append(Prompt(image, tuple(ids[row][mask[row]].tolist()), masks, kinds, room))
    return out


def register() -> None:
    """Make `AutoConfig`, `AutoModel`, `AutoModelForImageTextToText` and `AutoProcessor` know the model."""
    AutoConfig.register(MODEL_TYPE, RefVLMPretrainedConfig, exist_ok=True)
    for auto in (AutoModel, AutoModelForImageTextToText):
        auto.register(RefVLMPretrainedConfig, RefVLMForConditionalGeneration, exist_ok=True)
    AutoProcessor.register(RefVLMPretrainedConfig, RefVLMProcessor, exist_ok=True)
